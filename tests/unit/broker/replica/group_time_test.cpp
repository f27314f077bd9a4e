#include "broker/replica/group_time.h"

#include <gtest/gtest.h>

namespace warren::replica {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds patience{300};
const raft::MemberId self{1, 1, 1}, second{2, 2, 1}, third{3, 3, 1};
const std::vector<raft::MemberId> three{self, second, third};

GroupTime restarted(Stamp last, BootTime now) {
  return GroupTime(last, std::nullopt, "this boot", now);
}

TEST(GroupTime, AnOldEntryAppliedLateDoesNotMakeItNow) {
  GroupTime time;
  time.on_leader(Stamp(1'000), 10s);
  EXPECT_EQ(time.stamp(70s), Stamp(61'000));
  time.on_applied(Stamp(2'000), 70s);
  EXPECT_EQ(time.stamp(70s), Stamp(61'000));
  time.on_applied(Stamp(90'000), 70s);
  EXPECT_EQ(time.stamp(71s), Stamp(91'000));
}

TEST(GroupTime, GivesWayToASlowerLeaderByAThirtySecond) {
  GroupTime time;
  time.on_leader(Stamp(100'000), 0s);
  time.on_leader(Stamp(100'900), 1s);
  EXPECT_EQ(time.stamp(1s), Stamp(100'969));
  time.on_leader(Stamp(100'968), 2s);
  EXPECT_EQ(time.stamp(2s), Stamp(101'938)) << "one from before an outage";
  time.on_leader(Stamp(200'000), 3s);
  EXPECT_EQ(time.stamp(3s), Stamp(200'000));
}

TEST(GroupTime, KnowsAfterARestartWithinABootHowLongItWasAway) {
  GroupTime before;
  before.on_leader(Stamp(1'000), 10s);
  const auto kept = before.to_keep("this boot", 12s);
  ASSERT_TRUE(kept);
  EXPECT_EQ(*kept, (KeptTime{"this boot", 12s, Stamp(3'000)}));
  const GroupTime after(Stamp(500), kept, "this boot", 7'212s);
  EXPECT_TRUE(after.known());
  EXPECT_EQ(after.stamp(7'212s), Stamp(7'203'000));
}

TEST(GroupTime, AnotherBootOrNoneIsNoMeasure) {
  const KeptTime kept{"another boot", 12s, Stamp(3'000)};
  EXPECT_FALSE(GroupTime(Stamp(500), kept, "this boot", 50s).known());
  EXPECT_FALSE(GroupTime(Stamp(500), KeptTime{"", 12s, Stamp(3'000)}, "", 50s).known());
  EXPECT_FALSE(
      GroupTime(Stamp(500), KeptTime{"this boot", 60s, Stamp()}, "this boot", 50s).known());
  EXPECT_FALSE(restarted(Stamp(500), 50s).known());
}

TEST(GroupTime, IsWrittenOnlyWhenWhatWasKeptWouldMislead) {
  GroupTime time;
  EXPECT_FALSE(time.to_keep("this boot", 10s)) << "not known";
  time.on_leader(Stamp(1'000), 10s);
  EXPECT_FALSE(time.to_keep("", 10s));
  EXPECT_TRUE(time.to_keep("this boot", 10s));
  EXPECT_FALSE(time.to_keep("this boot", 1'000s));
  time.on_leader(Stamp(991'090), 1'000s);
  EXPECT_FALSE(time.to_keep("this boot", 1'000s));
  time.on_leader(Stamp(991'200), 1'000s);
  EXPECT_TRUE(time.to_keep("this boot", 1'000s));
}

TEST(GroupTime, AnswersByTheWallClockOnlyWhereItDoesNotKnow) {
  GroupTime time = restarted(Stamp(5'000), 0s);
  EXPECT_TRUE(time.answer({1s, Stamp(9'000)}).guess);
  EXPECT_EQ(time.answer({1s, Stamp(9'000)}).stamp, Stamp(9'000));
  EXPECT_EQ(time.answer({1s, Stamp(10)}).stamp, Stamp(6'000)) << "never before what was applied";
  time.on_leader(Stamp(6'500), 1s);
  EXPECT_FALSE(time.answer({1s, Stamp(9'000)}).guess);
  EXPECT_EQ(time.answer({1s, Stamp(9'000)}).stamp, Stamp(6'500));
}

TEST(TimeInquiry, TakesTheMedianOfThreeWallClocks) {
  const GroupTime own = restarted(Stamp(5'000), 0s);
  TimeInquiry inquiry(10s);
  inquiry.add(second, {Stamp(100'000), true}, 10s);
  EXPECT_FALSE(inquiry.conclude(own, self, three, {10s, Stamp(3'600'000)}, patience));
  inquiry.add(third, {Stamp(99'000), true}, 10s);
  EXPECT_EQ(inquiry.conclude(own, self, three, {10s, Stamp(3'600'000)}, patience), Stamp(100'000));
}

TEST(TimeInquiry, WaitsOnlySoLongAndThenTakesTheLowerOfTwo) {
  const GroupTime own = restarted(Stamp(5'000), 0s);
  TimeInquiry inquiry(10s);
  inquiry.add(second, {Stamp(99'700), true}, 10s);
  const auto conclude = [&](BootTime now) {
    return inquiry.conclude(own, self, three, {now, Stamp(3'600'000)}, patience);
  };
  EXPECT_FALSE(conclude(10s + 299ms));
  EXPECT_EQ(conclude(10s + 300ms), Stamp(100'000));
}

TEST(TimeInquiry, WhoKnowsIsBelievedAtOnce) {
  const GroupTime own = restarted(Stamp(5'000), 0s);
  TimeInquiry inquiry(10s);
  inquiry.add(second, {Stamp(40'000), false}, 9s);
  EXPECT_EQ(inquiry.conclude(own, self, three, {10s, Stamp(3'600'000)}, patience), Stamp(41'000));
}

TEST(TimeInquiry, AloneItsOwnWallClockCounts) {
  const GroupTime own = restarted(Stamp(5'000), 0s);
  EXPECT_EQ(TimeInquiry(10s).conclude(own, self, {self}, {10s, Stamp(90'000)}, patience),
            Stamp(90'000));
}

TEST(TimeInquiry, AFreshGroupAsksAMajority) {
  TimeInquiry inquiry(10s);
  EXPECT_FALSE(inquiry.conclude(GroupTime(), self, three, {10s, Stamp(90'000)}, patience));
  inquiry.add(third, {Stamp(80'000), true}, 10s);
  EXPECT_EQ(inquiry.conclude(GroupTime(), self, three, {10s, Stamp(90'000)}, patience),
            Stamp(80'000));
}

}  // namespace
}  // namespace warren::replica
