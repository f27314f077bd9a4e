#include "broker/replica/disk_group_store.h"

#include <utility>

namespace warren::replica {
namespace {
constexpr std::size_t load_bytes = 4u << 20;  // of a snapshot, at once
}

DiskGroupStore::DiskGroupStore(storage::Database& database, storage::Committer& committer,
                               storage::ReadPool& pool, storage::Post post,
                               std::function<void(std::uint64_t)> written, std::size_t cache_bytes)
    : database_(database),
      committer_(committer),
      post_(post),
      log_(database, committer, pool, std::move(post), std::move(written), cache_bytes) {}

DiskGroupStore::~DiskGroupStore() = default;

void DiskGroupStore::remove(raft::GroupId group) {
  writers_.erase(group);
  log_.remove(group);
}

void DiskGroupStore::keep_time(raft::GroupId group, const KeptTime& time) {
  log_.set_clock(group, {time.boot_id, time.at.count(), time.stamp.value});
}

std::optional<KeptTime> DiskGroupStore::kept_time(raft::GroupId group) const {
  const auto& clock = log_.clock(group);
  if (!clock) return std::nullopt;
  return KeptTime{clock->boot_id, BootTime(clock->boot_time_ns), Stamp(clock->stamp_ms)};
}

void DiskGroupStore::delete_entries(raft::GroupId group, const std::vector<EntryRange>& ranges) {
  std::vector<storage::IndexRange> converted;
  converted.reserve(ranges.size());
  for (const EntryRange& range : ranges)
    converted.push_back({range.first, range.last});
  log_.delete_entries(group, converted);
}

void DiskGroupStore::read_entries(raft::GroupId group, std::vector<raft::Index> indexes,
                                  std::function<void(std::vector<ReadBack>)> done) {
  log_.read_entries_async(group, std::move(indexes),
                          [done = std::move(done)](std::vector<storage::ReadEntry> read) {
                            std::vector<ReadBack> back;
                            back.reserve(read.size());
                            for (storage::ReadEntry& one : read)
                              back.push_back({one.index, std::move(one.entry)});
                            done(std::move(back));
                          });
}

void DiskGroupStore::write_snapshot(raft::GroupId group, const raft::SnapshotMeta& meta,
                                    std::vector<StatePart> parts, std::function<void()> done) {
  auto& writer = writers_[group];
  writer = std::make_unique<storage::SnapshotWriter>(database_, committer_, post_, group);
  for (StatePart& part : parts) {
    if (part.octets)
      writer->put(part.key, *part.octets);
    else
      writer->erase(part.key);
  }
  writer->commit(meta, [this, group, done = std::move(done)] {
    writers_.erase(group);
    done();
  });
}

Result<void> DiskGroupStore::load_snapshot(
    raft::GroupId group,
    const std::function<Result<void>(const std::string&, const std::string&)>& visit) {
  auto reader = storage::SnapshotReader::open(database_, group);
  if (!reader) return fail(ReplyCode::internal_error, "the group has no snapshot");
  for (;;) {
    auto parts = reader->next_parts(load_bytes);
    if (!reader->error().empty()) return fail(ReplyCode::internal_error, reader->error());
    if (parts.empty()) return {};
    for (const storage::SnapshotPart& part : parts)
      if (auto done = visit(part.key, part.octets); !done) return done;
  }
}

}  // namespace warren::replica
