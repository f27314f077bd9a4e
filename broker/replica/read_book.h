// ReadBook: what one consumer of a stream was delivered and has acknowledged, as its own node knows
// it: any leader learns it by the claim. Owned by GroupClient; pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>

#include "broker/base/ids.h"
#include "broker/queue/delivery.h"

namespace warren::replica {

class ReadBook {
 public:
  explicit ReadBook(Ordinal next) : next_(next) {}

  // False: something that went before is lost.
  bool delivered(Ordinal offset, std::uint64_t number) {
    if (number != acknowledged_ + unacknowledged_ + 1) return false;
    open_.push_back({offset, false});
    ++unacknowledged_;
    next_ = offset.next();
    begun_ = true;
    return true;
  }
  void acknowledge(Ordinal offset) {
    const auto one = std::ranges::lower_bound(open_, offset, {}, &One::offset);
    if (one == open_.end() || one->offset != offset || one->acknowledged) return;
    one->acknowledged = true;
    --unacknowledged_;
    ++acknowledged_;
    while (!open_.empty() && open_.front().acknowledged)
      open_.pop_front();
  }

  bool holds_any() const { return unacknowledged_ > 0; }
  std::uint64_t acknowledged() const { return acknowledged_; }
  Ordinal read_through() const { return open_.empty() ? next_ : open_.front().offset; }
  queue::StreamClaim claim() const {
    return {next_, unacknowledged_, acknowledged_, read_through(), begun_};
  }

 private:
  struct One {
    Ordinal offset;
    bool acknowledged;
  };
  std::deque<One> open_;  // from the first that is not acknowledged
  Ordinal next_;
  std::uint64_t unacknowledged_ = 0, acknowledged_ = 0;
  bool begun_ = false;
};

}  // namespace warren::replica
