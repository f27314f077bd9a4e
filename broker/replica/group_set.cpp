#include "broker/replica/group_set.h"

#include <algorithm>
#include <utility>

#include "broker/base/check.h"
#include "broker/replica/group_set_group.h"

namespace warren::replica {
namespace {

constexpr std::size_t max_early_messages = 4096;

GroupId group_of(raft::GroupId group) {
  return GroupId(group.value);
}
EntryIndex entry_of(raft::Index index) {
  return EntryIndex(index.value);
}

}  // namespace

GroupSet::GroupSet(GroupSetConfig config, GroupStore& store, raft::Transport& transport,
                   GroupSetOutlet& outlet)
    : config_(config),
      store_(store),
      transport_(transport),
      outlet_(outlet),
      driver_(store.log(), *this, *this),
      catalog_(std::make_shared<const catalog::Snapshot>()) {}

GroupSet::~GroupSet() = default;

GroupSet::Group* GroupSet::find(GroupId group) const {
  auto at = groups_.find(group);
  return at == groups_.end() ? nullptr : at->second.get();
}

raft::Config GroupSet::raft_config(GroupId group) const {
  raft::Config config = config_.raft;
  config.seed = config.seed * 0x9e3779b97f4a7c15ULL + group.value + 1;
  return config;
}

Result<void> GroupSet::restore_state(Group& group) {
  group.make_state();
  auto loaded = store_.load_snapshot(raft_group(group.id),
                                     [&](const std::string& key, const std::string& octets) {
                                       return group.state().restore(key, octets);
                                     });
  if (!loaded) return loaded;
  (void)group.state().take_parts(false);  // all of that is durable
  ++group.generation;
  group.dead.clear();
  group.dying.clear();
  group.deletable.clear();
  group.checkpoints.clear();
  return {};
}

Result<void> GroupSet::add_group(const raft::StoredGroup& stored, Now now) {
  now_ = now;
  GroupId id = group_of(stored.group);
  CHECK(!contains(id), "group {}", id);
  auto group = std::make_unique<Group>(*this, id);
  group->snapshot_at = now.boot;
  if (stored.snapshot) {
    if (auto restored = restore_state(*group); !restored) return restored;
    group->applied_term = stored.snapshot->term;
    group->snapshot_index = stored.snapshot->index;
    add_unnamed(*group, stored.snapshot->index);
  }
  group->time =
      GroupTime(group->state().stamp(), store_.kept_time(stored.group), config_.boot_id, now.boot);
  group->status.abstaining = stored.abstain;
  Group& placed = *groups_.emplace(id, std::move(group)).first->second;
  driver_.add_group(raft_config(id), stored);
  // A crash may have lost the deletion after the compaction, and a quiet group makes no snapshot.
  delete_below_log(placed);
  if (placed.catalog) publish_catalog(placed, {.unknown = true});
  return {};
}

void GroupSet::create_group(GroupId id, raft::MemberId self, const raft::Configuration& founding,
                            Now now, raft::Beginning beginning) {
  now_ = now;
  CHECK(!contains(id), "group {}", id);
  auto& group = groups_[id];
  group = std::make_unique<Group>(*this, id);
  group->snapshot_at = now.boot;
  group->status.abstaining = beginning.abstain;
  store_.create(raft_group(id), self, beginning.abstain);
  driver_.create_group(raft_config(id), raft_group(id), self, founding, beginning);
}

void GroupSet::remove_group(GroupId id) {
  Group* group = find(id);
  if (group == nullptr) return;
  stop_host(*group);
  driver_.remove_group(raft_group(id));
  store_.remove(raft_group(id));
  groups_.erase(id);
}

bool GroupSet::answers_to(GroupId id, raft::MemberId to, Now now) {
  const raft::MemberId self = driver_.self(raft_group(id));
  if (self == to) return true;
  const bool newer = self.node == to.node && self.disk == to.disk && self.assigned < to.assigned;
  const Group* group = find(id);
  if (!newer || group == nullptr || group->installing || group->snapshot_running) return false;
  remove_group(id);
  create_group(id, to, {}, now);
  return true;
}

// --- The driver's side.

void GroupSet::apply(raft::GroupId id, std::span<const raft::Entry> entries) {
  Group* group = find(group_of(id));
  if (group == nullptr) return;
  for (const raft::Entry& entry : entries)
    apply_one(*group, entry);
  group->dirty = true;
}

void GroupSet::apply_one(Group& group, const raft::Entry& entry) {
  EntryIndex index = entry_of(entry.index);
  if (observer_ != nullptr) observer_->on_entry(group.id, entry);
  Result<void> done;
  if (entry.kind == raft::EntryKind::command && group.queues)
    done = group.queues->apply(index, Term(entry.term.value), entry.data, group.queue_applied);
  else if (entry.kind == raft::EntryKind::command)
    done = group.catalog->apply(index, entry.bytes(), group.catalog_applied);
  else if (group.catalog)
    group.catalog->skip(index);
  else if (entry.kind == raft::EntryKind::no_op)
    group.queues->apply_no_op(index, Term(entry.term.value));
  else
    group.queues->skip(index);
  // Committed, and this build cannot read it: going on would make this replica differ.
  CHECK(done.has_value(), "group {} entry {}: {}", group.id, entry.index.value, done.error().text);
  group.applied_term = entry.term;
  if (entry.kind == raft::EntryKind::no_op) group.no_op_term = entry.term;
  group.log_bytes += entry.bytes().size() + 64;
  if (group.catalog || group.queues->entry_dead(index)) group.dead.add(index.value);
}

void GroupSet::after_apply(Group& group) {
  if (!std::exchange(group.dirty, false)) return;
  group.time.on_applied(group.state().stamp(), now_.boot);
  if (group.catalog) {
    CatalogApplied applied = std::exchange(group.catalog_applied, {});
    group.settled = true;
    publish_catalog(group, applied.effects);
    if (group.catalog_host) group.catalog_host->on_applied(applied);
  } else {
    QueueApplied applied = std::exchange(group.queue_applied, {});
    for (EntryIndex index : applied.queues.dead_entries)
      if (group.queues->entry_dead(index)) group.dead.add(index.value);
    group.settled =
        group.settled || !applied.queues.dead_entries.empty() || !applied.queues.settled.empty();
    if (observer_ != nullptr) observer_->on_applied(group.id, applied);
    if (group.queue_host) group.queue_host->on_applied(applied, now_.boot);
  }
  follow_leadership(group);
}

void GroupSet::publish_catalog(Group& group, const catalog::Effects& effects) {
  auto snapshot = group.catalog->catalog().snapshot();
  set_catalog(snapshot, effects);
  outlet_.on_catalog(std::move(snapshot), effects);
}

void GroupSet::on_status(raft::GroupId id, const raft::Status& status) {
  Group* group = find(group_of(id));
  if (group == nullptr) return;
  bool was_abstaining = group->status.abstaining;
  if (group->hosted() && (!status.is_leader || status.term != group->status.term)) {
    after_apply(*group);
    group->status = status;
    stop_host(*group);
  }
  if (status.is_leader && (!group->status.is_leader || status.term != group->status.term))
    group->inquiry = TimeInquiry(now_.boot);
  group->status = status;
  if (was_abstaining && !status.abstaining) store_.clear_abstain(id);
  after_apply(*group);
  follow_leadership(*group);
  outlet_.on_status(group->id, status);
}

void GroupSet::on_read_ready(raft::GroupId id, std::uint64_t context, bool ok) {
  if (Group* group = find(group_of(id))) after_apply(*group);
  outlet_.on_read_ready(group_of(id), context, ok);
}

// --- Leading.

// The host begins once the no-op of the own term is applied: the state then knows all that former
// leaders committed. And once the time is known: what it brings counts from there.
void GroupSet::follow_leadership(Group& group) {
  const raft::Status& status = group.status;
  if (!status.is_leader) {
    if (group.hosted()) stop_host(group);
    refuse_early(group);
    return;
  }
  if (group.hosted() || group.no_op_term != status.term) return;
  if (knows_time(group)) start_host(group);
}

void GroupSet::start_host(Group& group) {
  const Stamp begin = group.time.stamp(now_.boot);
  group.time.lead(begin, now_.boot);
  if (group.catalog)
    group.catalog_host =
        std::make_unique<CatalogHost>(*group.catalog, group.catalog_ports, begin, now_.boot);
  else
    group.queue_host =
        std::make_unique<QueueHost>(group.id, *group.queues, group.queue_ports, config_.host,
                                    catalog_, Term(group.status.term.value), begin, now_.boot);
  group.led_at.reset();
  for (session::ToHost& message : std::exchange(group.early, {}))
    on_session_message(group.id, std::move(message), now_);
}

void GroupSet::stop_host(Group& group) {
  NodeId hint(group.status.is_leader ? 0 : group.status.leader.node);
  if (auto host = std::exchange(group.queue_host, nullptr)) host->end(hint);
  if (auto host = std::exchange(group.catalog_host, nullptr)) host->end(hint);
  refuse_early(group);
}

void GroupSet::refuse(GroupId group, const session::ToHost& message, NodeId hint) {
  outlet_.send(group, {message.session, message.epoch, session::NotLeader{hint}});
}

void GroupSet::refuse_early(Group& group) {
  for (const session::ToHost& message : std::exchange(group.early, {}))
    refuse(group.id, message, NodeId(group.status.leader.node));
}

void GroupSet::on_session_message(GroupId id, session::ToHost message, Now now) {
  now_ = now;
  Group* group = find(id);
  if (group == nullptr) return refuse(id, message, NodeId());
  if (group->queue_host) return group->queue_host->on_message(std::move(message), now.boot);
  if (group->catalog_host) return group->catalog_host->on_message(std::move(message));
  if (group->status.is_leader && group->early.size() < max_early_messages)
    return group->early.push_back(std::move(message));
  refuse(id, message, NodeId(group->status.leader.node));
}

void GroupSet::on_session_streams_lost(NodeId node, Now now) {
  now_ = now;
  for (auto& [id, group] : groups_) {
    if (group->queue_host) group->queue_host->on_streams_lost(node, now.boot);
    if (group->catalog_host) group->catalog_host->on_streams_lost(node);
  }
}

void GroupSet::on_dead_letter_answers(GroupId id, std::span<const DeadLetterAnswer> answers,
                                      Now now) {
  now_ = now;
  Group* group = find(id);
  if (group != nullptr && group->queue_host)
    group->queue_host->on_dead_letter_answers(answers, now.boot);
}

void GroupSet::set_catalog(std::shared_ptr<const catalog::Snapshot> catalog,
                           const catalog::Effects& effects) {
  catalog_ = std::move(catalog);
  for (auto& [id, group] : groups_)
    if (group->queue_host) group->queue_host->on_catalog(catalog_, effects);
}

void GroupSet::set_catalog_floor(CatalogIndex floor) {
  for (auto& [id, group] : groups_)
    if (group->queue_host) group->queue_host->set_catalog_floor(floor);
}

// --- Turns.

// Rounds that appeared since the last call were sent after `now_`, which was taken before the
// driver ran.
void GroupSet::note_rounds(Group& group) {
  raft::HeartbeatRounds rounds = driver_.heartbeat_rounds(raft_group(group.id));
  if (rounds.sent != std::exchange(group.rounds_sent, rounds.sent))
    group.rounds.emplace_back(rounds.sent, now_.boot);
  if (!group.status.is_leader) return group.rounds.clear();
  while (!group.rounds.empty() && group.rounds.front().first <= rounds.confirmed) {
    group.led_at = group.rounds.front().second;
    group.rounds.pop_front();
  }
}

void GroupSet::tick(Now now) {
  now_ = now;
  driver_.tick();
  for (auto& [id, group] : groups_) {
    note_rounds(*group);
    keep_time(*group);
    consider_snapshot(*group);
  }
}

bool GroupSet::turn(Now now) {
  now_ = now;
  bool more = driver_.turn();
  for (auto& [id, group] : groups_)
    after_apply(*group);
  for (auto& [id, group] : groups_) {
    note_rounds(*group);
    follow_leadership(*group);
    if (group->queue_host && group->led_at) group->queue_host->set_led_at(*group->led_at);
    if (group->queue_host) more = group->queue_host->turn(now.boot) || more;
    if (group->catalog_host) more = group->catalog_host->turn(now.boot) || more;
  }
  return more || !driver_.idle();
}

bool GroupSet::command_catalog(catalog::Command command, std::uint64_t token) {
  Group* group = find(catalog_group);
  if (group == nullptr || !group->catalog_host) return false;
  group->catalog_host->command(std::move(command), token);
  return true;
}

raft::ReadOutcome GroupSet::read_index(GroupId group, std::uint64_t context) {
  return driver_.read_index(raft_group(group), context);
}

raft::ProposeResult GroupSet::propose_configuration(GroupId group,
                                                    const raft::Configuration& wanted) {
  return driver_.propose_configuration(raft_group(group), wanted);
}

raft::TransferOutcome GroupSet::transfer(GroupId group, raft::MemberId to) {
  return driver_.transfer(raft_group(group), to);
}

}  // namespace warren::replica
