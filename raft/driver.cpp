#include "raft/driver.h"

#include <utility>

#include "raft/check.h"
#include "raft/configuration.h"
#include "raft/raft.h"

namespace warren::raft {
namespace {

bool is_urgent(MessageKind kind) {
  switch (kind) {
    case MessageKind::append_request:
    case MessageKind::append_reply:
    case MessageKind::snapshot_installed:
      return false;
    default:
      return true;
  }
}

}  // namespace

struct Driver::Group {
  std::unique_ptr<Raft> raft;
  std::uint64_t last_write = 0;  // driver's number of the newest write that holds something of it
};

Driver::Driver(LogStore& log_store, Transport& transport, StateMachine& machine)
    : log_store_(log_store), transport_(transport), machine_(machine) {}

Driver::~Driver() = default;

void Driver::add_group(const Config& config, const StoredGroup& stored) {
  insert(stored.group, std::make_unique<Raft>(config, stored, log_store_));
}

void Driver::create_group(const Config& config, GroupId group, MemberId self,
                          const Configuration& founding, Beginning beginning) {
  StoredGroup empty;
  empty.group = group;
  empty.self = self;
  empty.first = Index(1);
  empty.abstain = beginning.abstain;
  auto raft = std::make_unique<Raft>(config, empty, log_store_);
  if (is_member(founding, self)) raft->found(founding, beginning.eager);
  insert(group, std::move(raft));
}

void Driver::insert(GroupId id, std::unique_ptr<Raft> raft) {
  auto group = std::make_unique<Group>();
  group->raft = std::move(raft);
  const bool added = groups_.emplace(id, std::move(group)).second;
  RAFT_CHECK_VALUE(added, id.value);
  dirty_.insert(id);
}

// A later group of the same id must not be given this one's acknowledgements.
void Driver::remove_group(GroupId id) {
  groups_.erase(id);
  dirty_.erase(id);
  for (PendingWrite& write : pending_writes_) {
    std::erase_if(write.persisted, [&](const auto& persisted) { return persisted.first == id; });
    std::erase_if(write.messages, [&](const Message& message) { return message.group == id; });
  }
}

bool Driver::contains(GroupId group) const {
  return groups_.contains(group);
}

std::vector<GroupId> Driver::groups() const {
  std::vector<GroupId> ids;
  ids.reserve(groups_.size());
  for (const auto& [id, group] : groups_)
    ids.push_back(id);
  return ids;
}

Driver::Group* Driver::find(GroupId id) const {
  const auto group = groups_.find(id);
  return group == groups_.end() ? nullptr : group->second.get();
}

Raft* Driver::touch(GroupId id) {
  Group* group = find(id);
  if (group == nullptr) return nullptr;
  dirty_.insert(id);
  return group->raft.get();
}

void Driver::receive(std::vector<Message> messages) {
  for (Message& message : messages) {
    const Group* group = find(message.group);
    if (group == nullptr || message.to != group->raft->self()) continue;
    touch(message.group)->step(std::move(message));
  }
}

void Driver::tick() {
  for (const auto& [id, group] : groups_) {
    group->raft->tick();
    if (group->raft->has_ready()) dirty_.insert(id);
  }
}

void Driver::on_written(std::uint64_t number) {
  while (!pending_writes_.empty() && pending_writes_.front().number <= number) {
    PendingWrite write = std::move(pending_writes_.front());
    pending_writes_.pop_front();
    for (const auto& [id, ready] : write.persisted)
      touch(id)->on_persisted(ready);
    for (Message& message : write.messages)
      queue_message(std::move(message));
  }
}

void Driver::on_stream_reset(std::uint32_t node) {
  for (const auto& [id, group] : groups_) {
    group->raft->on_peer_reset(node);
    if (group->raft->has_ready()) dirty_.insert(id);
  }
}

void Driver::on_snapshot_sent(GroupId group, MemberId to, Index index, bool ok) {
  if (Raft* raft = touch(group)) raft->on_snapshot_sent(to, index, ok);
}

bool Driver::turn() {
  std::vector<std::pair<GroupId, Ready>> readies;
  std::vector<GroupWrite> writes;
  PendingWrite pending;
  pending.number = last_write_ + 1;
  for (const GroupId id : std::exchange(dirty_, {})) {
    Group& group = *find(id);
    readies.emplace_back(id, group.raft->take_ready());
    collect(group, readies.back(), writes, pending);
    if (group.raft->more_due()) dirty_.insert(id);
  }
  if (!writes.empty()) {
    last_write_ = pending.number;
    pending_writes_.push_back(std::move(pending));
    log_store_.write(last_write_, std::move(writes));
  }
  send_all();
  for (auto& [id, ready] : readies)
    deliver(id, ready);
  return !idle();
}

// Sorts one Ready's wishes into the turn's write and messages.
void Driver::collect(Group& group, std::pair<GroupId, Ready>& made, std::vector<GroupWrite>& writes,
                     PendingWrite& pending) {
  auto& [id, ready] = made;
  if (ready.number != 0) {
    writes.push_back({id, ready.hard_state, std::move(ready.entries)});
    pending.persisted.emplace_back(id, ready.number);
    group.last_write = pending.number;
  }
  for (Message& message : ready.messages)
    queue_message(std::move(message));
  if (ready.messages_after_write.empty()) return;
  // Without a write of this turn they wait for the group's newest one in flight.
  PendingWrite* awaited = &pending;
  if (group.last_write != pending.number) {
    RAFT_CHECK(!pending_writes_.empty() && group.last_write >= pending_writes_.front().number);
    awaited = &pending_writes_[group.last_write - pending_writes_.front().number];
  }
  for (Message& message : ready.messages_after_write) {
    awaited->messages.push_back(std::move(message));
  }
}

void Driver::queue_message(Message message) {
  Outgoing& outgoing = outgoing_[message.to.node];
  auto& stream = is_urgent(message.kind) ? outgoing.urgent : outgoing.bulk;
  stream.push_back(std::move(message));
}

void Driver::send_all() {
  for (auto& [node, outgoing] : std::exchange(outgoing_, {})) {
    transport_.send(node, std::move(outgoing.urgent), std::move(outgoing.bulk));
  }
}

void Driver::deliver(GroupId id, Ready& ready) {
  for (const MemberId& to : ready.snapshots) {
    transport_.send_snapshot(id, find(id)->raft->term(), to);
  }
  if (!ready.committed.empty()) machine_.apply(id, ready.committed);
  if (ready.status) machine_.on_status(id, *ready.status);
  for (const Ready::Read& read : ready.reads)
    machine_.on_read_ready(id, read.context, read.ok);
}

ProposeResult Driver::propose(GroupId group, std::shared_ptr<const std::string> data) {
  Raft* raft = touch(group);
  return raft == nullptr ? ProposeResult{} : raft->propose(std::move(data));
}

ProposeResult Driver::propose_configuration(GroupId group, const Configuration& configuration) {
  Raft* raft = touch(group);
  return raft == nullptr ? ProposeResult{} : raft->propose_configuration(configuration);
}

ReadOutcome Driver::read_index(GroupId group, std::uint64_t context) {
  Raft* raft = touch(group);
  return raft == nullptr ? ReadOutcome::not_leader : raft->read_index(context);
}

TransferOutcome Driver::transfer(GroupId group, MemberId to) {
  Raft* raft = touch(group);
  return raft == nullptr ? TransferOutcome::not_leader : raft->transfer_leadership(to);
}

bool Driver::begin_restore(GroupId group, const SnapshotMeta& meta) {
  Raft* raft = touch(group);
  return raft != nullptr && raft->begin_restore(meta);
}

void Driver::restore_snapshot(GroupId group, const SnapshotMeta& meta) {
  if (Raft* raft = touch(group)) raft->restore(meta);
}

void Driver::cancel_restore(GroupId group) {
  if (Raft* raft = touch(group)) raft->cancel_restore();
}

MemberId Driver::self(GroupId group) const {
  const Group* found = find(group);
  return found == nullptr ? MemberId() : found->raft->self();
}

Status Driver::status(GroupId group) const {
  const Group* found = find(group);
  RAFT_CHECK_VALUE(found != nullptr, group.value);
  return found->raft->status();
}

std::vector<MemberProgress> Driver::progress(GroupId group) const {
  const Group* found = find(group);
  return found == nullptr ? std::vector<MemberProgress>() : found->raft->progress();
}

HeartbeatRounds Driver::heartbeat_rounds(GroupId group) const {
  const Group* found = find(group);
  RAFT_CHECK_VALUE(found != nullptr, group.value);
  return found->raft->heartbeat_rounds();
}

}  // namespace warren::raft
