// Replicated time as one leader tells it: from where it was when the term began, as fast as this
// node's own clock, never backwards. Pure value. docs/architecture.md §7.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "broker/base/clock.h"
#include "broker/base/ids.h"

namespace warren::queue {

struct StampClock {
  BootTime began{0};
  Stamp at;  // what the replicated time was then

  Stamp stamp(BootTime now) const {
    const auto elapsed = std::chrono::duration_cast<Milliseconds>(now - began).count();
    return at.next(static_cast<std::uint64_t>(std::max<std::int64_t>(elapsed, 0)));
  }
  BootTime time(Stamp stamp) const {
    return began + Milliseconds(static_cast<std::int64_t>(stamp.value - at.value));
  }
};

}  // namespace warren::queue
