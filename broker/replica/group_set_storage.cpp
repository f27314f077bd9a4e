// Snapshots, compaction and reads of a GroupSet, and its listings.
#include <algorithm>
#include <utility>

#include "broker/base/check.h"
#include "broker/replica/group_set_group.h"

namespace warren::replica {
namespace {

std::shared_ptr<const EntryContents> contents_of(const raft::Entry& entry) {
  auto decoded = decode_contents(entry.data);
  if (!decoded) return nullptr;
  auto contents = std::make_shared<EntryContents>();
  contents->term = Term(entry.term.value);
  contents->messages = std::move(decoded->messages);
  contents->only_parts = decoded->only_parts;
  contents->bytes = entry.bytes().size();
  return contents;
}

}  // namespace

void GroupSet::read_entries(Group& group, std::vector<EntryIndex> entries) {
  std::vector<raft::Index> indexes;
  indexes.reserve(entries.size());
  for (EntryIndex index : entries)
    indexes.emplace_back(index.value);
  store_.read_entries(
      raft_group(group.id), std::move(indexes), [this, id = group.id](std::vector<ReadBack> read) {
        Group* at = find(id);
        if (at == nullptr || !at->queue_host) return;
        for (ReadBack& one : read) {
          EntryIndex index(one.index.value);
          auto contents = one.entry ? contents_of(*one.entry) : nullptr;
          // Settled and deleted while it was read is fine. Lost while it is named is not.
          CHECK(contents || at->queues->entry_dead(index), "group {}: entry {} is lost", id, index);
          at->queue_host->on_contents(index, std::move(contents));
        }
      });
}

// After a restart: whatever the snapshot does not name may go.
void GroupSet::add_unnamed(Group& group, raft::Index through) {
  std::uint64_t next = 1;
  if (group.queues)
    group.queues->machine().live_entries().for_each(EntryIndex(through.value),
                                                    [&](EntryIndex live) {
                                                      if (live.value > next)
                                                        group.deletable.add(next, live.value - 1);
                                                      next = live.value + 1;
                                                    });
  if (next <= through.value) group.deletable.add(next, through.value);
}

void GroupSet::consider_snapshot(Group& group) {
  // While another's snapshot comes in, an own one would write into the same place.
  if (group.installing) return;
  if (group.snapshot_running || !group.status.configuration_committed) return;
  if (group.state().applied().value <= group.snapshot_index.value) return;
  std::uint64_t due = std::min(std::max(4 * group.snapshot_octets, config_.snapshot_log_bytes_min),
                               config_.snapshot_log_bytes);
  bool long_log = group.log_bytes - group.snapshot_bytes >= due;
  bool long_ago = group.settled && now_.boot - group.snapshot_at >= config_.snapshot_interval;
  if (long_log || long_ago) write_snapshot(group);
}

void GroupSet::write_snapshot(Group& group) {
  after_apply(group);
  raft::SnapshotMeta meta;
  meta.index = raft::Index(group.state().applied().value);
  meta.term = group.applied_term;
  meta.configuration = group.status.configuration;
  group.snapshot_running = true;
  group.snapshot_index = meta.index;
  group.snapshot_bytes = group.log_bytes;
  group.snapshot_at = now_.boot;
  group.settled = false;
  group.dying.add(std::exchange(group.dead, {}));
#ifdef WARREN_MUTATION_DELETE_NAMED_ENTRY
  group.deletable.add(group.dying);
  store_.delete_entries(raft_group(group.id),
                        group.deletable.take_below(store_.first(raft_group(group.id)).value));
#endif
  std::vector<StatePart> parts = group.state().take_parts(false);
  group.snapshot_octets = 0;
  for (const StatePart& part : parts)
    group.snapshot_octets += part.key.size() + (part.octets ? part.octets->size() : 0);
  store_.write_snapshot(raft_group(group.id), meta, std::move(parts),
                        [this, id = group.id, meta, generation = group.generation] {
                          on_snapshot_durable(id, meta, generation);
                        });
}

void GroupSet::on_snapshot_durable(GroupId id, const raft::SnapshotMeta& meta,
                                   std::uint64_t generation) {
  Group* group = find(id);
  if (group == nullptr || group->generation != generation) return;
  group->snapshot_running = false;
  group->deletable.add(std::exchange(group->dying, {}));
  group->checkpoints.emplace_back(meta.index.value, group->snapshot_bytes);
  compact(*group);
}

// The log stays whole down to the slowest follower, within a bound of bytes: older followers get
// the snapshot. One that does not lead keeps what the snapshot before covers not.
void GroupSet::compact(Group& group) {
  std::uint64_t snapshot = group.checkpoints.back().first;
  std::uint64_t wanted = snapshot;  // the highest index that nobody needs as log
  if (group.status.is_leader) {
    // Who is away, or is being sent a snapshot, goes on from the log, if that is long enough.
    for (const raft::MemberProgress& member : driver_.progress(raft_group(group.id)))
      wanted = std::min(wanted, member.recently_active && !member.in_snapshot ? member.match.value
                                                                              : std::uint64_t{0});
  } else if (group.checkpoints.size() > 1) {
    wanted = group.checkpoints[group.checkpoints.size() - 2].first;
  }
  while (group.checkpoints.size() > 2 &&
         group.log_bytes - group.checkpoints.front().second > config_.retain_log_bytes)
    group.checkpoints.pop_front();
  if (group.log_bytes - group.checkpoints.front().second <= config_.retain_log_bytes)
    wanted = std::max(wanted, group.checkpoints.size() > 2 ? group.checkpoints.front().first : 0);
  else
    wanted = snapshot;
  raft::Index first(std::min(wanted, snapshot) + 1);
  if (first > store_.first(raft_group(group.id))) store_.compact(raft_group(group.id), first);
  delete_below_log(group);
}

void GroupSet::delete_below_log(Group& group) {
  auto ranges = group.deletable.take_below(store_.first(raft_group(group.id)).value);
  if (!ranges.empty()) store_.delete_entries(raft_group(group.id), ranges);
}

bool GroupSet::begin_install(GroupId id, const raft::SnapshotMeta& meta) {
  Group* group = find(id);
  // One that is being written ends soon, and the leader tries again.
  if (group == nullptr || group->snapshot_running) return false;
  group->installing = driver_.begin_restore(raft_group(id), meta);
  return group->installing;
}

Result<void> GroupSet::finish_install(GroupId id, const raft::SnapshotMeta& meta, Now now) {
  now_ = now;
  Group* group = find(id);
  if (group == nullptr) return {};
  stop_host(*group);
  group->dirty = false;
  group->queue_applied = {};
  group->catalog_applied = {};
  group->installing = false;
  if (auto restored = restore_state(*group); !restored) return restored;
  add_unnamed(*group, meta.index);
  group->applied_term = meta.term;
  group->snapshot_index = meta.index;
  group->snapshot_bytes = group->log_bytes;
  group->time.on_applied(group->state().stamp(), now.boot);
  driver_.restore_snapshot(raft_group(id), meta);
  if (group->catalog) publish_catalog(*group, {.unknown = true});
  return {};
}

void GroupSet::cancel_install(GroupId id) {
  if (Group* group = find(id)) group->installing = false;
  driver_.cancel_restore(raft_group(id));
}

// --- Listings.

std::vector<GroupListing> GroupSet::listing() const {
  std::vector<GroupListing> list;
  for (const auto& [id, group] : groups_) {
    GroupListing listing;
    listing.group = id;
    listing.status = driver_.status(raft_group(id));
    listing.first = store_.first(raft_group(id));
    if (group->queues) {
      listing.queues = group->queues->machine().queue_count();
      listing.live_entries = group->queues->machine().live_entries().size();
    }
    listing.progress = driver_.progress(raft_group(id));
    list.push_back(std::move(listing));
  }
  return list;
}

std::optional<raft::Status> GroupSet::status(GroupId id) const {
  if (!contains(id)) return std::nullopt;
  return driver_.status(raft_group(id));
}

bool GroupSet::leads(GroupId id) const {
  const Group* group = find(id);
  return group != nullptr && group->hosted();
}

std::optional<queue::QueueCounts> GroupSet::counts(GroupId id, QueueId queue) const {
  const Group* group = find(id);
  if (group == nullptr || !group->queues) return std::nullopt;
  if (group->queue_host) return group->queue_host->dispatcher().counts(queue);
  const queue::QueueRecord* record = group->queues->machine().find(queue);
  if (record == nullptr) return std::nullopt;
  queue::QueueCounts counts;
  counts.queue = queue;
  counts.ready = record->messages.size();  // who holds what only the leader knows
  counts.delayed = record->delayed.size();
  return counts;
}

const QueueState* GroupSet::queue_state(GroupId id) const {
  const Group* group = find(id);
  return group == nullptr ? nullptr : group->queues.get();
}

const CatalogState* GroupSet::catalog_state() const {
  const Group* group = find(catalog_group);
  return group == nullptr ? nullptr : group->catalog.get();
}

const QueueHost* GroupSet::queue_host(GroupId id) const {
  const Group* group = find(id);
  return group == nullptr ? nullptr : group->queue_host.get();
}

}  // namespace warren::replica
