#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <utility>

#include "storage/check.h"
#include "storage/group_state.h"
#include "storage/keys.h"
#include "storage/part_stager.h"
#include "storage/snapshot_store.h"

namespace warren::storage {

// Everything goes under a new generation, where no reader looks before the commit names it: the
// entries too, since at the same index the log may hold one that was never committed.
struct SnapshotInstall::Impl {
  GroupLog& log;
  const raft::GroupId group;
  const raft::Index after;
  SnapshotRecord record;  // as it will be
  PartStager stager;
  std::vector<raft::Index> entries;
  bool committed = false;

  Impl(GroupLog& log, raft::GroupId group, raft::Index after)
      : log(log), group(group), after(after), stager(log.database_, log.committer_) {
    std::string octets;
    const Database& database = log.database_;
    const auto status = database.db().Get(rocksdb::ReadOptions(), database.state(),
                                          state_key(StateTag::snapshot, group), &octets);
    if (status.ok())
      if (auto former = decode_snapshot(octets)) record = *std::move(former);
    ++record.number;
    ++record.generation;
    // So that a restart knows what to sweep away.
    stager.put_state(state_key(StateTag::begun, group), encode(Begun{record.generation, after}));
  }

  void abandon(rocksdb::WriteBatch& batch) const {
    auto* state = log.database_.state();
    batch.Delete(state, state_key(StateTag::begun, group));
    batch.DeleteRange(state, part_data_key(group, record.number, ""),
                      part_data_key(group, record.number + 1, ""));
    batch.DeleteRange(state, part_index_key(group, record.generation, ""),
                      part_index_key(group, record.generation + 1, ""));
    for (raft::Index index : entries)
      batch.Delete(log.database_.log(), log_key(group, index, record.generation));
  }

  // `last`: of the log that is replaced.
  void fill(rocksdb::WriteBatch& batch, const raft::MemberId& self,
            const std::vector<InstalledRange>& ranges, raft::Index last) const {
    auto* state = log.database_.state();
    batch.Put(state, state_key(StateTag::member, group), encode(self));
    batch.Put(state, state_key(StateTag::snapshot, group), encode(record));
    batch.Put(state, state_key(StateTag::log_start, group),
              encode(LogStart{record.meta.index.next(), record.meta.term}));
    batch.Put(state, state_key(StateTag::installed, group), encode(ranges));
    batch.Delete(state, state_key(StateTag::begun, group));
    batch.DeleteRange(state, part_data_key(group, 0, ""), part_data_key(group, record.number, ""));
    batch.DeleteRange(state, part_index_key(group, 0, ""),
                      part_index_key(group, record.generation, ""));
    for (raft::Index index = after.next(); index <= last; index = index.next())
      batch.Delete(log.database_.log(), log_key(group, index, 0));
  }
};

SnapshotInstall::SnapshotInstall(GroupLog& log, raft::GroupId group, raft::Index after)
    : impl_(std::make_unique<Impl>(log, group, after)) {}

SnapshotInstall::~SnapshotInstall() {
  if (!impl_ || impl_->committed) return;
  impl_->stager.flush();
  Committer& committer = impl_->log.committer_;
  Commit commit;
  commit.urgent = false;
  commit.fill = [impl = std::shared_ptr<Impl>(std::move(impl_))](rocksdb::WriteBatch& batch) {
    impl->abandon(batch);
  };
  committer.submit(std::move(commit));
}

void SnapshotInstall::put_part(std::string_view key, std::string_view octets) {
  STORAGE_CHECK(!impl_->committed, "a part came after the commit");
  const SnapshotRecord& record = impl_->record;
  impl_->stager.put_state(part_data_key(impl_->group, record.number, key), std::string(octets));
  impl_->stager.put_state(part_index_key(impl_->group, record.generation, key),
                          Encoder().u64(record.number).take());
}

void SnapshotInstall::put_entry(const raft::Entry& entry) {
  STORAGE_CHECK(!impl_->committed, "an entry came after the commit");
  if (entry.index <= impl_->after) return;
  impl_->entries.push_back(entry.index);
  impl_->stager.put_log(log_key(impl_->group, entry.index, impl_->record.generation),
                        log_record_head(entry) + std::string(entry.bytes()));
}

std::uint64_t SnapshotInstall::in_flight() const {
  return impl_->stager.in_flight();
}

void SnapshotInstall::commit(const raft::SnapshotMeta& meta, std::function<void()> done) {
  STORAGE_CHECK(!impl_->committed, "a snapshot is installed twice");
  impl_->committed = true;
  impl_->record.meta = meta;
  impl_->stager.flush();
  GroupLog& log = impl_->log;
  GroupLog::Group& group = log.at(impl_->group);
  group.stored = true;
  std::vector<InstalledRange> ranges = group.installed;
  if (!impl_->entries.empty())
    ranges.push_back({impl_->record.generation, impl_->after.next(), meta.index});
  Commit commit;
  commit.bytes = (group.last.value - std::min(group.last, impl_->after).value) * 32;
  commit.fill = [impl = std::make_shared<Impl>(*impl_), self = group.self, ranges,
                 last = group.last](rocksdb::WriteBatch& batch) {
    impl->fill(batch, self, ranges, last);
  };
  commit.done = [&log, id = impl_->group, meta, ranges, done = std::move(done)] {
    log.post_([&log, id, meta, ranges, done] {
      log.on_installed(id, meta, ranges);
      done();
    });
  };
  log.committer_.submit(std::move(commit));
}

}  // namespace warren::storage
