// A figure, not a limit: deliveries a second on one thread, printed for whoever changes this code.
// The bound is far below what any machine does and only catches a change of complexity.
#include <chrono>

#include "tests/unit/broker/queue/world.h"

namespace warren::queue {
namespace {

// Batches of 50: enqueue, hand out, settle; prefetch 500, 1 KiB messages, marks and touch bits as
// in production. `backlog` messages stand in the queue all the time.
double deliveries_per_second(std::uint64_t total, std::uint64_t backlog, std::uint32_t prefetch) {
  Machine machine;
  Dispatcher dispatcher(machine, {});
  Effects effects;
  machine.on_new_term(Term(1), EntryIndex(1));
  dispatcher.begin_term(Term(1), BootTime(0), Stamp());
  dispatcher.session_attached(session_a, {}, BootTime{});
  machine.create(orders, Settings{}, effects);
  Consumer consumer;
  consumer.number = ConsumerNumber(1), consumer.queue = orders, consumer.prefetch = prefetch;
  dispatcher.add_consumer(session_a, consumer);
  EntryIndex entry(1);
  std::uint64_t settled = 0, published = 0;
  std::vector<Handout> held;
  Poll poll;
  std::vector<MessageId> acked;
  auto start = std::chrono::steady_clock::now();
  while (settled < total) {
    ++entry;
    std::uint32_t batch = published < settled + backlog + 500 ? 50 : 0;
    EnqueuePlan plan = dispatcher.plan_enqueue(orders, LevelNumber(0), batch);
    for (auto [session, queue] : plan.touches)
      machine.touch(session, queue, effects);
    if (plan.mark) machine.mark(orders, LevelNumber(0), plan.mark->below, effects);
    for (std::uint32_t slot = 0; slot < batch; ++slot)
      machine.enqueue({{entry, Slot(slot)}, 1024, 0, Stamp(), std::span(&orders, 1)}, effects);
    published += batch;
    acked.clear();
    for (const Handout& handout : held)
      if (dispatcher.resolve_settle(session_a, orders, handout.held))
        acked.push_back(handout.held.message);
    machine.settle(orders, SettleKind::ack, acked, effects);
    settled += acked.size();
    dispatcher.on_applied(effects, BootTime(0));
    effects.clear();
    dispatcher.poll(1000, BootTime(0), poll);
    held.assign(poll.handouts.begin(), poll.handouts.end());
    dispatcher.on_taken(session_a, consumer.number, held.size());
    for (auto [session, queue] : poll.needs.touches)
      machine.touch(session, queue, effects);
    for (auto need : poll.needs.marks)
      machine.mark(orders, LevelNumber(0), need.below, effects);
  }
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  return static_cast<double>(settled) / took.count();
}

TEST(DispatchSpeed, IsPrintedAndNotProportionalToTheBacklog) {
  double near_empty = deliveries_per_second(200'000, 0, 500);
  double with_backlog = deliveries_per_second(200'000, 100'000, 500);
  double one_by_one = deliveries_per_second(20'000, 100'000, 1);
  std::printf("deliveries/s: keeping up %.0f, with a backlog %.0f, prefetch 1 %.0f\n", near_empty,
              with_backlog, one_by_one);
  EXPECT_GT(near_empty, 20'000);
  EXPECT_GT(with_backlog, 20'000);
  EXPECT_GT(one_by_one, 2'000);
}

}  // namespace
}  // namespace warren::queue
