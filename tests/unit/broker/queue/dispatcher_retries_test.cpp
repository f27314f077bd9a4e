#include "tests/unit/broker/queue/world.h"

namespace warren::queue {
namespace {

class Retries : public World {
 public:
  explicit Retries(Retry retry) {
    lead(1);
    attach(session_a);
    attach(session_b);
    Settings settings;
    settings.retry = retry;
    machine.create(orders, settings, effects);
    applied();
  }
};

constexpr Retry each_failure_a_second{RetryKind::failed, 1000, {}, 0};

TEST(DispatcherRetries, WhatFailedWaitsAndThenComesBeforeWhatIsBehindIt) {
  Retries world(each_failure_a_second);
  world.publish_many(orders, 3);
  world.consume(session_a, 1, orders, 1);
  const Handout first = world.run().handouts.at(0);
  world.settle(session_a, first, SettleKind::requeue_reject);
  const Handout second = world.run().handouts.at(0);
  EXPECT_EQ(second.ordinal, Ordinal(1));
  EXPECT_EQ(world.dispatcher.counts(orders).delayed, 1u);
  EXPECT_EQ(world.dispatcher.counts(orders).ready, 1u);
  EXPECT_EQ(world.dispatcher.counts(orders).ready_bytes, 100u);
  world.pass(999);
  EXPECT_EQ(world.dispatcher.counts(orders).delayed, 1u);
  world.pass(1);
  EXPECT_EQ(world.dispatcher.counts(orders).delayed, 0u);
  world.settle(session_a, second);
  const Handout again = world.run().handouts.at(0);
  EXPECT_EQ(again.ordinal, Ordinal(0));
  EXPECT_TRUE(again.redelivered);
  EXPECT_EQ(again.delivery_count, 1u);
}

TEST(DispatcherRetries, TheDeadlineIsOfTheFirst) {
  Retries world({RetryKind::all, 300, {}, 0});
  world.publish_many(orders, 2);
  world.consume(session_a, 1, orders);
  const std::vector<Handout> handouts = world.run().handouts;
  world.settle(session_a, handouts.at(0), SettleKind::requeue_nack);
  world.run();
  world.pass(100);
  world.settle(session_a, handouts.at(1), SettleKind::requeue_nack);
  EXPECT_EQ(world.dispatcher.next_deadline(), world.now + Milliseconds(200));
  world.pass(200);
  EXPECT_EQ(ordinals_of(world.run().handouts), (std::vector<std::uint64_t>{0}));
  EXPECT_EQ(world.dispatcher.next_deadline(), world.now + Milliseconds(100));
  world.pass(100);
  EXPECT_EQ(ordinals_of(world.run().handouts), (std::vector<std::uint64_t>{1}));
}

TEST(DispatcherRetries, ANewLeaderGoesOnWaiting) {
  Retries world(each_failure_a_second);
  world.publish_many(orders, 2);
  world.get(session_a, orders);
  const Poll got = world.run();
  world.settle(session_a, *got.gets.at(0).handout, SettleKind::requeue_lost);
  world.pass(400);
  world.lead(2);
  world.attach(session_a);
  world.consume(session_a, 1, orders, 1);
  const std::vector<Handout> handouts = world.run().handouts;
  ASSERT_EQ(ordinals_of(handouts), (std::vector<std::uint64_t>{1}));
  world.settle(session_a, handouts.at(0));
  EXPECT_TRUE(world.run().handouts.empty());
  world.pass(600);
  EXPECT_EQ(ordinals_of(world.run().handouts), (std::vector<std::uint64_t>{0}));
}

TEST(DispatcherRetries, APurgeAndADeleteTakeWhatWaits) {
  Retries world(each_failure_a_second);
  world.publish_many(orders, 1);
  world.get(session_a, orders);
  world.settle(session_a, *world.run().gets.at(0).handout, SettleKind::requeue_reject);
  world.machine.purge(orders, world.dispatcher.resolve_purge(session_a, orders), world.effects);
  world.applied();
  EXPECT_EQ(world.dispatcher.counts(orders).delayed, 0u);
  world.publish(orders);
  world.get(session_a, orders);
  world.settle(session_a, *world.run().gets.at(0).handout, SettleKind::requeue_reject);
  world.machine.remove(orders, CatalogIndex(9), world.effects);
  world.applied();
  world.pass(5000);
  EXPECT_EQ(world.machine.find(orders), nullptr);
  EXPECT_EQ(world.dispatcher.counts(orders).delayed, 0u);
}

TEST(DispatcherRetries, WhoReturnsWhatAnotherLeaderHandedOutMakesItWait) {
  Retries world(each_failure_a_second);
  world.publish(orders);
  world.get(session_a, orders);
  const Handout got = *world.run().gets.at(0).handout;
  world.lead(2);
  world.attach(session_b);
  EXPECT_TRUE(world.settle(session_a, got, SettleKind::requeue_reject));
  world.attach(session_a);
  world.run();
  world.get(session_b, orders);
  EXPECT_EQ(world.run().gets.at(0).verdict, GetVerdict::empty);
  world.pass(1000);
  world.get(session_b, orders);
  EXPECT_EQ(world.run().gets.at(0).verdict, GetVerdict::message);
}

}  // namespace
}  // namespace warren::queue
