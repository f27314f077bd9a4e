#include <gtest/gtest.h>

#include "tests/unit/broker/queue/world.h"

namespace warren::queue {
namespace {

class LimitsTest : public testing::Test {
 protected:
  // A leader with sessions a and b and the queue `orders`.
  void start(const Settings& settings) {
    world.lead(1);
    world.attach(session_a);
    world.attach(session_b);
    world.machine.create(orders, settings, world.effects);
    world.applied();
  }
  std::vector<MessageId> ready() {
    std::vector<MessageId> ids;
    world.machine.find(orders)->messages.for_each([&](const Message& message) {
      ids.push_back(message.id);
      return true;
    });
    return ids;
  }
  std::uint64_t count() { return world.dispatcher.counts(orders).ready; }

  World world;
};

Settings max_length(std::uint64_t messages, Overflow overflow = Overflow::drop_head) {
  Settings settings;
  settings.max_length = messages;
  settings.overflow = overflow;
  return settings;
}
Settings ttl(std::uint64_t ms) {
  Settings settings;
  settings.message_ttl_ms = ms;
  return settings;
}

TEST_F(LimitsTest, TheOldestReadyMessagesGoFromAFullQueue) {
  start(max_length(2));
  auto ids = world.publish_many(orders, 5);
  Poll out = world.run();
  EXPECT_EQ(ready(), (std::vector{ids[3], ids[4]}));
  ASSERT_FALSE(out.needs.expels.empty());
  EXPECT_EQ(out.needs.expels[0].reason, DeathReason::maxlen);
  EXPECT_EQ(world.dead_entries.size(), 3u);
}

TEST_F(LimitsTest, WhatIsChosenToGoIsNotReadyAnyMore) {
  start(max_length(2));
  world.publish_many(orders, 5);
  Poll& polled = world.poll();
  EXPECT_EQ(count(), 2u) << "before the log says so";
  ASSERT_EQ(polled.needs.expels.size(), 1u);
  Needs needs = polled.needs;
  world.get(session_a, orders);
  EXPECT_TRUE(world.poll().gets.empty());
  Needs mark = world.last.needs;
  world.commit(needs);
  world.commit(mark);
  Poll got = world.run();
  ASSERT_EQ(got.gets.size(), 1u);
  EXPECT_EQ(got.gets[0].handout->ordinal, Ordinal(3));
}

TEST_F(LimitsTest, WhatIsHeldDoesNotCount) {
  start(max_length(1));
  world.consume(session_a, 1, orders, 2);
  world.publish_many(orders, 3);
  Poll out = world.run();
  EXPECT_EQ(out.handouts.size(), 2u);
  EXPECT_TRUE(out.needs.expels.empty());
  EXPECT_EQ(count(), 1u);
}

TEST_F(LimitsTest, WhoWaitsIsServedBeforeAnythingIsDropped) {
  start(max_length(0));
  world.consume(session_a, 1, orders, 1);
  world.run();
  world.publish_many(orders, 2);
  Poll out = world.run();
  EXPECT_EQ(ordinals_of(out.handouts), std::vector<std::uint64_t>{0});
  EXPECT_EQ(count(), 0u);
}

TEST_F(LimitsTest, WhoComesLaterFindsTheQueueAsItWas) {
  start(max_length(2));
  world.publish_many(orders, 3);
  world.get(session_a, orders);
  Poll got = world.run();
  ASSERT_EQ(got.gets.size(), 1u);
  EXPECT_EQ(got.gets[0].handout->ordinal, Ordinal(1));
  EXPECT_EQ(count(), 1u);
}

TEST_F(LimitsTest, AReturnedMessageMayBeOneTooMany) {
  start(max_length(1));
  world.get(session_a, orders);
  world.publish(orders);
  Poll got = world.run();
  ASSERT_TRUE(got.gets.at(0).handout);
  auto second = world.publish(orders);
  world.run();
  world.settle(session_a, *got.gets[0].handout, SettleKind::requeue_nack);
  world.run();
  EXPECT_EQ(ready(), std::vector{second}) << "it came back to the head, and the head goes";
}

TEST_F(LimitsTest, OctetsOfBodiesAreALimitToo) {
  Settings settings;
  settings.max_octets = 250;
  start(settings);
  auto ids = world.publish_many(orders, 4);
  world.run();
  EXPECT_EQ(ready(), (std::vector{ids[2], ids[3]}));
}

TEST_F(LimitsTest, AQueueThatRejectsHasRoomForWhatIsMissing) {
  const Settings settings = max_length(3, Overflow::reject_publish);
  start(settings);
  world.publish_many(orders, 2);
  world.run();
  EXPECT_TRUE(world.dispatcher.has_room(orders, settings, {}, 100));
  EXPECT_FALSE(world.dispatcher.has_room(orders, settings, {1, 100}, 100)) << "one is on its way";
  world.publish(orders);
  EXPECT_FALSE(world.dispatcher.has_room(orders, settings, {}, 100));
  EXPECT_TRUE(world.run().needs.expels.empty()) << "nothing is dropped from it";
}

TEST_F(LimitsTest, AFullQueueRejectsForAllTargets) {
  start(max_length(1, Overflow::reject_publish));
  world.machine.create(bills, Settings{}, world.effects);
  const QueueId both[] = {orders, bills};
  Enqueue command{{++world.entry, Slot(0)}, 10, 0, world.stamp(), both};
  command.full = std::span(both, 1);
  EXPECT_EQ(world.machine.enqueue(command, world.effects).code, OutcomeCode::rejected);
  world.applied();
  EXPECT_EQ(count(), 0u);
  EXPECT_EQ(world.dispatcher.counts(bills).ready, 1u);
}

TEST_F(LimitsTest, AMessageGoesWhenItsTimeIsOver) {
  start(ttl(1000));
  world.publish(orders);
  world.pass(500);
  auto second = world.publish(orders);
  world.run();
  ASSERT_TRUE(world.dispatcher.next_deadline());
  EXPECT_EQ(*world.dispatcher.next_deadline(), BootTime(Milliseconds(1000)));
  world.pass(499);
  world.run();
  EXPECT_EQ(count(), 2u);
  world.pass(1);
  Poll out = world.run();
  EXPECT_EQ(ready(), std::vector{second});
  ASSERT_EQ(out.needs.expels.size(), 1u);
  EXPECT_EQ(out.needs.expels[0].reason, DeathReason::expired);
  EXPECT_EQ(*world.dispatcher.next_deadline(), BootTime(Milliseconds(1500)));
}

TEST_F(LimitsTest, TheShorterTimeToLiveCounts) {
  start(ttl(1000));
  world.publish(orders, 100, 200);
  world.publish(orders, 100, 5000);
  world.run();
  world.pass(200);
  world.run();
  EXPECT_EQ(count(), 1u);
  world.pass(800);
  world.run();
  EXPECT_EQ(count(), 0u);
}

TEST_F(LimitsTest, AMessageExpiresOnlyAtTheHead) {
  start(Settings{});
  world.publish(orders);
  world.publish(orders, 100, 10);
  world.run();
  world.pass(1000);
  world.run();
  EXPECT_EQ(count(), 2u);
  world.get(session_a, orders);
  Poll got = world.run();
  ASSERT_TRUE(got.gets.at(0).handout);
  EXPECT_EQ(count(), 0u) << "now it was at the head";
}

TEST_F(LimitsTest, NobodyIsHandedWhatHasExpired) {
  start(Settings{});
  world.publish(orders, 100, 10);
  world.publish(orders);
  world.run();
  world.now += Milliseconds(20);  // no tick has come yet
  world.get(session_a, orders);
  Poll got = world.run();
  ASSERT_TRUE(got.gets.at(0).handout);
  EXPECT_EQ(got.gets[0].handout->ordinal, Ordinal(1));
}

TEST_F(LimitsTest, ATimeToLiveOfZeroReachesWhoWaits) {
  start(ttl(0));
  world.consume(session_a, 1, orders, 1);
  world.run();
  world.publish(orders);
  world.publish(orders);
  Poll out = world.run();
  EXPECT_EQ(ordinals_of(out.handouts), std::vector<std::uint64_t>{0});
  EXPECT_EQ(count(), 0u) << "and nobody else";
}

TEST_F(LimitsTest, AReturnedMessageKeepsItsDeadline) {
  start(ttl(1000));
  world.publish(orders);
  world.get(session_a, orders);
  Poll got = world.run();
  world.pass(2000);
  world.run();
  EXPECT_EQ(world.machine.find(orders)->messages.size(), 1u) << "what is held does not expire";
  world.settle(session_a, *got.gets.at(0).handout, SettleKind::requeue_nack);
  world.run();
  EXPECT_TRUE(world.machine.find(orders)->messages.empty());
}

TEST_F(LimitsTest, ANewLeaderGoesOnWithTheDeadlines) {
  start(ttl(1000));
  world.publish(orders);
  world.run();
  world.lead(2);
  world.attach(session_a);
  world.run();
  world.pass(1000);
  world.run();
  EXPECT_EQ(count(), 0u);
}

class HugeBacklogTest : public LimitsTest {
 protected:
  // All of them expire, but for the last one.
  void fill(std::uint32_t thousands) {
    start(Settings{});
    Enqueue command{{world.entry, Slot(0)}, 1, 0, world.stamp(), std::span(&orders, 1)};
    command.ttl_ms = 5;
    for (std::uint32_t i = 0; i < thousands; ++i) {
      command.message.entry = ++world.entry;
      for (std::uint32_t slot = 0; slot < 1000; ++slot) {
        command.message.slot = Slot(slot);
        world.machine.enqueue(command, world.effects);
      }
    }
    world.applied();
    last = world.publish(orders);
    world.run();
    world.now += Milliseconds(5);
  }

