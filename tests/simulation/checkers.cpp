#include "tests/simulation/checkers.h"

#include <fmt/format.h>

namespace warren::simulation {
namespace {
// Handouts whose content was still being read when their stream broke.
constexpr std::uint64_t taken_back = 64;
}  // namespace

void Checkers::check_raft(GroupId group) {
  for (const std::string& what : raft_[group].violations())
    world_.violation(fmt::format("raft, group {}: {}", group, what));
}

void Checkers::on_append(GroupId group, const raft::Entry& entry, raft::Term previous) {
  raft_[group].observe_entry(entry, previous);
  check_raft(group);
}

void Checkers::on_entry(NodeId, GroupId group, const raft::Entry& entry, raft::Term current) {
  raft_[group].observe_applied(entry, current);
  check_raft(group);
}

void Checkers::on_leader(GroupId group, raft::Term term, raft::MemberId member, raft::Index last,
                         const std::function<std::optional<raft::Term>(raft::Index)>& term_at) {
  raft_[group].observe_leader(term, member, last, term_at);
  check_raft(group);
}

void Checkers::note_contents(GroupId group, const replica::QueueApplied& applied, Stamp before) {
  for (const auto& [entry, contents] : applied.contents)
    for (std::size_t slot = 0; slot < contents->messages.size(); ++slot) {
      const std::pair place(group, MessageId{entry, Slot(static_cast<std::uint32_t>(slot))});
      keys_.try_emplace(place, Key::parse(contents->messages[slot].body));
      not_before_.try_emplace(place, before);
      timed.on_committed(group, keys_[place], place.second);
      if (contents->messages[slot].dead_letter) letters_.insert(place);
    }
}

// A dead letter comes at least once: twice where a leader was lost on the way.
void Checkers::on_gone(GroupId group, const Key& key, MessageId message) {
  if (!is_letter(group, message)) return;
  if (arrived_.insert(key).second) return;
  ++world_.tally["dead letter twice"];
  if (world_.calm)
    world_.violation(
        fmt::format("dead letter {}:{} came twice without need", key.publisher, key.sequence));
}

void Checkers::check_delay(GroupId group, const queue::Delivery& delivery, Stamp now) {
  const auto place = std::pair(group, delivery.held.message);
  const auto delay = delays_.find({keys_[place], delivery.queue});
  if (delay == delays_.end()) return;
  ++world_.tally["delayed"];
  if (now < not_before_[place].next(delay->second))
    world_.violation(fmt::format("queue {}: {}:{} is handed out before its time", delivery.queue,
                                 delay->first.first.publisher, delay->first.first.sequence));
}

// It was delivered never, or was; it is lost in no case. But the reason must be the queue's own,
// and the time.
void Checkers::check_death(GroupId group, const queue::Death& death) {
  static const char* const names[] = {"rejected", "expired", "dropped", "failed too often"};
  const auto& [queue, ordinal, message] = death.message;
  if (!settled_.insert({group, queue, message}).second) return;
  died_.insert({group, queue, message});
  ++world_.tally[names[static_cast<int>(death.reason)]];
  const QueueKind kind = kinds_[queue];
  const Key key = keys_[{group, message}];
  if (!is_letter(group, message)) ids_.try_emplace({key, queue}, message);
  if (kind == QueueKind::dead_letters && !is_letter(group, message)) buried_.insert(key);
  on_gone(group, key, message);
  if (death.reason == queue::DeathReason::expired && timed.on_expired(key)) return;
  if (!may_die(kind, death.reason))
    world_.violation(fmt::format("queue {}: {}:{} of it {}", queue, key.publisher, key.sequence,
                                 names[static_cast<int>(death.reason)]));
}

void Checkers::on_applied(GroupId group, const replica::QueueApplied& applied, Stamp before) {
  note_contents(group, applied, before);
  for (const queue::Death& death : applied.queues.died)
    check_death(group, death);
  std::set<MessageId> dead;
  for (const queue::Death& death : applied.queues.died)
    dead.insert(death.message.message);
  for (const queue::MessageRef& ref : applied.queues.settled) {
    Place place{group, ref.queue, ref.message};
    const bool fresh = settled_.insert(place).second;
    if (fresh) on_gone(group, keys_[{group, ref.message}], ref.message);
    if (fresh && world_.trace)
      world_.note(fmt::format("settled in group {}: {}.{} of queue {}", group, ref.message.entry,
                              ref.message.slot, ref.queue));
    if (!delivered_.contains(place) && !dead.contains(ref.message))
      world_.violation(fmt::format("group {} queue {}: message {}.{} was settled, never delivered",
                                   group, ref.queue, ref.message.entry, ref.message.slot));
  }
}

void Checkers::on_confirm(const Key& key, QueueId queue) {
  confirmed_.insert({key, queue});
}

void Checkers::check_redelivered(const Place& place, const queue::Delivery& delivery) {
  bool before = delivered_.contains(place);
  if (before && !delivery.redelivered)
    world_.violation(fmt::format("queue {}: message {}.{} came again without the flag",
                                 delivery.queue, delivery.held.message.entry,
                                 delivery.held.message.slot));
}

void Checkers::on_handout(GroupId group, const queue::Delivery& delivery, Stamp now) {
  if (delivery.offset) {  // held by nobody, and read as often as anybody likes
    if (world_.trace)
      world_.note(fmt::format("consumer {} is handed offset {} of stream {}", delivery.consumer,
                              *delivery.offset, delivery.queue));
    return;
  }
  check_delay(group, delivery, now);
  Place place{group, delivery.queue, delivery.held.message};
  if (settled_.contains(place))
    world_.violation(fmt::format("queue {}: message {}.{} is handed out after its settle committed",
                                 delivery.queue, delivery.held.message.entry,
                                 delivery.held.message.slot));
  auto [newest, fresh] = handed_out_.try_emplace(place, delivery.held.checkout);
  bool before = !fresh;
  newest->second = std::max(newest->second, delivery.held.checkout);
  if (world_.trace)
    world_.note(fmt::format("handed out {}.{} of queue {} by checkout {}.{}{}",
                            delivery.held.message.entry, delivery.held.message.slot, delivery.queue,
                            delivery.held.checkout.term, delivery.held.checkout.counter,
                            delivery.redelivered ? ", flagged" : ""));
  if (before && !delivery.redelivered)
    world_.violation(fmt::format("queue {}: message {}.{} is handed out again without the flag",
                                 delivery.queue, delivery.held.message.entry,
                                 delivery.held.message.slot));
  if (before || !delivery.redelivered) return;
  // Only marked by a former leader, or taken back before it was sent: within a stride a term.
  ++world_.tally["flag without need"];
  std::uint64_t& needless = needless_[{delivery.queue, delivery.held.checkout.term}];
  const std::uint64_t marks =
      kinds_[delivery.queue] == QueueKind::priorities ? highest_priority + 1 : 1;
  if (++needless > marks * stride_ + taken_back)
    world_.violation(fmt::format("queue {}: {} messages carry the flag in term {} without need",
                                 delivery.queue, needless, delivery.held.checkout.term));
}

void Checkers::check_order(const Place& place, const Key& key, const queue::Delivery& delivery) {
  if (delivery.redelivered || delivered_.contains(place)) return;
  if (kinds_[delivery.queue] == QueueKind::delays) return;  // by when they are due
  const bool by_priority = kinds_[delivery.queue] == QueueKind::priorities;
  const std::uint8_t priority = by_priority ? priority_of(key.sequence) : 0;
  auto [at, fresh] = firsts_.try_emplace({delivery.queue, key.publisher, priority},
                                         First{key.sequence, delivery.held.checkout});
  if (fresh) return;
  First& last = at->second;
  bool later_message = key.sequence > last.sequence;
  bool later_checkout = delivery.held.checkout > last.checkout;
  if (later_message != later_checkout)
    world_.violation(fmt::format("queue {}: {} of publisher {} was first handed out out of order",
                                 delivery.queue, key.sequence, key.publisher));
  if (later_message) last = {key.sequence, delivery.held.checkout};
}

void Checkers::on_delivery(GroupId group, const queue::Delivery& delivery) {
  ++deliveries_;
  Key key = Key::parse(delivery.content.body);
  if (world_.trace)
    world_.note(fmt::format("delivered {}:{} of queue {} as {}.{} by checkout {}.{}", key.publisher,
                            key.sequence, delivery.queue, delivery.held.message.entry,
                            delivery.held.message.slot, delivery.held.checkout.term,
                            delivery.held.checkout.counter));
  if (delivery.offset) return check_stream(group, key, delivery);
  Place place{group, delivery.queue, delivery.held.message};
  // Under way since before a newer hand-out: its consumer was given up, or nearly so.
  auto newest = handed_out_.find(place);
  const bool overtaken = newest != handed_out_.end() && delivery.held.checkout < newest->second;
  if (settled_.contains(place) && !overtaken)
    world_.violation(fmt::format("queue {}: {}:{} came back after its settle was committed",
                                 delivery.queue, key.publisher, key.sequence));
  if (!overtaken) check_redelivered(place, delivery);
  if (!is_letter(group, delivery.held.message)) check_first(place, key, delivery);
  ++delivered_[place];
}

void Checkers::check_stream(GroupId group, const Key& key, const queue::Delivery& delivery) {
  const MessageId message = delivery.held.message;
  const bool letter = is_letter(group, message);
  if (!streams.on_message(delivery.queue, *delivery.offset, message, key.publisher, key.sequence,
                          !letter))
    return;
  if (letter) return on_gone(group, key, message);
  const auto [id, fresh] = ids_.try_emplace({key, delivery.queue}, message);
  if (!fresh && id->second != message)
    world_.violation(fmt::format("stream {}: {}:{} is there twice", delivery.queue, key.publisher,
                                 key.sequence));
}

// As its publisher sent it: once to each queue, in order.
void Checkers::check_first(const Place& place, const Key& key, const queue::Delivery& delivery) {
  auto [id, fresh] = ids_.try_emplace({key, delivery.queue}, delivery.held.message);
  if (!fresh && id->second != delivery.held.message)
    world_.violation(
        fmt::format("queue {}: {}:{} is there twice", delivery.queue, key.publisher, key.sequence));
  check_order(place, key, delivery);
}

void Checkers::on_acked(GroupId group, QueueId queue, MessageId message) {
  Place place{group, queue, message};
  acked_.insert(place);
  if (died_.contains(place))
    world_.violation(fmt::format("queue {}: {}.{} died while its consumer held it", queue,
                                 message.entry, message.slot));
  if (!settled_.contains(place))
    world_.violation(fmt::format("queue {}: the ack of {}.{} was confirmed and is void", queue,
                                 message.entry, message.slot));
}

void Checkers::at_end() {
  streams.at_end();
  for (const Key& key : buried_)
    if (!arrived_.contains(key))
      world_.violation(fmt::format("dead letter {}:{} came nowhere", key.publisher, key.sequence));
  for (const auto& [key, queue] : confirmed_)
    if (!ids_.contains({key, queue}))
      world_.violation(fmt::format("queue {}: {}:{} was confirmed and is lost", queue,
                                   key.publisher, key.sequence));
}

}  // namespace warren::simulation
