// GroupStore: what a GroupSet needs of storage: the log port, which entries may go, snapshots. A
// port: DiskGroupStore (disk_group_store.h) in production, memory in tests. One a reactor.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/result.h"
#include "broker/replica/group_state.h"
#include "broker/replica/group_time.h"
#include "raft/ports.h"

namespace warren::replica {

struct EntryRange {
  raft::Index first;
  raft::Index last;
};

struct ReadBack {
  raft::Index index;
  std::optional<raft::Entry> entry;  // nothing: there is none, or it is damaged
};

class GroupStore {
 public:
  virtual ~GroupStore() = default;
  virtual raft::LogStore& log() = 0;

  virtual void create(raft::GroupId group, raft::MemberId self, bool abstain) = 0;
  virtual void remove(raft::GroupId group) = 0;
  virtual void clear_abstain(raft::GroupId group) = 0;
  // Soon durable. Nothing: none was kept since the replica was created.
  virtual void keep_time(raft::GroupId group, const KeptTime& time) = 0;
  virtual std::optional<KeptTime> kept_time(raft::GroupId group) const = 0;

  // The contiguous log starts at `first` from now on. REQUIRES: a durable snapshot covers first
  // - 1.
  virtual void compact(raft::GroupId group, raft::Index first) = 0;
  virtual raft::Index first(raft::GroupId group) const = 0;
  // REQUIRES: below the contiguous log and named by no durable snapshot.
  virtual void delete_entries(raft::GroupId group, const std::vector<EntryRange>& ranges) = 0;
  // Off the reactor; `done` comes on it, later.
  virtual void read_entries(raft::GroupId group, std::vector<raft::Index> indexes,
                            std::function<void(std::vector<ReadBack>)> done) = 0;

  // `done` comes on the reactor once the snapshot is the durable one. One at a time for a group.
  virtual void write_snapshot(raft::GroupId group, const raft::SnapshotMeta& meta,
                              std::vector<StatePart> parts, std::function<void()> done) = 0;
  // visit(key, octets) for each part of the durable snapshot, in order of key. An error: damaged.
  virtual Result<void> load_snapshot(
      raft::GroupId group,
      const std::function<Result<void>(const std::string&, const std::string&)>& visit) = 0;
};

}  // namespace warren::replica
