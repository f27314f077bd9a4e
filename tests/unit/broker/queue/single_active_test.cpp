#include <gtest/gtest.h>

#include "tests/unit/broker/queue/world.h"

namespace warren::queue {
namespace {

class SingleActiveTest : public testing::Test {
 protected:
  void SetUp() override {
    world.lead(1);
    world.attach(session_a);
    world.attach(session_b);
    Settings settings;
    settings.single_active = true;
    world.machine.create(orders, settings, world.effects);
    world.applied();
  }
  void consume(SessionId session, std::uint64_t number, std::int32_t priority = 0,
               std::uint32_t prefetch = 0) {
    world.dispatcher.add_consumer(session, consumer(number, priority, prefetch));
    world.check();
  }
  static Consumer consumer(std::uint64_t number, std::int32_t priority = 0,
                           std::uint32_t prefetch = 0) {
    Consumer consumer;
    consumer.number = ConsumerNumber(number);
    consumer.queue = orders;
    consumer.priority = priority;
    consumer.prefetch = prefetch;
    return consumer;
  }
  // Who is handed the next message.
  std::uint64_t next() {
    world.publish(orders);
    Poll out = world.run();
    if (out.handouts.empty()) return 0;
    last = out.handouts.back();
    return last.consumer.value;
  }

  std::vector<std::uint64_t> active() {
    std::vector<std::uint64_t> numbers;
    world.dispatcher.for_each_consumer(orders,
                                       [&](SessionId, const Consumer& consumer, bool active) {
                                         if (active) numbers.push_back(consumer.number.value);
                                       });
    return numbers;
  }

  World world;
  Handout last;
};

TEST_F(SingleActiveTest, OneIsListedAsActive) {
  consume(session_a, 1);
  consume(session_b, 2);
  consume(session_b, 3);
  EXPECT_EQ(active(), std::vector<std::uint64_t>{1});
  world.dispatcher.cancel_consumer(session_a, ConsumerNumber(1), world.now);
  EXPECT_EQ(active(), std::vector<std::uint64_t>{2});
}

// It is handed nothing more, and is the active one as long as it holds something.
TEST_F(SingleActiveTest, OneThatYieldsIsListedAsActiveStill) {
  consume(session_a, 1);
  EXPECT_EQ(next(), 1u);
  consume(session_b, 2, 5);
  EXPECT_EQ(active(), std::vector<std::uint64_t>{1});
  world.settle(session_a, last);
  EXPECT_EQ(active(), std::vector<std::uint64_t>{2});
}

TEST_F(SingleActiveTest, TheFirstIsServedAndTheOthersWait) {
  consume(session_a, 1);
  consume(session_b, 2);
  EXPECT_EQ(next(), 1u);
  EXPECT_EQ(next(), 1u);
  world.dispatcher.cancel_consumer(session_a, ConsumerNumber(1), world.now);
  EXPECT_EQ(next(), 2u);
}

TEST_F(SingleActiveTest, AFullActiveConsumerLetsNobodyElseIn) {
  consume(session_a, 1, 0, 1);
  consume(session_b, 2);
  EXPECT_EQ(next(), 1u);
  EXPECT_EQ(next(), 0u);
  world.settle(session_a, last);
  EXPECT_EQ(world.run().handouts.size(), 1u);
}

TEST_F(SingleActiveTest, AHigherPriorityTakesOverOnceTheOldOneHoldsNothing) {
  consume(session_a, 1, 0);
  EXPECT_EQ(next(), 1u);
  const Handout held = last;
  consume(session_b, 2, 10);
  EXPECT_EQ(next(), 0u) << "the old one is handed nothing more, the new one not yet";
  world.settle(session_a, held);
  Poll out = world.run();
  ASSERT_EQ(out.handouts.size(), 1u);
  EXPECT_EQ(out.handouts[0].consumer, ConsumerNumber(2));
}

TEST_F(SingleActiveTest, TheNextInOrderOfRegistrationFollows) {
  consume(session_a, 1);
  consume(session_b, 2);
  consume(session_a, 3);
  world.dispatcher.cancel_consumer(session_a, ConsumerNumber(1), world.now);
  EXPECT_EQ(next(), 2u);
  consume(session_a, 4);
  world.dispatcher.cancel_consumer(session_b, ConsumerNumber(2), world.now);
  EXPECT_EQ(next(), 3u);
}

TEST_F(SingleActiveTest, ALostStreamKeepsItsPlaceForTheGrace) {
  consume(session_a, 1);
  consume(session_b, 2);
  EXPECT_EQ(next(), 1u);
  world.dispatcher.session_detached(session_a, world.now);
  EXPECT_EQ(next(), 0u);
  world.pass(2000);
  EXPECT_EQ(world.run().handouts.size(), 2u) << "what was held as well";
  Claim claim;
  claim.consumer = consumer(1);
  claim.queue = orders;
  world.attach(session_a, {claim});
  EXPECT_EQ(next(), 2u) << "who came back waits";
}

TEST_F(SingleActiveTest, UnderANewLeaderWhoHoldsSomethingIsActive) {
  consume(session_a, 1);
  consume(session_b, 2);
  EXPECT_EQ(next(), 1u);
  const Handout held = last;
  world.lead(2);
  Claim other;
  other.consumer = consumer(2);
  other.queue = orders;
  world.attach(session_b, {other});
  Claim claim;
  claim.consumer = consumer(1);
  claim.queue = orders;
  claim.held = {held.held};
  world.attach(session_a, {claim});
  EXPECT_EQ(next(), 1u);
}

TEST_F(SingleActiveTest, NobodyGetsBesideTheActiveConsumer) {
  world.publish(orders);
  world.get(session_a, orders);
  EXPECT_EQ(world.run().gets.at(0).verdict, GetVerdict::locked);
}

TEST_F(SingleActiveTest, AnExclusiveConsumerIsRefused) {
  Consumer exclusive = consumer(1);
  exclusive.exclusive = true;
  world.dispatcher.add_consumer(session_a, exclusive);
  EXPECT_EQ(world.run().consumes.at(0).verdict, ConsumeVerdict::exclusive_use);
}

}  // namespace
}  // namespace warren::queue
