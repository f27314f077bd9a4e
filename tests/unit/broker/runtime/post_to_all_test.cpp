#include "broker/runtime/post_to_all.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <vector>

namespace warren::runtime {
namespace {

using namespace std::chrono_literals;

TEST(PostToAll, SaysSoOnlyOnceTheSlowestHasHeard) {
  Reactor quick("quick"), slow("slow");
  const std::array<Reactor*, 2> both{&quick, &slow};
  std::promise<void> go_on, quick_heard, said;
  slow.post([gate = go_on.get_future()]() mutable { gate.wait(); });
  std::atomic<int> heard{0};
  post_to_all(
      both,
      [&](std::size_t i) {
        ++heard;
        if (i == 0) quick_heard.set_value();
      },
      [&] {
        EXPECT_EQ(heard, 2);
        said.set_value();
      });
  ASSERT_EQ(quick_heard.get_future().wait_for(10s), std::future_status::ready);
  auto end = said.get_future();
  EXPECT_EQ(end.wait_for(20ms), std::future_status::timeout);
  go_on.set_value();
  EXPECT_EQ(end.wait_for(10s), std::future_status::ready);
}

TEST(PostToAll, SaysWhatWasToldInItsOrder) {
  Reactor one("one"), two("two"), listener("listener");
  const std::array<Reactor*, 2> both{&one, &two};
  std::vector<int> order;
  for (int i = 0; i < 2000; ++i)
    post_to_all(
        both, [](std::size_t) {}, [&, i] { listener.post([&, i] { order.push_back(i); }); });
  one.stop();
  two.stop();
  listener.stop();
  ASSERT_EQ(order.size(), 2000u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(PostToAll, WithNobodyToTellItIsSaidAtOnce) {
  bool said = false;
  post_to_all({}, [](std::size_t) { FAIL(); }, [&] { said = true; });
  EXPECT_TRUE(said);
}

}  // namespace
}  // namespace warren::runtime
