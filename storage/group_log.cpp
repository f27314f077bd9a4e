#include "storage/group_log.h"

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <utility>

#include "storage/check.h"
#include "storage/group_state.h"

namespace warren::storage {

namespace {

constexpr std::size_t entry_overhead = 96;  // keys, headers and the entry's own struct, about
// Wider than this, one range tombstone is cheaper than one for each entry.
constexpr std::uint64_t single_deletes = 8;

std::size_t weight(const raft::Entry& entry) {
  return entry.bytes().size() + entry_overhead;
}

rocksdb::Slice slice(std::string_view view) {
  return {view.data(), view.size()};
}

void put_entry(rocksdb::WriteBatch& batch, rocksdb::ColumnFamilyHandle* log, raft::GroupId group,
               const raft::Entry& entry) {
  const std::string key = log_key(group, entry.index, 0);
  const std::string head = log_record_head(entry);
  const rocksdb::Slice key_part = key;
  const rocksdb::Slice value_parts[2] = {head, slice(entry.bytes())};
  batch.Put(log, rocksdb::SliceParts(&key_part, 1), rocksdb::SliceParts(value_parts, 2));
}

ReadEntry read_record(Database& database, raft::GroupId group, raft::Index index,
                      Generation generation) {
  ReadEntry result{index, std::nullopt, {}};
  rocksdb::PinnableSlice record;
  const auto status = database.db().Get(rocksdb::ReadOptions(), database.log(),
                                        log_key(group, index, generation), &record);
  if (status.IsNotFound()) return result;
  if (status.ok()) result.entry = parse_log_record(index, {record.data(), record.size()});
  if (!result.entry)
    result.error = "entry " + std::to_string(index.value) + " of group " +
                   std::to_string(group.value) + ": " +
                   (status.ok() ? std::string("malformed record") : status.ToString());
  return result;
}

}  // namespace

GroupLog::GroupLog(Database& database, Committer& committer, ReadPool& pool, Post post,
                   std::function<void(std::uint64_t)> written, std::size_t cache_bytes)
    : database_(database),
      committer_(committer),
      pool_(pool),
      post_(std::move(post)),
      written_(std::move(written)),
      cache_bytes_(cache_bytes) {}

GroupLog::~GroupLog() = default;

GroupLog::Group& GroupLog::at(raft::GroupId group) {
  auto found = groups_.find(group);
  STORAGE_CHECK(found != groups_.end(), "no group " + std::to_string(group.value) + " here");
  return *found->second;
}

const GroupLog::Group& GroupLog::at(raft::GroupId group) const {
  return const_cast<GroupLog*>(this)->at(group);
}

void GroupLog::create(raft::GroupId group, raft::MemberId self, bool abstain) {
  auto made = std::make_unique<Group>();
  made->id = group;
  made->self = self;
  made->abstain = abstain;
  const bool added = groups_.emplace(group, std::move(made)).second;
  STORAGE_CHECK(added, "group " + std::to_string(group.value) + " exists");
}

void GroupLog::remove(raft::GroupId group) {
  forget_recent(at(group), raft::Index());
  groups_.erase(group);
  Commit commit;
  commit.fill = [this, group](rocksdb::WriteBatch& batch) {
    const raft::GroupId next = group.next();
    batch.DeleteRange(database_.log(), log_key(group, raft::Index(), 0),
                      log_key(next, raft::Index(), 0));
    for (StateTag tag :
         {StateTag::abstain, StateTag::begun, StateTag::clock, StateTag::log_start,
          StateTag::hard_state, StateTag::member, StateTag::installed, StateTag::snapshot})
      batch.Delete(database_.state(), state_key(tag, group));
    for (StateTag tag : {StateTag::data, StateTag::part_index})
      batch.DeleteRange(database_.state(), state_key(tag, group), state_key(tag, next));
  };
  committer_.submit(std::move(commit));
}

void GroupLog::clear_abstain(raft::GroupId id) {
  Group& group = at(id);
  if (!group.abstain) return;
  group.abstain = false;
  Commit commit;
  commit.fill = [this, id](rocksdb::WriteBatch& batch) {
    batch.Delete(database_.state(), state_key(StateTag::abstain, id));
  };
  commit.urgent = false;
  committer_.submit(std::move(commit));
}

void GroupLog::set_clock(raft::GroupId id, const ClockRecord& clock) {
  at(id).clock = clock;
  Commit commit;
  commit.fill = [this, id, octets = encode(clock)](rocksdb::WriteBatch& batch) {
    batch.Put(database_.state(), state_key(StateTag::clock, id), octets);
  };
  commit.bytes = entry_overhead;
  commit.urgent = false;
  committer_.submit(std::move(commit));
}

const std::optional<ClockRecord>& GroupLog::clock(raft::GroupId id) const {
  return at(id).clock;
}

namespace {

// One group's part of a write, with what only the reactor knew.
struct PreparedWrite {
  raft::GroupWrite write;
  std::optional<raft::MemberId> member;  // the group's first write
  bool abstain = false;                  // with it
  raft::Index former_last;               // entries between the new last and this are deleted
};

void fill_batch(const Database& database, const std::vector<PreparedWrite>& prepared,
                rocksdb::WriteBatch& batch) {
  for (const PreparedWrite& one : prepared) {
    const raft::GroupId group = one.write.group;
    if (one.member)
      batch.Put(database.state(), state_key(StateTag::member, group), encode(*one.member));
    if (one.abstain) batch.Put(database.state(), state_key(StateTag::abstain, group), "");
    if (one.write.hard_state)
      batch.Put(database.state(), state_key(StateTag::hard_state, group),
                encode(*one.write.hard_state));
    for (const raft::Entry& entry : one.write.entries)
      put_entry(batch, database.log(), group, entry);
    if (one.write.entries.empty()) continue;
    for (raft::Index index = one.write.entries.back().index.next(); index <= one.former_last;
         index = index.next())
      batch.Delete(database.log(), log_key(group, index, 0));
  }
}

}  // namespace

void GroupLog::write(std::uint64_t number, std::vector<raft::GroupWrite> writes) {
  Commit commit;
  std::vector<PreparedWrite> prepared;
  for (raft::GroupWrite& write : writes) {
    Group& group = at(write.group);
    PreparedWrite one{std::move(write), std::nullopt, false, group.last};
    if (!group.stored) {
      one.member = group.self;
      one.abstain = group.abstain;
    }
    group.stored = true;
    if (one.write.hard_state) group.hard_state = *one.write.hard_state;
    append(group, one.write.entries, number);
    for (const raft::Entry& entry : one.write.entries)
      commit.bytes += weight(entry);
    commit.bytes += entry_overhead;
    prepared.push_back(std::move(one));
  }
  commit.fill = [this, prepared = std::move(prepared)](rocksdb::WriteBatch& batch) {
    fill_batch(database_, prepared, batch);
  };
  commit.done = [this, number] { post_([this, number] { on_written(number); }); };
  committer_.submit(std::move(commit));
}

void GroupLog::append(Group& group, const std::vector<raft::Entry>& entries, std::uint64_t number) {
  if (entries.empty()) return;
  const raft::Index from = entries.front().index;
  STORAGE_CHECK(group.first <= from && from <= group.last.next(),
                "an append at " + std::to_string(from.value) + " to a log that ends with " +
                    std::to_string(group.last.value));
  forget_recent(group, from);
  group.terms.erase(group.terms.lower_bound(from), group.terms.end());
  group.last = from.previous();
  for (const raft::Entry& entry : entries)
    remember(group, entry, number);
  evict();
}

void GroupLog::remember(Group& group, const raft::Entry& entry, std::uint64_t number) {
  STORAGE_CHECK(entry.index == group.last.next(),
                "entries have a gap before " + std::to_string(entry.index.value));
  group.last = entry.index;
  if (group.terms.empty() || group.terms.rbegin()->second != entry.term)
    group.terms.emplace(entry.index, entry.term);
  group.recent.push_back({entry, number});
  recent_.emplace_back(&group, entry.index);
  recent_bytes_ += weight(entry);
}

// The oldest of all groups first, so that a busy one has the room that idle ones do not need.
void GroupLog::evict() {
  while (recent_bytes_ > cache_bytes_ && !recent_.empty()) {
    std::deque<Group::Recent>& recent = recent_.front().first->recent;
    if (recent.front().number > completed_) return;
    recent_bytes_ -= weight(recent.front().entry);
    recent.pop_front();
    recent_.pop_front();
  }
}

// What a new leader replaces, or a snapshot: seldom, so the search costs little.
void GroupLog::forget_recent(Group& group, raft::Index from) {
  if (group.recent.empty() || group.recent.back().entry.index < from) return;
  while (!group.recent.empty() && group.recent.back().entry.index >= from) {
    recent_bytes_ -= weight(group.recent.back().entry);
    group.recent.pop_back();
  }
  std::erase_if(recent_,
                [&](const auto& one) { return one.first == &group && one.second >= from; });
}

void GroupLog::on_written(std::uint64_t number) {
  completed_ = number;
  evict();
  written_(number);
}

std::optional<raft::Entry> GroupLog::recent(const Group& group, raft::Index index) const {
  if (group.recent.empty() || index < group.recent.front().entry.index || index > group.last)
    return std::nullopt;
  return group.recent[index.value - group.recent.front().entry.index.value].entry;
}

std::vector<raft::Entry> GroupLog::entries(raft::GroupId id, raft::Index first, raft::Index last,
                                           std::uint64_t max_bytes) {
  const Group& group = at(id);
  std::vector<raft::Entry> out;
  last = std::min(last, group.last);
  if (first < group.first || first > last) return out;
  const raft::Index in_memory =
      group.recent.empty() ? group.last.next() : group.recent.front().entry.index;
  if (first < in_memory)
    read_from_disk(group, first, std::min(last, in_memory.previous()), max_bytes, out);
  std::uint64_t bytes = 0;
  for (const raft::Entry& entry : out)
    bytes += weight(entry);
  for (raft::Index index = out.empty() ? first : out.back().index.next(); index <= last;
       index = index.next()) {
    std::optional<raft::Entry> entry = recent(group, index);
    if (!entry) break;  // the disk's part was cut at max_bytes
    bytes += weight(*entry);
    if (!out.empty() && bytes > max_bytes) break;
    out.push_back(*std::move(entry));
  }
  return out;
}

void GroupLog::read_from_disk(const Group& group, raft::Index first, raft::Index last,
                              std::uint64_t max_bytes, std::vector<raft::Entry>& out) const {
  std::unique_ptr<rocksdb::Iterator> it(
      database_.db().NewIterator(rocksdb::ReadOptions(), database_.log()));
  std::uint64_t bytes = 0;
  raft::Index next = first;
  for (it->Seek(log_key(group.id, first, 0)); it->Valid() && next <= last; it->Next()) {
    const auto key = parse_log_key({it->key().data(), it->key().size()});
    if (!key || key->group != group.id || key->index > next) break;
    if (key->generation != 0) continue;
    auto entry = parse_log_record(next, {it->value().data(), it->value().size()});
    if (!entry) break;
    bytes += weight(*entry);
    if (!out.empty() && bytes > max_bytes) return;
    out.push_back(*std::move(entry));
    next = next.next();
  }
  STORAGE_CHECK(next > last, "the log of group " + std::to_string(group.id.value) +
                                 " cannot be read at " + std::to_string(next.value) + ": " +
                                 it->status().ToString());
}

std::optional<raft::Term> GroupLog::term(raft::GroupId id, raft::Index index) {
  const Group& group = at(id);
  if (index.next() == group.first) return group.previous;
  if (index < group.first || index > group.last) return std::nullopt;
  return std::prev(group.terms.upper_bound(index))->second;
}

raft::Index GroupLog::first(raft::GroupId group) const {
  return at(group).first;
}

raft::Index GroupLog::last(raft::GroupId group) const {
  return at(group).last;
}

void GroupLog::compact(raft::GroupId id, raft::Index first) {
  Group& group = at(id);
  if (first <= group.first) return;
  STORAGE_CHECK(first <= group.last.next(), "compaction beyond the end of the log");
  const raft::Term previous = *term(id, first.previous());
  if (first <= group.last) group.terms.emplace(first, *term(id, first));
  group.terms.erase(group.terms.begin(), group.terms.lower_bound(first));
  group.first = first;
  group.previous = previous;
  Commit commit;
  commit.fill = [this, id, first, previous](rocksdb::WriteBatch& batch) {
    batch.Put(database_.state(), state_key(StateTag::log_start, id),
              encode(LogStart{first, previous}));
  };
  commit.bytes = entry_overhead;
  commit.urgent = false;
  committer_.submit(std::move(commit));
}

void GroupLog::delete_entries(raft::GroupId id, const std::vector<IndexRange>& ranges) {
  const Group& group = at(id);
  for (const IndexRange& range : ranges)
    STORAGE_CHECK(range.first <= range.last && range.last < group.first,
                  "deletion of entry " + std::to_string(range.last.value) +
                      " of a log that begins with " + std::to_string(group.first.value));
  Commit commit;
  commit.bytes = entry_overhead * ranges.size();
  commit.urgent = false;
  commit.fill = [this, id, ranges, installed = group.installed](rocksdb::WriteBatch& batch) {
    for (const IndexRange& range : ranges) {
      if (range.last.value - range.first.value >= single_deletes) {
        batch.DeleteRange(database_.log(), log_key(id, range.first, 0),
                          log_key(id, range.last.next(), 0));
        continue;
      }
      for (raft::Index index = range.first; index <= range.last; index = index.next())
        batch.Delete(database_.log(), log_key(id, index, generation_of(installed, index)));
    }
  };
  committer_.submit(std::move(commit));
}

ReadEntry GroupLog::read_entry(raft::GroupId id, raft::Index index) {
  const Group& group = at(id);
  if (index > group.last) return {index, std::nullopt, {}};
  if (auto entry = recent(group, index)) return {index, std::move(entry), {}};
  return read_record(database_, id, index, generation_of(group.installed, index));
}

void GroupLog::read_entries_async(raft::GroupId id, std::vector<raft::Index> indexes,
                                  std::function<void(std::vector<ReadEntry>)> done) {
  const Group& group = at(id);
  std::vector<ReadEntry> found;
  std::vector<std::pair<std::size_t, Generation>> missing;  // position in `found`
  for (raft::Index index : indexes) {
    found.push_back({index, recent(group, index), {}});
    if (!found.back().entry && index <= group.last)
      missing.emplace_back(found.size() - 1, generation_of(group.installed, index));
  }
  auto answer = [post = post_, done = std::move(done)](std::vector<ReadEntry> all) mutable {
    auto shared = std::make_shared<std::vector<ReadEntry>>(std::move(all));
    post([done = std::move(done), shared] { done(std::move(*shared)); });
  };
  if (missing.empty()) return answer(std::move(found));
  pool_.submit([id, found = std::move(found), missing = std::move(missing),
                answer = std::move(answer)](Database& database) mutable {
    for (const auto& [position, generation] : missing)
      found[position] = read_record(database, id, found[position].index, generation);
    answer(std::move(found));
  });
}

void GroupLog::on_installed(raft::GroupId id, const raft::SnapshotMeta& meta,
                            std::vector<InstalledRange> ranges) {
  auto found = groups_.find(id);
  if (found == groups_.end()) return;  // removed meanwhile
  Group& group = *found->second;
  group.installed = std::move(ranges);
  group.first = meta.index.next();
  group.last = meta.index;
  group.previous = meta.term;
  group.terms.clear();
  forget_recent(group, raft::Index());
}

}  // namespace warren::storage
