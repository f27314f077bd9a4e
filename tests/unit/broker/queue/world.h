// A group's host in small, for tests: a machine, its dispatcher, and a log whose entries commit at
// once. Checks both sides' invariants after every step.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/queue/dispatcher.h"
#include "broker/queue/invariants.h"
#include "broker/queue/machine.h"
#include "tests/unit/broker/queue/snapshots.h"

namespace warren::queue {

constexpr SessionId session_a{NodeId(1), Incarnation(10)};
constexpr SessionId session_b{NodeId(2), Incarnation(20)};
constexpr SessionId session_c{NodeId(3), Incarnation(30)};
constexpr QueueId orders{101};
constexpr QueueId bills{102};

class World {
 public:
  explicit World(DispatcherConfig config = {}) : dispatcher(machine, config) {}

  void lead(std::uint64_t term) {
    machine.on_new_term(Term(term), ++entry);
    dispatcher.begin_term(Term(term), now, stamp());
    check();
  }
  void attach(SessionId session, std::vector<Claim> claims = {}) {
    reply = dispatcher.session_attached(session, claims, now);
    check();
  }
  // A leader with attached sessions a and b, and a queue.
  void start() {
    lead(1);
    attach(session_a);
    attach(session_b);
    machine.create(orders, Settings{}, effects);
  }

  void applied() {
    dispatcher.on_applied(effects, now);
    for (EntryIndex dead : effects.dead_entries)
      if (!machine.names_entry(dead)) dead_entries.push_back(dead);
    effects.clear();
    check();
  }

  // The replicated time is this node's own.
  Stamp stamp() const {
    return Stamp(1'000'000 +
                 static_cast<std::uint64_t>(std::chrono::duration_cast<Milliseconds>(now).count()));
  }

  // One entry of one message, with what the dispatcher wants to ride in it.
  MessageId publish(QueueId queue, std::uint32_t size = 100,
                    std::optional<std::uint64_t> ttl_ms = {},
                    std::optional<std::uint8_t> priority = {}, std::uint64_t delay_ms = 0,
                    DuplicateKey duplicate = {}) {
    const QueueRecord* record = machine.find(queue);
    const LevelNumber level = record == nullptr ? LevelNumber(0) : record->level(priority);
    EnqueuePlan plan;
    if (delay_ms == 0 && (record == nullptr || !record->stream))
      plan = dispatcher.plan_enqueue(queue, level, 1);
    MessageId id{begin_entry(), Slot(0)};
    for (TouchNeed touch : plan.touches)
      machine.touch(touch.session, touch.queue, effects);
    if (plan.mark) machine.mark(queue, plan.mark->level, plan.mark->below, effects);
    Enqueue command{id, size, priority, stamp(), std::span(&queue, 1)};
    command.ttl_ms = ttl_ms;
    command.delay_ms = delay_ms;
    command.duplicate = duplicate;
    machine.enqueue(command, effects);
    applied();
    return id;
  }
  std::vector<MessageId> publish_many(QueueId queue, int count) {
    std::vector<MessageId> ids;
    for (int i = 0; i < count; ++i)
      ids.push_back(publish(queue));
    return ids;
  }

  void consume(SessionId session, std::uint64_t number, QueueId queue, std::uint32_t prefetch = 0) {
    Consumer consumer;
    consumer.number = ConsumerNumber(number);
    consumer.queue = queue;
    consumer.prefetch = prefetch;
    dispatcher.add_consumer(session, consumer);
    check();
  }
  void get(SessionId session, QueueId queue, std::uint64_t tag = 0) {
    dispatcher.get(session, {{0, tag}, queue, false}, now);
    check();
  }

  // Polls once; what is needed is not committed.
  Poll& poll(std::size_t limit = 1000) {
    dispatcher.poll(limit, now, last);
    check();
    return last;
  }
  void commit(const Needs& needs) {
    begin_entry();
    for (QueueId queue : needs.consumed)
      machine.consume(queue, effects);
    for (auto [session, queue] : needs.touches)
      machine.touch(session, queue, effects);
    for (auto [queue, level, below] : needs.marks)
      machine.mark(queue, level, below, effects);
    for (auto [session, queue, through] : needs.lapses)
      machine.lapse(session, queue, through, effects);
    for (const auto& [queue, reason, messages] : needs.expels)
      machine.expel(queue, reason, messages, effects);
    for (const auto& [queue, tag, next] : needs.reads)
      machine.read_through(queue, tag, next);
    for (auto [session, queue] : needs.untouches)
      machine.untouch(session, queue, effects);
    applied();
  }
  // Polls, and commits what is needed, until nothing is left to do. Everything that came out.
  Poll run() {
    Poll all;
    while (dispatcher.has_work()) {
      poll();
      all.consumes.insert(all.consumes.end(), last.consumes.begin(), last.consumes.end());
      all.gets.insert(all.gets.end(), last.gets.begin(), last.gets.end());
      all.handouts.insert(all.handouts.end(), last.handouts.begin(), last.handouts.end());
      all.cancelled.insert(all.cancelled.end(), last.cancelled.begin(), last.cancelled.end());
      all.consumers_gone.insert(all.consumers_gone.end(), last.consumers_gone.begin(),
                                last.consumers_gone.end());
      all.expired.insert(all.expired.end(), last.expired.begin(), last.expired.end());
      Needs needs = last.needs;
      all.needs.expels.insert(all.needs.expels.end(), needs.expels.begin(), needs.expels.end());
      if (!needs.empty()) commit(needs);
    }
    return all;
  }

  // Resolves and applies.
  bool settle(SessionId session, const Handout& handout, SettleKind kind = SettleKind::ack) {
    return settle(session, handout.queue, handout.held, kind);
  }
  bool settle(SessionId session, QueueId queue, const Held& held,
              SettleKind kind = SettleKind::ack) {
    bool accepted = dispatcher.resolve_settle(session, queue, held);
    check();
    if (accepted) apply_settle(queue, held.message, kind);
    return accepted;
  }
  void apply_settle(QueueId queue, MessageId message, SettleKind kind = SettleKind::ack) {
    begin_entry();
    machine.settle(queue, kind, std::span(&message, 1), effects);
    applied();
  }
  // An entry of its own where something delayed is due.
  void pass(std::int64_t milliseconds) {
    now += Milliseconds(milliseconds);
    dispatcher.tick(now);
    check();
    for (auto due = machine.next_due(); due && *due <= stamp(); due = machine.next_due()) {
      begin_entry();
      applied();
    }
  }
  EntryIndex begin_entry() {
    machine.set_time(stamp());
    machine.ripen(stamp(), effects);
    return ++entry;
  }

  void check() {
    std::string broken = broken_invariant(machine);
    EXPECT_EQ(broken, "");
    broken = dispatcher.broken_invariant();
    EXPECT_EQ(broken, "");
  }

  Machine machine;
  Dispatcher dispatcher;
  Effects effects;
  EntryIndex entry;
  BootTime now{0};
  Poll last;
  ClaimReply reply;
  std::vector<EntryIndex> dead_entries;
};

inline std::vector<std::uint64_t> ordinals_of(const std::vector<Handout>& handouts) {
  std::vector<std::uint64_t> ordinals;
  for (const Handout& handout : handouts)
    ordinals.push_back(handout.ordinal.value);
  return ordinals;
}

}  // namespace warren::queue