  MessageId last;
};

TEST_F(HugeBacklogTest, ExpiresInSteps) {
  fill(10);
  world.pass(0);
  std::size_t largest = 0;
  while (world.dispatcher.has_work()) {
    Needs needs = world.poll().needs;
    for (const ExpelNeed& need : needs.expels)
      largest = std::max(largest, need.messages.size());
    if (!needs.empty()) world.commit(needs);
  }
  EXPECT_EQ(count(), 1u);
  EXPECT_LE(largest, 4096u);
  EXPECT_GE(largest, 1000u);
}

TEST_F(HugeBacklogTest, AConsumerGetsWhatIsBehindIt) {
  fill(10);
  world.consume(session_a, 1, orders);
  Poll out = world.run();
  ASSERT_EQ(out.handouts.size(), 1u);
  EXPECT_EQ(out.handouts[0].held.message, last);
}

TEST_F(HugeBacklogTest, AGetIsAnsweredWithWhatIsBehindIt) {
  fill(10);
  world.get(session_a, orders);
  Poll out = world.run();
  ASSERT_EQ(out.gets.size(), 1u);
  ASSERT_TRUE(out.gets[0].handout);
  EXPECT_EQ(out.gets[0].handout->held.message, last);
}

// A disk that stalls must not make one entry of all that expired meanwhile.
TEST_F(HugeBacklogTest, SoManyAreUnderWayAndNoMore) {
  fill(40);
  world.pass(0);
  std::vector<Needs> uncommitted;
  std::size_t under_way = 0;
  while (world.dispatcher.has_work()) {
    uncommitted.push_back(world.poll().needs);
    for (const ExpelNeed& need : uncommitted.back().expels)
      under_way += need.messages.size();
  }
  EXPECT_EQ(under_way, 16384u);
  for (const Needs& needs : uncommitted)
    if (!needs.empty()) world.commit(needs);
  world.run();
  EXPECT_EQ(count(), 1u);
}

TEST_F(LimitsTest, AnUnusedQueueExpires) {
  Settings settings;
  settings.expires_ms = 5000;
  start(settings);
  world.pass(4999);
  EXPECT_TRUE(world.run().expired.empty());
  world.pass(1);
  EXPECT_EQ(world.run().expired, std::vector{orders});
}

// Nothing was due in the group for a minute, so nobody told the time.
TEST_F(LimitsTest, AnIdleGroupKnowsTheTimeWhenAQueueIsDeclared) {
  start(Settings{});
  world.now += Milliseconds(60'000);
  Settings settings;
  settings.expires_ms = 5000;
  world.machine.create(bills, settings, world.effects);
  world.applied();
  world.dispatcher.on_used(bills, world.now);
  world.pass(4999);
  EXPECT_TRUE(world.run().expired.empty());
  world.pass(1);
  EXPECT_EQ(world.run().expired, std::vector{bills});
}

TEST_F(LimitsTest, AnIdleGroupKnowsTheTimeWhenTheLastConsumerGoes) {
  Settings settings;
  settings.expires_ms = 5000;
  start(settings);
  world.consume(session_a, 1, orders);
  world.run();
  world.now += Milliseconds(60'000);
  world.dispatcher.cancel_consumer(session_a, ConsumerNumber(1), world.now);
  world.pass(0);
  EXPECT_TRUE(world.run().expired.empty());
}

TEST_F(LimitsTest, AQueueThatIsUsedAfterAllDoesNotGo) {
  Settings settings;
  settings.expires_ms = 5000;
  start(settings);
  world.pass(5000);
  world.dispatcher.on_used(orders, world.now);  // before anybody heard
  EXPECT_TRUE(world.run().expired.empty());
}

TEST_F(LimitsTest, ConsumersGetsAndDeclaresKeepAQueue) {
  Settings settings;
  settings.expires_ms = 5000;
  start(settings);
  world.pass(4000);
  world.get(session_a, orders);
  world.run();
  world.pass(4000);
  world.dispatcher.on_used(orders, world.now);
  world.pass(4000);
  world.consume(session_a, 1, orders);
  world.run();
  world.pass(100000);
  EXPECT_TRUE(world.run().expired.empty());
  world.dispatcher.cancel_consumer(session_a, ConsumerNumber(1), world.now);
  world.pass(4999);
  EXPECT_TRUE(world.run().expired.empty());
  world.pass(1);
  EXPECT_EQ(world.run().expired, std::vector{orders});
}

TEST_F(LimitsTest, APoisonousMessageGoesOverItsLimit) {
  Settings settings;
  settings.delivery_limit = 2;
  start(settings);
  world.publish(orders);
  for (int i = 0; i < 3; ++i) {
    world.get(session_a, orders);
    Poll got = world.run();
    ASSERT_TRUE(got.gets.at(0).handout) << i;
    EXPECT_EQ(got.gets[0].handout->delivery_count, static_cast<std::uint32_t>(i));
    world.settle(session_a, *got.gets[0].handout, SettleKind::requeue_reject);
  }
  EXPECT_EQ(world.machine.find(orders)->messages.size(), 0u);
}

TEST_F(LimitsTest, ANackIsNoFailure) {
  Settings settings;
  settings.delivery_limit = 0;
  start(settings);
  world.publish(orders);
  for (int i = 0; i < 5; ++i) {
    world.get(session_a, orders);
    Poll got = world.run();
    world.settle(session_a, *got.gets.at(0).handout, SettleKind::requeue_nack);
  }
  EXPECT_EQ(world.machine.find(orders)->messages.size(), 1u);
}

TEST_F(LimitsTest, APurgeTakesWhatWasChosenToGo) {
  start(max_length(1));
  world.publish_many(orders, 3);
  Needs needs = world.poll().needs;
  std::vector<MessageId> spared = world.dispatcher.resolve_purge(session_a, orders);
  EXPECT_TRUE(spared.empty());
  ++world.entry;
  world.machine.purge(orders, spared, world.effects);
  world.applied();
  world.commit(needs);
  world.publish(orders);
  world.run();
  EXPECT_EQ(count(), 1u);
}

}  // namespace
}  // namespace warren::queue
