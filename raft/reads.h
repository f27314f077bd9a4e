// A leader's heartbeat rounds, and the ReadIndex requests that ride on them: all that come in one
// turn share one. Owned by Raft; pure. Raft thesis §6.4.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "raft/ready.h"
#include "raft/types.h"

namespace warren::raft {

class Reads {
 public:
  // Not yet confirmed or not yet applied.
  std::size_t size() const { return waiting_.size() + confirmed_.size() + failed_.size(); }

  void add(std::uint64_t context);
  // Gives all new requests the commit index of now and a round. False: there are none.
  bool open_round(Index commit);
  // A round for a regular heartbeat, with no request in it.
  void open_empty_round() { ++round_; }
  // The newest round; heartbeats carry it. 0: there was none. Never falls, not even with the term.
  std::uint64_t round() const { return round_; }
  // A majority has answered heartbeats of `round`: it was still led when that round was opened.
  void confirm(std::uint64_t round);
  // The newest round that was confirmed in this term. 0: none.
  std::uint64_t confirmed_round() const { return confirmed_round_; }
  // Leadership is lost: what is not confirmed will not be.
  void fail();
  bool has_failed() const { return !failed_.empty(); }
  // Answers that are due once `applied` is applied.
  std::vector<Ready::Read> take(Index applied);

 private:
  struct Request {
    std::uint64_t context = 0;
    Index index;
    std::uint64_t round = 0;  // 0: not opened
  };
  std::deque<Request> waiting_;
  std::deque<Request> confirmed_;
  std::vector<std::uint64_t> failed_;
  std::uint64_t round_ = 0;
  std::uint64_t confirmed_round_ = 0;
};

}  // namespace warren::raft
