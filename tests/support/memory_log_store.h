// A log store in memory that forgets what was not synced when it crashes. For tests and the
// simulation; one per simulated node. Any thread, one at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "raft/ports.h"
#include "raft/types.h"

namespace warren::test {

class MemoryLogStore : public raft::LogStore {
 public:
  void write(std::uint64_t number, std::vector<raft::GroupWrite> writes) override {
    for (const raft::GroupWrite& write : writes)
      apply(visible_, write);
    queued_.emplace_back(number, std::move(writes));
  }

  std::vector<raft::Entry> entries(raft::GroupId group, raft::Index first, raft::Index last,
                                   std::uint64_t max_bytes) override {
    std::vector<raft::Entry> found;
    const std::map<raft::Index, raft::Entry>& log = visible_[group].log;
    std::uint64_t bytes = 0;
    auto entry = log.find(first);
    for (; entry != log.end() && entry->first <= last; ++entry) {
      bytes += entry->second.bytes().size();
      if (!found.empty() && bytes > max_bytes) break;
      found.push_back(entry->second);
    }
    return found;
  }

  std::optional<raft::Term> term(raft::GroupId group, raft::Index index) override {
    const Group& here = visible_[group];
    if (const auto entry = here.log.find(index); entry != here.log.end()) return entry->second.term;
    if (here.snapshot && here.snapshot->index == index) return here.snapshot->term;
    return std::nullopt;
  }

  // Makes the oldest `count` queued writes durable; their numbers wait in take_completed.
  void sync(std::size_t count = SIZE_MAX) {
    for (; count > 0 && !queued_.empty(); --count) {
      for (const raft::GroupWrite& write : queued_.front().second)
        apply(durable_, write);
      completed_.push_back(queued_.front().first);
      queued_.pop_front();
    }
  }
  bool has_unsynced() const { return !queued_.empty(); }
  std::vector<std::uint64_t> take_completed() { return std::exchange(completed_, {}); }

  // The power goes: queued writes are lost, and so are acknowledgements on their way.
  void crash() {
    queued_.clear();
    completed_.clear();
    visible_ = durable_;
  }

  // What a restart finds. Nothing: this group was never written here.
  std::optional<raft::StoredGroup> stored(raft::GroupId group, raft::MemberId self) const {
    const auto found = durable_.find(group);
    if (found == durable_.end()) return std::nullopt;
    const Group& here = found->second;
    raft::StoredGroup stored;
    stored.group = group;
    stored.self = self;
    stored.hard_state = here.hard_state;
    stored.snapshot = here.snapshot;
    const raft::Index base = here.snapshot ? here.snapshot->index : raft::Index();
    stored.first = here.log.empty() ? base.next() : here.log.begin()->first;
    stored.last = here.log.empty() ? base : here.log.rbegin()->first;
    return stored;
  }
  const std::string& snapshot_state(raft::GroupId group) { return visible_[group].state; }
  std::optional<raft::SnapshotMeta> snapshot(raft::GroupId group) {
    return visible_[group].snapshot;
  }

  // Keeps a snapshot of an applied state, durable at once, and drops the log below `keep_from`.
  void compact(raft::GroupId group, raft::SnapshotMeta meta, std::string state,
               raft::Index keep_from) {
    sync();
    for (Group* here : {&visible_[group], &durable_[group]}) {
      here->log.erase(here->log.begin(), here->log.lower_bound(keep_from));
      here->snapshot = meta;
      here->state = state;
    }
  }

  // Replaces the group's whole log by a snapshot that came from elsewhere, durable at once.
  void install(raft::GroupId group, const raft::SnapshotMeta& meta, const std::string& state) {
    compact(group, meta, state, raft::Index(UINT64_MAX));
  }

  // Cuts durable entries from `from` on, as a torn tail would; the node is down meanwhile.
  void tear(raft::GroupId group, raft::Index from, raft::HardState hard_state) {
    Group& here = durable_[group];
    here.log.erase(here.log.lower_bound(from), here.log.end());
    here.hard_state = hard_state;
    visible_ = durable_;
  }

 private:
  struct Group {
    raft::HardState hard_state;
    std::map<raft::Index, raft::Entry> log;
    std::optional<raft::SnapshotMeta> snapshot;
    std::string state;
  };
  using Groups = std::map<raft::GroupId, Group>;

  static void apply(Groups& groups, const raft::GroupWrite& write) {
    Group& group = groups[write.group];
    if (write.hard_state) group.hard_state = *write.hard_state;
    if (write.entries.empty()) return;
    group.log.erase(group.log.lower_bound(write.entries.front().index), group.log.end());
    for (const raft::Entry& entry : write.entries)
      group.log[entry.index] = entry;
  }

  Groups visible_;  // queued writes included
  Groups durable_;
  std::deque<std::pair<std::uint64_t, std::vector<raft::GroupWrite>>> queued_;
  std::vector<std::uint64_t> completed_;
};

}  // namespace warren::test
