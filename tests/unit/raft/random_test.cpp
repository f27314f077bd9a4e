#include "raft/random.h"

#include <gtest/gtest.h>

namespace warren::raft {
namespace {

TEST(Random, RepeatsFromItsSeed) {
  Random one(7);
  Random other(7);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(one.between(1, 1000), other.between(1, 1000));
}

TEST(Random, GivesTheSameNumbersOnEveryMachine) {
  Random random(0);
  EXPECT_EQ(random.next(), 0xE220A8397B1DCDAFULL);
  EXPECT_EQ(random.next(), 0x6E789E6AA1B965F4ULL);
}

TEST(Random, StaysWithinItsBoundsAndReachesBoth) {
  Random random(1);
  bool low = false;
  bool high = false;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t drawn = random.between(3, 7);
    ASSERT_GE(drawn, 3U);
    ASSERT_LE(drawn, 7U);
    low = low || drawn == 3;
    high = high || drawn == 7;
  }
  EXPECT_TRUE(low && high);
  EXPECT_EQ(random.between(5, 5), 5U);
  random.between(0, ~0ULL);
}

}  // namespace
}  // namespace warren::raft
