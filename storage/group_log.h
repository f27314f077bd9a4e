// GroupLog: the log of the groups of one reactor, behind raft's port. The log is the message store:
// entries below the contiguous log live on, sparsely, until delete_entries. Recent entries stay in
// memory. One a reactor; all calls on it. Architecture §6; docs/storage-format.md.
#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "raft/ports.h"
#include "storage/committer.h"
#include "storage/database.h"
#include "storage/keys.h"
#include "storage/read_pool.h"

namespace warren::storage {

// Runs a function on the owner's reactor, later. Called from any thread.
using Post = std::function<void(std::function<void()>)>;

struct IndexRange {
  raft::Index first;
  raft::Index last;
  bool operator==(const IndexRange&) const = default;
};

class GroupLog final : public raft::LogStore {
 public:
  // `written` is called on the reactor, with rising numbers. `cache_bytes`: of all groups here.
  GroupLog(Database& database, Committer& committer, ReadPool& pool, Post post,
           std::function<void(std::uint64_t)> written, std::size_t cache_bytes = 16u << 20);
  ~GroupLog() override;

  // Which groups the store holds; any GroupLog answers for all.
  static std::expected<std::vector<raft::GroupId>, OpenError> stored_groups(Database& database);
  // A stored group becomes this object's. Reads its log through: an error is damage.
  std::expected<raft::StoredGroup, OpenError> load(raft::GroupId group);
  // A new group. Durable with its first write at the latest. `abstain`: until clear_abstain.
  // REQUIRES: not stored.
  void create(raft::GroupId group, raft::MemberId self, bool abstain = false);
  void remove(raft::GroupId group);  // and everything that is stored of it
  // A leader has caught this replica up, or all members answered: the torn tail is forgotten.
  void clear_abstain(raft::GroupId group);
  // Not waited for: durable within 200 ms.
  void set_clock(raft::GroupId group, const ClockRecord& clock);
  const std::optional<ClockRecord>& clock(raft::GroupId group) const;

  void write(std::uint64_t number, std::vector<raft::GroupWrite> writes) override;
  std::vector<raft::Entry> entries(raft::GroupId group, raft::Index first, raft::Index last,
                                   std::uint64_t max_bytes) override;
  std::optional<raft::Term> term(raft::GroupId group, raft::Index index) override;

  raft::Index first(raft::GroupId group) const;  // of the contiguous log; last + 1: empty
  raft::Index last(raft::GroupId group) const;
  std::size_t recent_bytes() const { return recent_bytes_; }  // of all groups, in memory

  // The contiguous log starts at `first` from now on; what is below is message store only.
  // REQUIRES: a durable snapshot covers first - 1.
  void compact(raft::GroupId group, raft::Index first);
  // REQUIRES: below the contiguous log, and named by no durable snapshot.
  void delete_entries(raft::GroupId group, const std::vector<IndexRange>& ranges);
  // Any entry that is stored, below the contiguous log too. May read the disk.
  ReadEntry read_entry(raft::GroupId group, raft::Index index);
  // The same off the reactor; `done` comes on the reactor, in the order of `indexes`.
  void read_entries_async(raft::GroupId group, std::vector<raft::Index> indexes,
                          std::function<void(std::vector<ReadEntry>)> done);

 private:
  friend class SnapshotInstall;
  struct Group;
  Group& at(raft::GroupId group);
  const Group& at(raft::GroupId group) const;
  static std::expected<void, OpenError> read_records(Database& database, Group& group);
  static void drop_abandoned(Database& database, Group& group, rocksdb::WriteBatch& batch);
  std::expected<void, OpenError> scan_log(Group& group);
  void append(Group& group, const std::vector<raft::Entry>& entries, std::uint64_t number);
  void remember(Group& group, const raft::Entry& entry, std::uint64_t number);
  void forget_recent(Group& group, raft::Index from);
  void evict();
  void read_from_disk(const Group& group, raft::Index first, raft::Index last,
                      std::uint64_t max_bytes, std::vector<raft::Entry>& out) const;
  std::optional<raft::Entry> recent(const Group& group, raft::Index index) const;
  void on_written(std::uint64_t number);
  // What SnapshotInstall made durable.
  void on_installed(raft::GroupId group, const raft::SnapshotMeta& meta,
                    std::vector<InstalledRange> ranges);

  Database& database_;
  Committer& committer_;
  ReadPool& pool_;
  const Post post_;
  const std::function<void(std::uint64_t)> written_;
  const std::size_t cache_bytes_;
  std::uint64_t completed_ = 0;  // writes up to this one are durable
  // Whose the recent entries are, in the order in which they came.
  std::deque<std::pair<Group*, raft::Index>> recent_;
  std::size_t recent_bytes_ = 0;
  std::map<raft::GroupId, std::unique_ptr<Group>> groups_;
};

}  // namespace warren::storage
