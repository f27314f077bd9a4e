// SimStore: one simulated node's disk behind replica's store port. What is not synced is lost in a
// crash. Operations become durable in the order in which they were queued. Survives its process.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/replica/group_store.h"

namespace warren::simulation {

struct GroupDisk {
  raft::MemberId self;
  raft::HardState hard_state;
  std::map<raft::Index, raft::Entry> entries;  // sparse below `first`
  raft::Index first{1};                        // of the contiguous log
  std::optional<raft::SnapshotMeta> snapshot;
  std::map<std::string, std::string> parts;
  std::optional<replica::KeptTime> time;
};
using Disk = std::map<raft::GroupId, GroupDisk>;

class SimStore final : public replica::GroupStore, private raft::LogStore {
 public:
  // Set by the world: how later work is scheduled. Dropped at a crash.
  std::function<void(std::function<void()>)> later;  // soon, in this process
  std::function<void()> want_sync;                   // schedule sync_one()
  std::function<void(std::uint64_t)> written;
  std::function<void(raft::GroupId, const raft::Entry&, raft::Term previous)> on_append;
  std::function<void()> on_vote;             // one for another member is on its way
  std::function<void()> on_before_snapshot;  // all before it is durable, it is not

  void sync_one();  // the oldest operation becomes durable
  bool unsynced() const { return !queue_.empty(); }
  bool crash();  // true: something was lost
  const Disk& visible() const { return visible_; }
  std::vector<raft::StoredGroup> stored() const;
  // A snapshot and its entries from another node's disk.
  void install(raft::GroupId group, const GroupDisk& from, std::function<void()> done);
  std::uint64_t deleted() const { return deleted_; }

  raft::LogStore& log() override { return *this; }
  void create(raft::GroupId group, raft::MemberId self, bool abstain) override;
  void remove(raft::GroupId group) override;
  void clear_abstain(raft::GroupId) override {}
  void keep_time(raft::GroupId group, const replica::KeptTime& time) override;
  std::optional<replica::KeptTime> kept_time(raft::GroupId group) const override {
    return visible_.at(group).time;
  }
  void compact(raft::GroupId group, raft::Index first) override;
  raft::Index first(raft::GroupId group) const override { return visible_.at(group).first; }
  void delete_entries(raft::GroupId group, const std::vector<replica::EntryRange>& ranges) override;
  void read_entries(raft::GroupId group, std::vector<raft::Index> indexes,
                    std::function<void(std::vector<replica::ReadBack>)> done) override;
  void write_snapshot(raft::GroupId group, const raft::SnapshotMeta& meta,
                      std::vector<replica::StatePart> parts, std::function<void()> done) override;
  Result<void> load_snapshot(
      raft::GroupId group,
      const std::function<Result<void>(const std::string&, const std::string&)>& visit) override;

 private:
  struct Operation {
    std::function<void(Disk&)> apply;
    std::function<void()> done;
    bool snapshot = false;
  };

  void write(std::uint64_t number, std::vector<raft::GroupWrite> writes) override;
  std::vector<raft::Entry> entries(raft::GroupId group, raft::Index first, raft::Index last,
                                   std::uint64_t max_bytes) override;
  std::optional<raft::Term> term(raft::GroupId group, raft::Index index) override;
  void enqueue(std::function<void(Disk&)> apply, std::function<void()> done, bool snapshot = false);
  bool grants_vote(const raft::GroupWrite& write) const;

  Disk visible_;
  Disk durable_;
  std::deque<Operation> queue_;
  std::uint64_t deleted_ = 0;
};

}  // namespace warren::simulation
