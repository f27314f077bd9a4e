// The seeded generator of one group's timeouts (SplitMix64). Our own, because the standard
// library's distributions differ between implementations, and a run must replay anywhere.
#pragma once

#include <cstdint>

#include "raft/check.h"

namespace warren::raft {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }

  // Within [low, high]. Rejects the uneven tail, so every value is equally likely.
  std::uint64_t between(std::uint64_t low, std::uint64_t high) {
    RAFT_CHECK(low <= high);
    const std::uint64_t span = high - low + 1;
    if (span == 0) return next();
    const std::uint64_t limit = ~0ULL - (~0ULL % span);
    std::uint64_t drawn = next();
    while (drawn >= limit)
      drawn = next();
    return low + drawn % span;
  }

 private:
  std::uint64_t state_;
};

}  // namespace warren::raft
