#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <map>
#include <utility>

#include "storage/check.h"
#include "storage/keys.h"
#include "storage/part_stager.h"
#include "storage/snapshot_store.h"

namespace warren::storage {

namespace {

std::optional<std::string> get_state(const Database& database, const std::string& key) {
  std::string value;
  const auto status = database.db().Get(rocksdb::ReadOptions(), database.state(), key, &value);
  STORAGE_CHECK(status.ok() || status.IsNotFound(),
                "cannot read from " + database.directory() + ": " + status.ToString());
  return status.ok() ? std::optional(std::move(value)) : std::nullopt;
}

}  // namespace

struct SnapshotWriter::Impl {
  // What the snapshot does to one part.
  struct Change {
    std::optional<std::uint64_t> former;  // the snapshot that holds its octets so far
    bool put = false;                     // false: erased
  };

  Database& database;
  Committer& committer;
  const Post post;
  const raft::GroupId group;
  SnapshotRecord record;  // as it will be
  PartStager stager;
  std::map<std::string, Change> changes;
  bool staged = false;
  bool committed = false;

  Impl(Database& database, Committer& committer, Post post, raft::GroupId group)
      : database(database),
        committer(committer),
        post(std::move(post)),
        group(group),
        stager(database, committer) {
    if (auto octets = get_state(database, state_key(StateTag::snapshot, group))) {
      auto former = decode_snapshot(*octets);
      STORAGE_CHECK(former.has_value(), "the snapshot record of a group is malformed");
      record = *std::move(former);
    }
    ++record.number;
  }

  Change& change(std::string_view key) {
    auto [place, added] = changes.try_emplace(std::string(key));
    if (added)
      if (auto octets = get_state(database, part_index_key(group, record.generation, key)))
        place->second.former = Decoder(*octets).u64();
    return place->second;
  }

  void fill(rocksdb::WriteBatch& batch) const {
    auto* state = database.state();
    for (const auto& [key, change] : changes) {
      const std::string index = part_index_key(group, record.generation, key);
      if (change.put)
        batch.Put(state, index, Encoder().u64(record.number).take());
      else
        batch.Delete(state, index);
      if (change.former) batch.Delete(state, part_data_key(group, *change.former, key));
    }
    batch.Put(state, state_key(StateTag::snapshot, group), encode(record));
  }
};

SnapshotWriter::SnapshotWriter(Database& database, Committer& committer, Post post,
                               raft::GroupId group)
    : impl_(std::make_unique<Impl>(database, committer, std::move(post), group)) {}

SnapshotWriter::~SnapshotWriter() {
  if (!impl_ || impl_->committed || !impl_->staged) return;
  impl_->stager.flush();
  Commit commit;
  commit.urgent = false;
  commit.fill = [&database = impl_->database, group = impl_->group,
                 number = impl_->record.number](rocksdb::WriteBatch& batch) {
    batch.DeleteRange(database.state(), part_data_key(group, number, ""),
                      part_data_key(group, number + 1, ""));
  };
  impl_->committer.submit(std::move(commit));
}

void SnapshotWriter::put(std::string_view key, std::string_view octets) {
  STORAGE_CHECK(!impl_->committed, "a part came after the commit");
  impl_->change(key).put = true;
  impl_->staged = true;
  impl_->stager.put_state(part_data_key(impl_->group, impl_->record.number, key),
                          std::string(octets));
}

void SnapshotWriter::erase(std::string_view key) {
  STORAGE_CHECK(!impl_->committed, "a part came after the commit");
  impl_->change(key).put = false;
}

std::uint64_t SnapshotWriter::in_flight() const {
  return impl_->stager.in_flight();
}

void SnapshotWriter::commit(const raft::SnapshotMeta& meta, std::function<void()> done) {
  STORAGE_CHECK(!impl_->committed, "a snapshot is committed twice");
  impl_->committed = true;
  impl_->stager.flush();
  impl_->record.meta = meta;
  auto shared = std::make_shared<Impl>(*impl_);
  Commit commit;
  commit.bytes = impl_->changes.size() * 96;
  commit.fill = [shared](rocksdb::WriteBatch& batch) { shared->fill(batch); };
  commit.done = [post = impl_->post, done = std::move(done)] { post(done); };
  impl_->committer.submit(std::move(commit));
}

}  // namespace warren::storage
