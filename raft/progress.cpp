#include "raft/progress.h"

#include <algorithm>
#include <utility>

namespace warren::raft {

bool Progress::may_send(std::uint64_t max_bytes, std::uint32_t max_messages) const {
  switch (state_) {
    case State::probe:
      return !probe_sent_;
    case State::replicate:
      return inflight_bytes_ < max_bytes && inflight_.size() < max_messages;
    case State::snapshot:
      return false;
  }
  return false;
}

void Progress::sent(Index last, std::uint64_t bytes) {
  if (state_ == State::probe) {
    probe_sent_ = true;
    return;
  }
  if (last < next_) return;  // empty: only the commit was news
  next_ = last.next();
  inflight_.push_back({last, bytes});
  inflight_bytes_ += bytes;
}

bool Progress::acknowledged(Index index) {
  const bool news = index > match_;
  match_ = std::max(match_, index);
  next_ = std::max(next_, match_.next());
  progressed_ = progressed_ || news;
  while (!inflight_.empty() && inflight_.front().last <= index) {
    inflight_bytes_ -= inflight_.front().bytes;
    inflight_.pop_front();
  }
  if (state_ == State::probe && index >= match_) {
    state_ = State::replicate;
    probe_sent_ = false;
    next_ = match_.next();
  }
  return news;
}

bool Progress::rejected(Index failed, Index hint) {
  if (state_ == State::snapshot) return false;
  if (!counts()) match_ = Index();  // its log may have shrunk again
  if (failed <= match_) return false;
  if (state_ == State::probe && failed != next_.previous()) return false;
  become_probe();
  next_ = std::max(match_.next(), std::min(failed, hint.next()));
  return true;
}

void Progress::become_probe() {
  state_ = State::probe;
  probe_sent_ = false;
  next_ = match_.next();
  commit_sent = Index();
  inflight_.clear();
  inflight_bytes_ = 0;
}

void Progress::become_snapshot() {
  become_probe();
  state_ = State::snapshot;
}

void Progress::snapshot_ended(Index index) {
  become_probe();
  next_ = std::max(next_, index.next());
}

void Progress::heartbeat_due() {
  awaits_heartbeat_ = true;
  progressed_ = false;
}

bool Progress::heard_heartbeat() {
  probe_sent_ = false;
  const bool due = std::exchange(awaits_heartbeat_, false);
  return due && state_ == State::replicate && match_.next() < next_ && !progressed_;
}

void Progress::begin_abstention(Index last) {
  void_below = last;
  match_ = Index();
  become_probe();
  next_ = last.next();
}

}  // namespace warren::raft
