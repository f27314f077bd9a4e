// WriteQueue: the messages that wait for one direction of one gRPC stream, which writes one at a
// time. Those that gather behind a write become one message, for gRPC's price is by the message.
// Any thread.
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <utility>

#include "proto/cluster.pb.h"
#include "proto/raft.pb.h"

namespace warren::cluster {

// Moves what `from` holds behind what `into` holds.
inline void append(proto::RaftBatch& into, proto::RaftBatch& from) {
  for (proto::RaftMessage& message : *from.mutable_messages())
    into.add_messages()->Swap(&message);
}
inline void append(proto::SessionFrames& into, proto::SessionFrames& from) {
  for (proto::SessionFrame& frame : *from.mutable_frames())
    into.add_frames()->Swap(&frame);
}
inline void append(proto::Closed&, proto::Closed&) {}

template <typename Message>
class WriteQueue {
 public:
  // Bounds what waits for a peer that does not read. One message alone may be larger.
  static constexpr std::size_t max_pending_bytes = 128u << 20;
  // A gathered message is not made larger than this by another.
  static constexpr std::size_t gather_bytes = 256u << 10;

  // Runs `start` with the message to write if none is being written. False: dropped, and so is
  // whatever follows. A stream with a gap would deceive both ends, so one that is full is ended by
  // `end`, and the senders above re-send on the next.
  template <typename Start, typename End>
  bool push(Message message, Start start, End end) {
    std::lock_guard lock(mutex_);
    if (broken_) return false;
    const std::size_t size = message.ByteSizeLong();
    if (!pending_.empty() && pending_bytes_ + size > max_pending_bytes) {
      broken_ = true;
      end();
      return false;
    }
    pending_bytes_ += size;
    const bool may_gather = pending_.size() > 1 && pending_.back().size + size <= gather_bytes;
    if (may_gather) {
      append(pending_.back().message, message);
      pending_.back().size += size;
    } else {
      pending_.push_back({std::move(message), size});
    }
    if (pending_.size() == 1) start(&pending_.front().message);
    return true;
  }
  template <typename Start>
  void written(bool ok, Start start) {
    std::lock_guard lock(mutex_);
    if (!ok) {
      broken_ = true;
      return;
    }
    pending_bytes_ -= pending_.front().size;
    pending_.pop_front();
    if (!pending_.empty() && !broken_) start(&pending_.front().message);
  }
  void break_off() {
    std::lock_guard lock(mutex_);
    broken_ = true;
  }

 private:
  struct Pending {
    Message message;
    std::size_t size = 0;
  };
  std::recursive_mutex mutex_;   // gRPC may finish a write within StartWrite
  std::deque<Pending> pending_;  // the first is being written
  std::size_t pending_bytes_ = 0;
  bool broken_ = false;
};

}  // namespace warren::cluster
