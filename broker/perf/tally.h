// Tally: what the run has seen so far. One for all links, on the run's one thread.
#pragma once

#include <cstdint>
#include <string>

#include "broker/perf/histogram.h"

namespace warren::perf {

struct Tally {
  std::uint64_t published = 0, confirmed = 0, nacked = 0, consumed = 0, redelivered = 0;
  Histogram delivery;   // publish to delivery
  Histogram confirm;    // publish to confirm
  std::string failure;  // why a connection ended, if one did
};

// CLOCK_MONOTONIC in nanoseconds.
std::int64_t now_ns();

}  // namespace warren::perf
