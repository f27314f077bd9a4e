#include "broker/runtime/spawn.h"

#include <gtest/gtest.h>

#include <future>
#include <stdexcept>

#include "broker/runtime/log.h"

namespace warren::runtime {
namespace {

boost::asio::awaitable<void> quiet() {
  co_return;
}

boost::asio::awaitable<void> throwing() {
  throw std::runtime_error("from a library");
  co_return;
}

TEST(Spawn, CountsACoroutineUntilItEnds) {
  Reactor reactor("test");
  std::promise<void> ended;
  spawn(reactor, "quiet", quiet(), [&] { ended.set_value(); });
  ended.get_future().wait();
  reactor.stop();
  EXPECT_EQ(reactor.running_coroutines(), 0u);
}

TEST(Spawn, SurvivesALibrarysException) {
  log_set_up({.console_level = LogLevel::none});
  Reactor reactor("test");
  std::promise<void> ended;
  spawn(reactor, "throwing", throwing(), [&] { ended.set_value(); });
  ended.get_future().wait();
  reactor.stop();
  EXPECT_EQ(reactor.running_coroutines(), 0u);
}

}  // namespace
}  // namespace warren::runtime
