// Heartbeat: when to send one, and when the peer counts as gone. Owned by the connection; pure.
// Any octet counts as a sign of life in either direction. Source: AMQP 0-9-1 §4.2.7.
#pragma once

#include <cstdint>

#include "broker/base/clock.h"

namespace warren::frontend {

class Heartbeat {
 public:
  enum class Verdict { nothing, send, peer_gone };

  // Zero: off, as before tune-ok.
  void start(Milliseconds interval, BootTime now) {
    interval_ = interval;
    received_ = sent_ = now;
  }
  Milliseconds interval() const { return interval_; }
  void on_received(BootTime now) { received_ = now; }
  void on_sent(BootTime now) { sent_ = now; }

  // What the peer has sent and taken so far, in octets, for as long as it is not read.
  void on_progress(std::uint64_t came, std::uint64_t taken, BootTime now) {
    if (came != came_ || taken != taken_) received_ = now;
    came_ = came;
    taken_ = taken;
  }

  // `suspended`: we do not read, and for no fault of the peer's: its silence says nothing.
  Verdict check(BootTime now, bool suspended) {
    if (interval_ == Milliseconds{0}) return Verdict::nothing;
    if (suspended) received_ = now;
    if (now - received_ >= 2 * interval_) return Verdict::peer_gone;
    return now - sent_ >= interval_ / 2 ? Verdict::send : Verdict::nothing;
  }

 private:
  Milliseconds interval_{0};
  BootTime received_{0};
  BootTime sent_{0};
  std::uint64_t came_ = 0, taken_ = 0;
};

}  // namespace warren::frontend
