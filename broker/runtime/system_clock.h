// The real clocks, read above the core and handed down as values. Any thread.
#pragma once

#include <cstdint>
#include <string>

#include "broker/base/clock.h"

namespace warren::runtime {

// CLOCK_BOOTTIME: goes on while the host sleeps, never jumps, starts anew at each boot.
BootTime boot_now();

// Milliseconds since the Unix epoch; may jump when an operator sets the clock.
std::uint64_t wall_ms_now();

// The kernel's id of this boot; two BootTimes compare only under the same one. Empty when unknown.
std::string boot_id();

}  // namespace warren::runtime
