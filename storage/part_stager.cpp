#include "storage/part_stager.h"

#include <rocksdb/write_batch.h>

namespace warren::storage {

namespace {

// Small enough that a chunk does not hold up the log's next sync.
constexpr std::uint64_t chunk_bytes = 256 << 10;

}  // namespace

PartStager::PartStager(Database& database, Committer& committer)
    : database_(database),
      committer_(committer),
      in_flight_(std::make_shared<std::atomic<std::uint64_t>>(0)) {}

void PartStager::put_state(std::string key, std::string value) {
  put({false, std::move(key), std::move(value)});
}

void PartStager::put_log(std::string key, std::string value) {
  put({true, std::move(key), std::move(value)});
}

void PartStager::put(Put put) {
  bytes_ += put.key.size() + put.value.size();
  puts_.push_back(std::move(put));
  if (bytes_ >= chunk_bytes) flush();
}

void PartStager::flush() {
  if (puts_.empty()) return;
  const std::uint64_t bytes = std::exchange(bytes_, 0);
  *in_flight_ += bytes;
  Commit commit;
  commit.bytes = bytes;
  commit.urgent = false;
  commit.fill = [&database = database_,
                 puts = std::exchange(puts_, {})](rocksdb::WriteBatch& batch) {
    for (const Put& put : puts)
      batch.Put(put.log ? database.log() : database.state(), put.key, put.value);
  };
  commit.done = [in_flight = in_flight_, bytes] { *in_flight -= bytes; };
  committer_.submit(std::move(commit));
}

}  // namespace warren::storage
