// TickClock: how many ticks a lane owes its groups. A reactor whose turns are long comes late to
// its timer; were each late call one tick, Raft's clocks would run slow, and a leader's heartbeats,
// which it counts in ticks, would come too seldom for its followers. Pure: any thread, one at a
// time.
#pragma once

#include <algorithm>
#include <cstdint>

#include "broker/base/check.h"
#include "broker/base/clock.h"

namespace warren::cluster {

class TickClock {
 public:
  // REQUIRES: period > 0, most >= 1.
  TickClock(BootTime period, std::int64_t most) : period_(period), most_(most) {
    CHECK(period.count() > 0 && most >= 1);
  }

  void start(BootTime now) { ticked_to_ = now; }

  // Ticks that became due since the last call, `most` at once; the rest is forgotten, so that who
  // was stopped for long reads what came meanwhile before its timeouts strike. What is left of a
  // period counts for the next call.
  std::int64_t due(BootTime now) {
    const std::int64_t missed = std::max<std::int64_t>((now - ticked_to_) / period_, 0);
    ticked_to_ = missed > most_ ? now : ticked_to_ + missed * period_;
    return std::min(missed, most_);
  }

 private:
  const BootTime period_;
  const std::int64_t most_;
  BootTime ticked_to_{0};
};

}  // namespace warren::cluster
