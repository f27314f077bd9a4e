#include "tests/simulation/sim_store.h"

#include <algorithm>

namespace warren::simulation {
namespace {

void apply_write(GroupDisk& disk, const raft::GroupWrite& write) {
  if (write.hard_state) disk.hard_state = *write.hard_state;
#ifdef WARREN_MUTATION_FORGET_VOTE
  disk.hard_state.vote = {};
#endif
  if (write.entries.empty()) return;
  disk.entries.erase(disk.entries.lower_bound(write.entries.front().index), disk.entries.end());
  for (const raft::Entry& entry : write.entries)
    disk.entries[entry.index] = entry;
}

}  // namespace

void SimStore::enqueue(std::function<void(Disk&)> apply, std::function<void()> done,
                       bool snapshot) {
  apply(visible_);
  queue_.push_back({std::move(apply), std::move(done), snapshot});
#ifdef WARREN_MUTATION_ANSWER_BEFORE_SYNC
  // A page cache that is written out now and then.
  if (queue_.size() >= 16)
    for (std::size_t i = queue_.size(); i > 0; --i)
      want_sync();
#else
  want_sync();
#endif
}

void SimStore::sync_one() {
  if (queue_.empty()) return;
  Operation operation = std::move(queue_.front());
  queue_.pop_front();
  operation.apply(durable_);
  if (operation.done) operation.done();
  if (!queue_.empty() && queue_.front().snapshot) on_before_snapshot();
}

bool SimStore::crash() {
  bool lost = !queue_.empty();
  queue_.clear();
  visible_ = durable_;
  return lost;
}

std::vector<raft::StoredGroup> SimStore::stored() const {
  std::vector<raft::StoredGroup> all;
  for (const auto& [id, disk] : visible_) {
    raft::StoredGroup stored;
    stored.group = id;
    stored.self = disk.self;
    stored.hard_state = disk.hard_state;
    stored.snapshot = disk.snapshot;
    stored.first = disk.first;
    stored.last = disk.first.previous();
    if (!disk.entries.empty()) stored.last = std::max(stored.last, disk.entries.rbegin()->first);
    all.push_back(stored);
  }
  return all;
}

void SimStore::create(raft::GroupId group, raft::MemberId self, bool) {
  enqueue([group, self](Disk& disk) { disk[group].self = self; }, nullptr);
}

void SimStore::remove(raft::GroupId group) {
  enqueue([group](Disk& disk) { disk.erase(group); }, nullptr);
}

void SimStore::keep_time(raft::GroupId group, const replica::KeptTime& time) {
  enqueue([group, time](Disk& disk) { disk[group].time = time; }, nullptr);
}

void SimStore::compact(raft::GroupId group, raft::Index first) {
  enqueue([group, first](Disk& disk) { disk[group].first = std::max(disk[group].first, first); },
          nullptr);
}

void SimStore::delete_entries(raft::GroupId group, const std::vector<replica::EntryRange>& ranges) {
  const auto& entries = visible_[group].entries;
  for (const auto& range : ranges)
    for (auto at = entries.lower_bound(range.first); at != entries.end() && at->first <= range.last;
         ++at)
      ++deleted_;
  enqueue(
      [group, ranges](Disk& disk) {
        auto& entries = disk[group].entries;
        for (const auto& range : ranges)
          entries.erase(entries.lower_bound(range.first), entries.upper_bound(range.last));
      },
      nullptr);
}

void SimStore::read_entries(raft::GroupId group, std::vector<raft::Index> indexes,
                            std::function<void(std::vector<replica::ReadBack>)> done) {
  later([this, group, indexes = std::move(indexes), done = std::move(done)] {
    std::vector<replica::ReadBack> read;
    const auto& entries = visible_[group].entries;
    for (raft::Index index : indexes) {
      auto at = entries.find(index);
      read.push_back({index, at == entries.end() ? std::nullopt : std::optional(at->second)});
    }
    done(std::move(read));
  });
}

void SimStore::write_snapshot(raft::GroupId group, const raft::SnapshotMeta& meta,
                              std::vector<replica::StatePart> parts, std::function<void()> done) {
  enqueue(
      [group, meta, parts = std::move(parts)](Disk& disk) {
        GroupDisk& here = disk[group];
        here.snapshot = meta;
        for (const auto& part : parts) {
          if (part.octets)
            here.parts[part.key] = *part.octets;
          else
            here.parts.erase(part.key);
        }
      },
      [this, done = std::move(done)] { later(done); }, true);
}

Result<void> SimStore::load_snapshot(
    raft::GroupId group,
    const std::function<Result<void>(const std::string&, const std::string&)>& visit) {
  for (const auto& [key, octets] : visible_[group].parts)
    if (auto done = visit(key, octets); !done) return done;
  return {};
}

void SimStore::install(raft::GroupId group, const GroupDisk& from, std::function<void()> done) {
  enqueue(
      [group, from](Disk& disk) {
        GroupDisk& here = disk[group];
        here.entries = from.entries;
        here.entries.erase(here.entries.upper_bound(from.snapshot->index), here.entries.end());
        here.snapshot = from.snapshot;
        here.parts = from.parts;
        here.first = from.snapshot->index.next();
      },
      [this, done = std::move(done)] { later(done); });
}

bool SimStore::grants_vote(const raft::GroupWrite& write) const {
  const GroupDisk& disk = visible_.at(write.group);
  return write.hard_state && write.hard_state->vote && write.hard_state->vote != disk.self &&
         (write.hard_state->term > disk.hard_state.term || !disk.hard_state.vote);
}

void SimStore::write(std::uint64_t number, std::vector<raft::GroupWrite> writes) {
  bool votes = std::ranges::any_of(writes, [&](const auto& write) { return grants_vote(write); });
  for (const raft::GroupWrite& write : writes)
    for (const raft::Entry& entry : write.entries) {
      bool first = &entry == &write.entries.front();
      auto previous =
          first ? term(write.group, entry.index.previous()) : std::optional((&entry - 1)->term);
      if (on_append && (previous || entry.index == raft::Index(1)))
        on_append(write.group, entry, previous.value_or(raft::Term()));
    }
  auto apply = [writes = std::move(writes)](Disk& disk) {
    for (const raft::GroupWrite& write : writes)
      apply_write(disk[write.group], write);
  };
  auto answer = [this, number, votes] {
    written(number);
    if (votes) on_vote();
  };
#ifdef WARREN_MUTATION_ANSWER_BEFORE_SYNC
  enqueue(std::move(apply), nullptr);
  later(answer);
#else
  enqueue(std::move(apply), answer);
#endif
}

std::vector<raft::Entry> SimStore::entries(raft::GroupId group, raft::Index first, raft::Index last,
                                           std::uint64_t max_bytes) {
  std::vector<raft::Entry> found;
  const GroupDisk& disk = visible_[group];
  if (first < disk.first) return found;
  std::uint64_t bytes = 0;
  for (auto at = disk.entries.find(first); at != disk.entries.end() && at->first <= last; ++at) {
    bytes += at->second.bytes().size();
    if (!found.empty() && bytes > max_bytes) break;
    found.push_back(at->second);
  }
  return found;
}

std::optional<raft::Term> SimStore::term(raft::GroupId group, raft::Index index) {
  const GroupDisk& disk = visible_[group];
  if (disk.snapshot && disk.snapshot->index == index) return disk.snapshot->term;
  if (index < disk.first) return std::nullopt;
  auto at = disk.entries.find(index);
  if (at == disk.entries.end()) return std::nullopt;
  return at->second.term;
}

}  // namespace warren::simulation
