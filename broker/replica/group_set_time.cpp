// The replicated time of a GroupSet's groups: it rides on Raft's heartbeats and their answers.
#include <algorithm>
#include <utility>

#include "broker/replica/group_set_group.h"

namespace warren::replica {

void GroupSet::send(std::uint32_t node, std::vector<raft::Message> urgent,
                    std::vector<raft::Message> bulk) {
  for (raft::Message& message : urgent)
    tell_time(message);
  transport_.send(node, std::move(urgent), std::move(bulk));
}

void GroupSet::send_snapshot(raft::GroupId group, raft::Term term, raft::MemberId to) {
  transport_.send_snapshot(group, term, to);
}

// A leader that does not know it yet tells nothing, and is told all the same.
void GroupSet::tell_time(raft::Message& message) const {
  const Group* group = find(GroupId(message.group.value));
  if (group == nullptr) return;
  if (message.kind == raft::MessageKind::heartbeat_request && group->hosted())
    message.stamp_ms = group->time.stamp(now_.boot).value;
  if (message.kind != raft::MessageKind::heartbeat_reply) return;
  const TimeAnswer answer = group->time.answer(now_);
  message.stamp_ms = answer.stamp.value;
  message.stamp_guessed = answer.guess;
}

void GroupSet::hear_time(const raft::Message& message) {
  if (message.stamp_ms == 0) return;
  Group* group = find(GroupId(message.group.value));
  if (group == nullptr || message.to != driver_.self(message.group)) return;
  const Stamp stamp(message.stamp_ms);
  const raft::Status& status = group->status;
  if (message.kind == raft::MessageKind::heartbeat_request && message.term >= status.term)
    group->time.on_leader(stamp, now_.boot);
  if (message.kind == raft::MessageKind::heartbeat_reply && message.term == status.term)
    group->inquiry.add(message.from, {stamp, message.stamp_guessed}, now_.boot);
}

void GroupSet::receive(std::vector<raft::Message> messages, Now now) {
  now_ = now;
  for (const raft::Message& message : messages)
    hear_time(message);
  driver_.receive(std::move(messages));
}

bool GroupSet::knows_time(Group& group) const {
  if (group.time.known()) return true;
  const auto found =
      group.inquiry.conclude(group.time, driver_.self(raft_group(group.id)),
                             group.status.configuration.voters, now_, config_.time_patience);
  if (!found) return false;
  group.time.lead(std::max(*found, group.time.stamp(now_.boot)), now_.boot);
  return true;
}

void GroupSet::keep_time(Group& group) {
  if (const auto time = group.time.to_keep(config_.boot_id, now_.boot))
    store_.keep_time(raft_group(group.id), *time);
}

}  // namespace warren::replica
