// Latencies in buckets of at most 1.6 % width. Pure: one thread at a time.
#pragma once

#include <cstdint>
#include <vector>

namespace warren::perf {

class Histogram {
 public:
  Histogram() : buckets_(64 * sub_buckets) {}

  void add(std::uint64_t nanoseconds);
  std::uint64_t count() const { return count_; }
  // The value below which `share` (0 to 1) of them lie, in milliseconds; 0 when there are none.
  double percentile_ms(double share) const;
  void clear();

 private:
  static constexpr std::uint64_t sub_buckets = 64;

  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
};

}  // namespace warren::perf
