#include "broker/frontend/heartbeat.h"

#include <gtest/gtest.h>

namespace warren::frontend {
namespace {

using Verdict = Heartbeat::Verdict;
constexpr BootTime at(int ms) {
  return Milliseconds{ms};
}

TEST(Heartbeat, SendsAfterHalfAnIntervalOfSilenceOfOurs) {
  Heartbeat heartbeat;
  heartbeat.start(Milliseconds{1000}, at(0));
  EXPECT_EQ(heartbeat.check(at(499), false), Verdict::nothing);
  EXPECT_EQ(heartbeat.check(at(500), false), Verdict::send);
  heartbeat.on_sent(at(500));
  EXPECT_EQ(heartbeat.check(at(900), false), Verdict::nothing);
}

TEST(Heartbeat, TwoMissedIntervalsEndTheConnection) {
  Heartbeat heartbeat;
  heartbeat.start(Milliseconds{1000}, at(0));
  heartbeat.on_received(at(700));
  EXPECT_NE(heartbeat.check(at(2699), false), Verdict::peer_gone);
  EXPECT_EQ(heartbeat.check(at(2700), false), Verdict::peer_gone);
}

TEST(Heartbeat, SilenceSaysNothingWhileWeDoNotRead) {
  Heartbeat heartbeat;
  heartbeat.start(Milliseconds{1000}, at(0));
  EXPECT_EQ(heartbeat.check(at(5000), true), Verdict::send);
  EXPECT_NE(heartbeat.check(at(6999), false), Verdict::peer_gone);
  EXPECT_EQ(heartbeat.check(at(7000), false), Verdict::peer_gone);
}

TEST(Heartbeat, WhoSendsOrTakesWithoutBeingReadIsAlive) {
  Heartbeat heartbeat;
  heartbeat.start(Milliseconds{1000}, at(0));
  heartbeat.on_progress(10, 500, at(100));
  heartbeat.on_progress(18, 500, at(1500));
  EXPECT_NE(heartbeat.check(at(3499), false), Verdict::peer_gone);
  heartbeat.on_progress(18, 501, at(3499));
  heartbeat.on_progress(18, 501, at(5498));
  EXPECT_NE(heartbeat.check(at(5498), false), Verdict::peer_gone);
  EXPECT_EQ(heartbeat.check(at(5499), false), Verdict::peer_gone);
}

TEST(Heartbeat, ZeroIsOff) {
  Heartbeat heartbeat;
  heartbeat.start(Milliseconds{0}, at(0));
  EXPECT_EQ(heartbeat.check(at(1'000'000), false), Verdict::nothing);
}

}  // namespace
}  // namespace warren::frontend
