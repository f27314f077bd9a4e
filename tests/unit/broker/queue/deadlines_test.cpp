#include "broker/queue/deadlines.h"

#include <gtest/gtest.h>

#include "broker/queue/stamp_clock.h"

namespace warren::queue {
namespace {

BootTime at(std::int64_t ms) {
  return BootTime(Milliseconds(ms));
}

TEST(Deadlines, TheEarliestIsDueFirst) {
  Deadlines deadlines;
  std::optional<BootTime> first, second;
  deadlines.set(QueueId(1), first, at(20));
  deadlines.set(QueueId(2), second, at(10));
  EXPECT_EQ(deadlines.next(), at(10));
  EXPECT_FALSE(deadlines.due(at(9)));
  EXPECT_EQ(deadlines.due(at(10)), QueueId(2));
  deadlines.set(QueueId(2), second, std::nullopt);
  EXPECT_EQ(deadlines.due(at(30)), QueueId(1));
  deadlines.set(QueueId(1), first, at(40));
  EXPECT_FALSE(deadlines.due(at(30))) << "it was put off";
  EXPECT_EQ(deadlines.next(), at(40));
}

TEST(StampClock, GoesOnFromWhereTheTermBegan) {
  const StampClock clock{at(1000), Stamp(500)};
  EXPECT_EQ(clock.stamp(at(1000)), Stamp(500));
  EXPECT_EQ(clock.stamp(at(1250)), Stamp(750));
  EXPECT_EQ(clock.stamp(at(900)), Stamp(500)) << "never backwards";
  EXPECT_EQ(clock.time(Stamp(750)), at(1250));
  EXPECT_EQ(clock.time(Stamp(100)), at(600));
}

}  // namespace
}  // namespace warren::queue
