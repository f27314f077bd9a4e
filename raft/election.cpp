// Raft: ticks, pre-votes, votes, check-quorum. Raft thesis §3.4, §4.2.3, §6.2, §9.6, §3.10.
#include <algorithm>
#include <utility>

#include "raft/check.h"
#include "raft/configuration.h"
#include "raft/raft.h"

namespace warren::raft {

void Raft::reset_election_timer() {
  elapsed_ticks_ = 0;
  // Nobody has led the founders' term. Others may not be there yet: asking again costs little, and
  // a pre-vote raises no term.
  const bool nobody_led = eager_ && hard_.term == Term(1);
  election_timeout_ = static_cast<std::uint32_t>(
      nobody_led ? random_.between(config_.reset_jitter_min_ticks, config_.heartbeat_ticks)
                 : random_.between(config_.election_min_ticks, config_.election_max_ticks));
}

void Raft::tick() {
  ++elapsed_ticks_;
  if (role_ == Role::leader) {
    tick_leader();
  } else {
    tick_follower();
  }
}

void Raft::tick_follower() {
  if (campaign_in_) {
    if (*campaign_in_ > 1) {
      --*campaign_in_;
      return;
    }
    campaign_in_.reset();
    if (may_campaign()) return pre_campaign();
  }
  // Alone there is nobody to wait for, but for its own disk once it is a candidate.
  const bool alone = is_sole_voter() && role_ == Role::follower && !hears_leader();
  if (alone && may_campaign()) return pre_campaign();
  if (elapsed_ticks_ < election_timeout_) return;
  if (may_campaign()) return pre_campaign();
  if (leader_) {  // who may not campaign forgets a silent leader all the same
    leader_ = MemberId();
    status_changed_ = true;
  }
  if (abstaining_) ask_members();
  reset_election_timer();
}

void Raft::tick_leader() {
  if (++heartbeat_elapsed_ >= config_.heartbeat_ticks) {
    heartbeat_elapsed_ = 0;
    for (auto& [member, peer] : peers_)
      peer.heartbeat_due();
    reads_.open_empty_round();
    broadcast_heartbeats();
    confirm_reads();
  }
  if (transfer_ && ++transfer_->elapsed >= config_.election_max_ticks) transfer_.reset();
  if (elapsed_ticks_ >= config_.election_min_ticks) {
    elapsed_ticks_ = 0;
    check_quorum();
  }
}

// A leader that a majority does not hear steps down, so that its clients look elsewhere.
void Raft::check_quorum() {
  std::size_t active = is_self_voter() ? 1 : 0;
  for (auto& [member, peer] : peers_) {
    if (peer.recently_active && peer.counts() && is_voter(configuration(), member)) ++active;
    peer.recently_active = false;
  }
  if (active < majority(configuration().voters.size())) become_follower(hard_.term, MemberId());
}

// While its own removal is uncommitted it may be the only one that can be elected (thesis §4.2.2).
bool Raft::may_campaign() const {
  const bool votes = std::ranges::any_of(membership_.versions(), [this](const auto& version) {
    return is_voter(version.configuration, self_);
  });
  return votes && !abstaining_ && !restoring_ && !vote_floor_;
}

bool Raft::hears_leader() const {
  if (role_ == Role::leader) return true;
  return leader_ && !lease_lost_ && elapsed_ticks_ < config_.election_min_ticks;
}

void Raft::campaign_soon() {
  if (role_ == Role::leader || campaign_in_) return;
  lease_lost_ = true;
  campaign_in_ = static_cast<std::uint32_t>(
      random_.between(config_.reset_jitter_min_ticks, config_.reset_jitter_max_ticks));
}

void Raft::on_peer_reset(std::uint32_t node) {
  if (leader_ && leader_ != self_ && leader_.node == node) campaign_soon();
  for (auto& [member, peer] : peers_) {
    // What was in flight is lost; a snapshot's end is reported by whoever streams it.
    if (member.node == node && peer.state() == Progress::State::replicate) peer.become_probe();
  }
}

void Raft::pre_campaign() {
  reset_role(Role::pre_candidate, MemberId());
  request_votes(MessageKind::pre_vote_request, hard_.term.next(), false);
  count_vote(self_, true);
}

void Raft::campaign(bool transfer) {
  reset_role(Role::candidate, MemberId());
  hard_.term = hard_.term.next();
  hard_.vote = self_;
  status_changed_ = true;
  // Its own vote counts once it is durable: on_persisted.
  request_votes(MessageKind::vote_request, hard_.term, transfer);
}

void Raft::request_votes(MessageKind kind, Term term, bool transfer) {
  for (const MemberId& voter : configuration().voters) {
    if (voter == self_) continue;
    Message request = make(kind, voter);
    request.term = term;
    request.index = log_.last();
    request.log_term = log_.last_term();
    request.transfer = transfer;
    send(std::move(request));
  }
}

void Raft::count_vote(MemberId from, bool granted) {
  if (!is_voter(configuration(), from)) return;
  votes_.emplace(from, granted);
  std::size_t yes = 0;
  for (const auto& [member, vote] : votes_)
    yes += vote ? 1 : 0;
  switch (tally(configuration().voters.size(), yes, votes_.size() - yes)) {
    case VoteResult::pending:
      return;
    case VoteResult::lost:
      return become_follower(hard_.term, MemberId());
    case VoteResult::won:
      return role_ == Role::pre_candidate ? campaign(false) : become_leader();
  }
}

// Two who notice a dead leader at the same moment, with equal logs: the lower id goes first.
bool Raft::outranks(const Message& other) const {
  return role_ == Role::pre_candidate && self_ < other.from && other.index == log_.last() &&
         other.log_term == log_.last_term();
}

// Anyone whom a candidate asks may vote, a learner in its own eyes included: that it was promoted
// may not have reached it yet, and its vote may be the one that is needed.
void Raft::on_vote_request(const Message& message) {
  const bool pre = message.kind == MessageKind::pre_vote_request;
  const bool enough = !vote_floor_ || std::pair(message.log_term, message.index) >= *vote_floor_;
  const bool up_to_date = message.log_term > log_.last_term() ||
                          (message.log_term == log_.last_term() && message.index >= log_.last());
  const bool free_to_vote =
      pre ? message.term > hard_.term : hard_.vote == message.from || (!hard_.vote && !leader_);
  const bool outranked = pre && outranks(message);
  const bool granted =
      up_to_date && enough && free_to_vote && !abstaining_ && !restoring_ && !outranked;
  Message reply = make(pre ? MessageKind::pre_vote_reply : MessageKind::vote_reply, message.from);
  reply.reject = !granted;
  if (granted && pre) reply.term = message.term;
  if (granted && !pre) {
    hard_.vote = message.from;
    elapsed_ticks_ = 0;
  }
  // Lets the other go first, lest both campaign at once and split the vote.
  if (granted && campaign_in_) *campaign_in_ += config_.reset_jitter_max_ticks;
  // Who may win asks again: its own question may have met one who still heard the dead leader.
  if (pre && role_ != Role::candidate && (outranked || !up_to_date)) campaign_soon();
  send(std::move(reply));
}

// The leader says: your turn. No pre-vote, since everyone else still hears the leader.
void Raft::on_timeout_now(const Message& message) {
  if (role_ == Role::leader || message.from != leader_ || !may_campaign()) return;
  campaign(true);
}

}  // namespace warren::raft
