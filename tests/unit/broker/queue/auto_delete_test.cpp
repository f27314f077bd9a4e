// Auto-delete queues, whose consumers a change of leader may take with it.
#include <gtest/gtest.h>

#include "tests/unit/broker/queue/world.h"

namespace warren::queue {
namespace {

class AutoDeleteTest : public ::testing::Test {
 protected:
  AutoDeleteTest() {
    world.lead(1);
    world.attach(session_a);
    Settings settings;
    settings.auto_delete = true;
    world.machine.create(orders, settings, world.effects);
  }
  static std::vector<Claim> claim_of(std::uint64_t number) {
    Claim claim;
    claim.consumer.number = ConsumerNumber(number);
    claim.consumer.queue = orders;
    claim.queue = orders;
    return {claim};
  }
  World world;
};

TEST_F(AutoDeleteTest, FirstConsumerIsAnsweredOnceThatIsCommitted) {
  world.consume(session_a, 1, orders);
  Poll first = world.poll();
  EXPECT_TRUE(first.consumes.empty());
  EXPECT_EQ(first.needs.consumed, std::vector{orders});
  EXPECT_TRUE(world.poll().needs.consumed.empty()) << "asked once";
  world.commit(first.needs);
  ASSERT_EQ(world.poll().consumes.size(), 1u);
  EXPECT_EQ(world.last.consumes[0].verdict, ConsumeVerdict::ok);
  world.consume(session_a, 2, orders);
  EXPECT_EQ(world.poll().consumes.size(), 1u) << "the second one waits for nothing";
}

TEST_F(AutoDeleteTest, QueueWhoseConsumerIsLostWithTheLeaderIsToldAfterTheGrace) {
  world.consume(session_a, 1, orders);
  world.run();
  world.lead(2);
  world.pass(1999);
  EXPECT_TRUE(world.run().consumers_gone.empty());
  ASSERT_TRUE(world.dispatcher.next_deadline());
  world.pass(1);
  EXPECT_EQ(world.run().consumers_gone, std::vector{orders});
  EXPECT_FALSE(world.dispatcher.next_deadline());
}

TEST_F(AutoDeleteTest, QueueWhoseConsumerAttachesStays) {
  world.consume(session_a, 1, orders);
  world.run();
  world.lead(2);
  world.attach(session_a, claim_of(1));
  world.pass(2000);
  EXPECT_TRUE(world.run().consumers_gone.empty());
}

TEST_F(AutoDeleteTest, QueueThatNeverHadAConsumerStays) {
  world.publish(orders);
  world.get(session_a, orders);
  world.run();
  world.lead(2);
  world.pass(2000);
  EXPECT_TRUE(world.run().consumers_gone.empty());
}

TEST_F(AutoDeleteTest, ThatItHadAConsumerIsInTheSnapshot) {
  world.consume(session_a, 1, orders);
  world.run();
  Machine copy = copy_by_snapshot(world.machine);
  EXPECT_TRUE(copy.find(orders)->consumed);
  EXPECT_EQ(snapshot_of(copy), snapshot_of(world.machine));
}

}  // namespace
}  // namespace warren::queue
