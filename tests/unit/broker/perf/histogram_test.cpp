#include "broker/perf/histogram.h"

#include <gtest/gtest.h>

namespace warren::perf {
namespace {

TEST(Histogram, PercentilesAreWithinABucketsWidth) {
  Histogram histogram;
  for (std::uint64_t us = 1; us <= 1000; ++us)
    histogram.add(us * 1000);
  EXPECT_NEAR(histogram.percentile_ms(0.5), 0.5, 0.01);
  EXPECT_NEAR(histogram.percentile_ms(0.99), 0.99, 0.02);
  EXPECT_NEAR(histogram.percentile_ms(1), 1.0, 0.02);
  EXPECT_EQ(histogram.count(), 1000u);
}

TEST(Histogram, TakesTheSmallestAndTheLargest) {
  Histogram histogram;
  EXPECT_EQ(histogram.percentile_ms(0.5), 0);
  histogram.add(0);
  EXPECT_EQ(histogram.percentile_ms(1), 0);
  histogram.add(~std::uint64_t{0});
  EXPECT_GT(histogram.percentile_ms(1), 1e9);
  histogram.clear();
  EXPECT_EQ(histogram.count(), 0u);
}

}  // namespace
}  // namespace warren::perf
