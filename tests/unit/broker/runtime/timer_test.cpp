#include "broker/runtime/timer.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>

namespace warren::runtime {
namespace {

TEST(Timer, FiresOnceAfterItsTime) {
  Reactor reactor("test");
  std::promise<void> fired;
  std::unique_ptr<Timer> timer;
  reactor.post([&] {
    timer = std::make_unique<Timer>(reactor);
    timer->start(Milliseconds(1), [&] {
      EXPECT_FALSE(timer->is_active());
      fired.set_value();
    });
  });
  fired.get_future().wait();
  reactor.stop();
}

TEST(Timer, RepeatsUntilItsTaskCancelsIt) {
  Reactor reactor("test");
  std::promise<void> done;
  std::unique_ptr<Timer> timer;
  int rounds = 0;
  reactor.post([&] {
    timer = std::make_unique<Timer>(reactor);
    timer->start_every(Milliseconds(1), [&] {
      if (++rounds < 3) return;
      timer->cancel();
      reactor.post([&] { done.set_value(); });
    });
  });
  done.get_future().wait();
  reactor.stop();
  EXPECT_EQ(rounds, 3);
}

TEST(Timer, DoesNotFireAfterItIsRestartedOrDestroyed) {
  Reactor reactor("test");
  std::promise<void> done;
  bool first = false;
  bool destroyed = false;
  std::unique_ptr<Timer> kept;
  reactor.post([&] {
    kept = std::make_unique<Timer>(reactor);
    kept->start(Milliseconds(0), [&] { first = true; });
    kept->start(Milliseconds(5), [&] { done.set_value(); });
    Timer gone(reactor);
    gone.start(Milliseconds(0), [&] { destroyed = true; });
  });
  done.get_future().wait();
  reactor.stop();
  EXPECT_FALSE(first);
  EXPECT_FALSE(destroyed);
}

}  // namespace
}  // namespace warren::runtime
