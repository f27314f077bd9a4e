// How a GroupLog finds its groups again: records first, then the whole contiguous log.
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <utility>

#include "storage/check.h"
#include "storage/group_log.h"
#include "storage/group_state.h"

namespace warren::storage {

namespace {

std::string name_of(raft::GroupId group) {
  return "group " + std::to_string(group.value);
}

std::unexpected<OpenError> damaged(const Database& database, raft::GroupId group,
                                   const std::string& what) {
  return std::unexpected(damage(database.directory(), name_of(group) + ": " + what));
}

// Reads and decodes one record of the state family, if it is there.
template <typename T, typename Decode>
std::expected<void, OpenError> read_state(const Database& database, StateTag tag,
                                          raft::GroupId group, Decode decode, T& out) {
  std::string value;
  const auto status =
      database.db().Get(rocksdb::ReadOptions(), database.state(), state_key(tag, group), &value);
  if (status.IsNotFound()) return {};
  if (!status.ok()) return damaged(database, group, status.ToString());
  auto decoded = decode(value);
  if (!decoded)
    return damaged(database, group,
                   std::string("record '") + static_cast<char>(tag) + "' is malformed");
  out = *std::move(decoded);
  return {};
}

}  // namespace

std::expected<std::vector<raft::GroupId>, OpenError> GroupLog::stored_groups(Database& database) {
  std::vector<raft::GroupId> groups;
  const std::string from(1, static_cast<char>(StateTag::member));
  std::unique_ptr<rocksdb::Iterator> it(
      database.db().NewIterator(rocksdb::ReadOptions(), database.state()));
  for (it->Seek(from); it->Valid() && it->key().starts_with(from); it->Next()) {
    Decoder key(std::string_view(it->key().data(), it->key().size()).substr(1));
    groups.emplace_back(key.u32());
  }
  if (!it->status().ok())
    return std::unexpected(
        damage(database.directory(), "the list of groups: " + it->status().ToString()));
  return groups;
}

std::expected<void, OpenError> GroupLog::read_records(Database& database, Group& group) {
  const raft::GroupId id = group.id;
  std::optional<raft::MemberId> member;
  LogStart start{raft::Index(1), raft::Term()};
  std::optional<std::string> abstain;
  auto plain = [](std::string_view octets) { return std::optional(std::string(octets)); };
  std::expected<void, OpenError> done =
      read_state(database, StateTag::member, id, decode_member, member);
  if (done)
    done = read_state(database, StateTag::hard_state, id, decode_hard_state, group.hard_state);
  if (done) done = read_state(database, StateTag::log_start, id, decode_log_start, start);
  if (done) done = read_state(database, StateTag::snapshot, id, decode_snapshot, group.snapshot);
  if (done) done = read_state(database, StateTag::installed, id, decode_installed, group.installed);
  if (done) done = read_state(database, StateTag::begun, id, decode_begun, group.begun);
  if (done) done = read_state(database, StateTag::clock, id, decode_clock, group.clock);
  if (done) done = read_state(database, StateTag::abstain, id, plain, abstain);
  if (!done) return done;
  if (!member) return damaged(database, id, "its member record is missing");
  group.self = *member;
  group.stored = true;
  group.first = start.first;
  group.previous = start.previous;
  group.last = start.first.previous();
  group.abstain = abstain.has_value();
  return {};
}

// What a snapshot or an install that never finished has left behind.
void GroupLog::drop_abandoned(Database& database, Group& group, rocksdb::WriteBatch& batch) {
  const raft::GroupId id = group.id;
  const std::uint64_t number = group.snapshot ? group.snapshot->number : 0;
  const Generation generation = group.snapshot ? group.snapshot->generation : 0;
  batch.DeleteRange(database.state(), part_data_key(id, number + 1, ""),
                    state_key(StateTag::data, id.next()));
  batch.DeleteRange(database.state(), part_index_key(id, generation + 1, ""),
                    state_key(StateTag::part_index, id.next()));
  if (!group.begun) return;
  std::unique_ptr<rocksdb::Iterator> it(
      database.db().NewIterator(rocksdb::ReadOptions(), database.log()));
  for (it->Seek(log_key(id, group.begun->after.next(), 0)); it->Valid(); it->Next()) {
    const auto key = parse_log_key({it->key().data(), it->key().size()});
    if (!key || key->group != id) break;
    if (key->generation == group.begun->generation) batch.Delete(database.log(), it->key());
  }
  batch.Delete(database.state(), state_key(StateTag::begun, id));
}

std::expected<void, OpenError> GroupLog::scan_log(Group& group) {
  std::unique_ptr<rocksdb::Iterator> it(
      database_.db().NewIterator(rocksdb::ReadOptions(), database_.log()));
  for (it->Seek(log_key(group.id, group.first, 0)); it->Valid(); it->Next()) {
    const auto key = parse_log_key({it->key().data(), it->key().size()});
    if (!key) return damaged(database_, group.id, "a key of the log is malformed");
    if (key->group != group.id) break;
    if (key->generation != 0) continue;
    if (key->index != group.last.next())
      return damaged(database_, group.id,
                     "entries are missing before " + std::to_string(key->index.value));
    auto entry = parse_log_record(key->index, {it->value().data(), it->value().size()});
    if (!entry)
      return damaged(database_, group.id,
                     "entry " + std::to_string(key->index.value) + " is malformed");
    remember(group, *entry, 0);
    evict();
  }
  if (!it->status().ok()) return damaged(database_, group.id, it->status().ToString());
  const raft::Index covered = group.snapshot ? group.snapshot->meta.index : raft::Index();
  if (group.first > covered.next())
    return damaged(database_, group.id, "the log does not reach down to the snapshot");
  return {};
}

std::expected<raft::StoredGroup, OpenError> GroupLog::load(raft::GroupId id) {
  STORAGE_CHECK(!groups_.contains(id), name_of(id) + " is loaded");
  auto group = std::make_unique<Group>();
  group->id = id;
  if (auto done = read_records(database_, *group); !done)
    return std::unexpected(std::move(done.error()));
  if (auto done = scan_log(*group); !done) {
    forget_recent(*group, raft::Index());
    return std::unexpected(std::move(done.error()));
  }
  // Only now: a store that is refused stays as it was found.
  rocksdb::WriteBatch abandoned;
  drop_abandoned(database_, *group, abandoned);
  rocksdb::WriteOptions synced;
  synced.sync = true;
  if (auto status = database_.db().Write(synced, &abandoned); !status.ok()) {
    forget_recent(*group, raft::Index());
    return std::unexpected(OpenError{OpenErrorKind::io, database_.directory(), status.ToString()});
  }

  raft::StoredGroup stored;
  stored.group = id;
  stored.self = group->self;
  stored.hard_state = group->hard_state;
  if (group->snapshot) stored.snapshot = group->snapshot->meta;
  stored.first = group->first;
  stored.last = group->last;
  stored.abstain = group->abstain;
  groups_.emplace(id, std::move(group));
  return stored;
}

}  // namespace warren::storage
