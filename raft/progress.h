// What a leader knows of one follower, and how fast it may send to it. Owned by Raft while it
// leads; pure. Raft thesis §3.5, §10.2.1 (pipelining).
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "raft/types.h"

namespace warren::raft {

class Progress {
 public:
  enum class State : std::uint8_t {
    probe,      // where its log agrees is unknown: one message at a time
    replicate,  // it follows: messages are pipelined within the window
    snapshot,   // its next entry is gone: appends wait for the snapshot's end
  };

  explicit Progress(Index next) : next_(next) {}

  State state() const { return state_; }
  Index match() const { return match_; }  // durable there
  Index next() const { return next_; }    // to be sent

  // Appends.
  bool may_send(std::uint64_t max_bytes, std::uint32_t max_messages) const;
  void sent(Index last, std::uint64_t bytes);
  // It has `index`, durably. True: that is news.
  bool acknowledged(Index index);
  // It refused what followed `failed`, and suggests `hint` as the last that may agree. False: an
  // answer to an older message.
  bool rejected(Index failed, Index hint);

  void become_probe();
  void become_snapshot();
  // The snapshot ends at `index`: try from there.
  void snapshot_ended(Index index);

  // A regular heartbeat leaves, and is answered: a paused probe may go again. True: nothing was
  // acknowledged in between, so what is in flight may be lost; an empty append will show.
  void heartbeat_due();
  bool heard_heartbeat();

  // Told once per advance, so that a follower hears of a commit without the next entry.
  Index commit_sent;
  // Within the current check-quorum period.
  bool recently_active = false;
  // The newest heartbeat round that it has answered.
  std::uint64_t round = 0;

  // It lost its tail and abstains: acknowledgements up to here are void, and it counts for no
  // majority until it has caught up with a commit beyond (StoredGroup::abstain).
  std::optional<Index> void_below;
  bool counts() const { return !void_below; }
  void begin_abstention(Index last);

 private:
  struct Sent {
    Index last;
    std::uint64_t bytes = 0;
  };

  State state_ = State::probe;
  Index match_;
  Index next_;
  bool probe_sent_ = false;
  bool awaits_heartbeat_ = false;
  bool progressed_ = false;  // since the last regular heartbeat
  std::deque<Sent> inflight_;
  std::uint64_t inflight_bytes_ = 0;
};

}  // namespace warren::raft
