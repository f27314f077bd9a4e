#include "broker/cluster/tick_clock.h"

#include <gtest/gtest.h>

namespace warren::cluster {
namespace {

constexpr Milliseconds period{10};
constexpr std::int64_t heartbeat = 10;  // ticks, as raft::Config has it

TickClock started(Milliseconds at) {
  TickClock clock(period, heartbeat);
  clock.start(at);
  return clock;
}

TEST(TickClock, PunctualTurnsGetOneTickEach) {
  TickClock clock = started(Milliseconds(1000));
  EXPECT_EQ(clock.due(Milliseconds(1000)), 0);
  EXPECT_EQ(clock.due(Milliseconds(1010)), 1);
  EXPECT_EQ(clock.due(Milliseconds(1020)), 1);
}

TEST(TickClock, RestOfAPeriodCountsForTheNextTurn) {
  TickClock clock = started(Milliseconds(0));
  EXPECT_EQ(clock.due(Milliseconds(14)), 1);
  EXPECT_EQ(clock.due(Milliseconds(19)), 0);
  EXPECT_EQ(clock.due(Milliseconds(35)), 2);
}

TEST(TickClock, LateTurnsDoNotSlowItDown) {
  TickClock clock = started(Milliseconds(0));
  std::int64_t ticks = 0;
  for (int turn = 1; turn <= 20; ++turn)
    ticks += clock.due(Milliseconds(75 * turn));
  EXPECT_EQ(ticks, 150);
}

// The shortest election timeout is ten heartbeats.
TEST(TickClock, TurnsLongerThanAHeartbeatStillMakeOneEach) {
  TickClock clock = started(Milliseconds(0));
  for (int turn = 1; turn <= 20; ++turn)
    EXPECT_EQ(clock.due(Milliseconds(300 * turn)), heartbeat);
}

TEST(TickClock, WhatALongStopMissedIsForgotten) {
  TickClock clock = started(Milliseconds(0));
  EXPECT_EQ(clock.due(Milliseconds(60'000)), heartbeat);
  EXPECT_EQ(clock.due(Milliseconds(60'009)), 0);
  EXPECT_EQ(clock.due(Milliseconds(60'010)), 1);
}

}  // namespace
}  // namespace warren::cluster
