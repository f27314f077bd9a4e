// Time as the core sees it: values that somebody above read from a clock. Pure.
#pragma once

#include <chrono>
#include <cstdint>

namespace warren {

// Elapsed time of one node, from CLOCK_BOOTTIME: it goes on while the host sleeps and never jumps.
// Comparable only within one boot of one node.
using BootTime = std::chrono::duration<std::int64_t, std::nano>;

using Milliseconds = std::chrono::milliseconds;

}  // namespace warren
