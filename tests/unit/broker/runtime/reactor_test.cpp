#include "broker/runtime/reactor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <vector>

#include "broker/runtime/system_clock.h"
#include "broker/runtime/timer.h"

namespace warren::runtime {
namespace {

TEST(Reactor, RunsPostedTasksInOrderOnItsOwnThread) {
  Reactor reactor("test");
  std::vector<int> ran;
  std::promise<bool> here;
  reactor.post([&] { ran.push_back(1); });
  reactor.post([&] { ran.push_back(2); });
  reactor.post([&] { here.set_value(reactor.is_here()); });
  EXPECT_TRUE(here.get_future().get());
  EXPECT_FALSE(reactor.is_here());
  reactor.stop();
  EXPECT_EQ(ran, (std::vector<int>{1, 2}));
}

TEST(Reactor, RunsWhatWasPostedBeforeStopAndDropsTheRest) {
  Reactor reactor("test");
  int ran = 0;
  for (int i = 0; i < 1000; ++i)
    reactor.post([&] { ++ran; });
  reactor.stop();
  reactor.post([&] { ++ran; });
  EXPECT_EQ(ran, 1000);
}

TEST(Reactor, EndsTheTurnOnceForABatch) {
  Reactor reactor("test");
  std::vector<int> order;
  std::promise<void> done;
  reactor.post([&] {
    reactor.at_turn_end([&] {
      order.push_back(3);
      done.set_value();
    });
    reactor.post([&] { order.push_back(2); });
    order.push_back(1);
  });
  done.get_future().wait();
  reactor.stop();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

// Keeps the reactor busy for some milliseconds, as a large batch does.
void spin() {
  const BootTime until = boot_now() + Milliseconds(4);
  while (boot_now() < until) {
  }
}

TEST(Reactor, EndsTheTurnOfALongBatchEarly) {
  Reactor reactor("test");
  constexpr int tasks = 40;  // 160 ms
  int ran = 0;
  int ran_at_turn_end = 0;
  int ran_at_tick = 0;
  Timer timer(reactor);
  reactor.post([&] {
    timer.start(Milliseconds(1), [&] { ran_at_tick = ran; });
    reactor.at_turn_end([&] { ran_at_turn_end = ran; });
    for (int i = 0; i < tasks; ++i)
      reactor.post([&] { spin(), ++ran; });
  });
  std::promise<void> done;
  reactor.post([&] { reactor.post([&] { done.set_value(); }); });
  done.get_future().wait();
  reactor.stop();
  EXPECT_EQ(ran, tasks);
  EXPECT_LT(ran_at_turn_end, tasks / 2);
  EXPECT_LT(ran_at_tick, tasks / 2);
}

TEST(Reactor, KeepsTheOrderOfWhatALongBatchLeft) {
  Reactor reactor("test");
  std::vector<int> ran;
  for (int i = 0; i < 20; ++i) {
    reactor.post([&, i] {
      spin();
      ran.push_back(i);
      if (i % 5 == 0) reactor.post([&, i] { ran.push_back(100 + i); });
    });
  }
  std::promise<void> done;
  reactor.post([&] { reactor.post([&] { done.set_value(); }); });
  done.get_future().wait();
  reactor.stop();
  // Those of the main thread, and those that the reactor posted to itself, each in their order.
  std::vector<int> first;
  std::vector<int> second;
  for (int number : ran)
    (number < 100 ? first : second).push_back(number);
  EXPECT_EQ(first.size(), 20u);
  EXPECT_TRUE(std::ranges::is_sorted(first));
  EXPECT_EQ(second, (std::vector<int>{100, 105, 110, 115}));
}

TEST(ReactorPool, HandsOutReactorsInTurn) {
  ReactorPool pool("pool", 2);
  Reactor& first = pool.next();
  Reactor& second = pool.next();
  EXPECT_NE(&first, &second);
  EXPECT_EQ(&pool.next(), &first);
  EXPECT_EQ(pool.here(), nullptr);
}

TEST(ReactorDeathTest, AssertHereEndsTheProcessElsewhere) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        Reactor reactor("elsewhere");
        reactor.assert_here();
      },
      "not on reactor elsewhere");
}

TEST(SystemClock, ReadsTheBootClockAndId) {
  const BootTime first = boot_now();
  EXPECT_GT(first.count(), 0);
  EXPECT_GE(boot_now(), first);
  EXPECT_GT(wall_ms_now(), 1'600'000'000'000u);
  EXPECT_FALSE(boot_id().empty());
}

}  // namespace
}  // namespace warren::runtime
