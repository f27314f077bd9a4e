// Where one consumer of a stream stands. Owned by its ConsumerState; pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "broker/base/ids.h"
#include "broker/queue/message_levels.h"

namespace warren::queue {

class StreamCursor {
 public:
  // The next message to be read from now on stands at or after this.
  void seek(Ordinal next) {
    next_ = next;
    window_.clear();
    at_ = 0;
    at_end = false;
  }
  Ordinal next() const { return next_; }
  // Of what is kept from `first` on. Null: there is none yet. Valid until anything else is called.
  const Message* peek(const MessageLevels& messages, Ordinal first) {
    if (at_ == window_.size() || window_[at_].ordinal < first) {
      window_.clear();
      at_ = 0;
      messages.read(std::max(next_, first), window, window_);
    }
    return at_ < window_.size() ? &window_[at_] : nullptr;
  }
  // REQUIRES: peek() returned one.
  void take() { next_ = window_[at_++].ordinal.next(); }

  bool at_end = false;             // there was none; something may have come since
  bool begun = false;              // was served: a single active one follows the one before it
  std::uint64_t acknowledged = 0;  // messages, ever, as its client counts
  std::uint64_t delivered = 0;     // likewise
  std::size_t untaken = 0;         // delivered, and not yet taken by its socket

 private:
  static constexpr std::size_t window = 32;

  Ordinal next_;
  std::vector<Message> window_;  // read ahead
  std::size_t at_ = 0;
};

}  // namespace warren::queue
