// Raft: what the host asks for: proposals, configurations, reads, transfer, snapshots.
// Raft thesis §3.10, §4.1, §4.2, §5, §6.4.
#include <algorithm>
#include <utility>

#include "raft/check.h"
#include "raft/configuration.h"
#include "raft/raft.h"

namespace warren::raft {

ProposeResult Raft::propose(std::shared_ptr<const std::string> data) {
  if (role_ != Role::leader) return {ProposeOutcome::not_leader, {}, {}, leader_};
  if (transfer_) return {ProposeOutcome::not_leader, {}, {}, transfer_->to};
  const std::uint64_t size = data ? data->size() : 0;
  // One proposal larger than the bound passes alone.
  if (log_.uncommitted_bytes() > 0 &&
      log_.uncommitted_bytes() + size > config_.max_uncommitted_bytes) {
    return {ProposeOutcome::full, {}, {}, self_};
  }
  append_own(EntryKind::command, std::move(data));
  return {ProposeOutcome::proposed, log_.last(), hard_.term, self_};
}

// Needs a commit of the own term first: without it two changes of two leaders could be decided by
// majorities that do not overlap (the correction to thesis §4.1).
ProposeResult Raft::propose_configuration(const Configuration& configuration) {
  if (role_ != Role::leader) return {ProposeOutcome::not_leader, {}, {}, leader_};
  if (transfer_) return {ProposeOutcome::not_leader, {}, {}, transfer_->to};
  if (configuration.voters.empty() || !well_formed(configuration) ||
      !one_step_apart(this->configuration(), configuration)) {
    return {ProposeOutcome::invalid, {}, {}, self_};
  }
  if (!committed_in_own_term() || membership_.current_index() > log_.commit()) {
    return {ProposeOutcome::busy, {}, {}, self_};
  }
  append_own(EntryKind::configuration,
             std::make_shared<const std::string>(encode_configuration(configuration)));
  return {ProposeOutcome::proposed, log_.last(), hard_.term, self_};
}

bool Raft::committed_in_own_term() const {
  return log_.term(log_.commit()) == hard_.term;
}

ReadOutcome Raft::read_index(std::uint64_t context) {
  if (role_ != Role::leader) return ReadOutcome::not_leader;
  if (reads_.size() >= config_.max_pending_reads) return ReadOutcome::full;
  reads_.add(context);
  return ReadOutcome::accepted;
}

// Before the first commit of its term a leader does not know what is committed.
void Raft::open_reads() {
  if (!committed_in_own_term() || !reads_.open_round(log_.commit())) return;
  broadcast_heartbeats();
  confirm_reads();
}

void Raft::confirm_reads() {
  std::vector<std::uint64_t> rounds;
  for (const MemberId& voter : configuration().voters) {
    const auto peer = peers_.find(voter);
    const bool known = peer != peers_.end();
    rounds.push_back(voter == self_ ? reads_.round() : known ? peer->second.round : 0);
  }
  reads_.confirm(reached_by_majority(std::move(rounds)));
}

TransferOutcome Raft::transfer_leadership(MemberId to) {
  if (role_ != Role::leader) return TransferOutcome::not_leader;
  if (transfer_) return transfer_->to == to ? TransferOutcome::started : TransferOutcome::busy;
  const auto peer = peers_.find(to);
  if (peer == peers_.end() || !is_voter(configuration(), to) || !peer->second.counts()) {
    return TransferOutcome::invalid;
  }
  transfer_ = Transfer{to};
  return TransferOutcome::started;
}

// Once it has everything, the target is told to campaign. Nothing new is accepted meanwhile.
void Raft::drive_transfer() {
  if (!transfer_ || transfer_->told) return;
  const auto peer = peers_.find(transfer_->to);
  if (peer == peers_.end()) return transfer_.reset();
  if (peer->second.match() != log_.last()) return;
  transfer_->told = true;
  send(make(MessageKind::timeout_now, transfer_->to));
}

// Its removal is committed: the others learn so, the best of them may begin at once, and it leads
// no more (thesis §4.2.2).
void Raft::hand_over_removed() {
  flush_appends();
  MemberId best;
  Index best_match;
  for (const auto& [member, peer] : peers_) {
    if (!is_voter(configuration(), member) || peer.match() <= best_match) continue;
    best = member;
    best_match = peer.match();
  }
  if (best) send(make(MessageKind::timeout_now, best));
  become_follower(hard_.term, MemberId());
}

void Raft::on_snapshot_sent(MemberId to, Index index, bool ok) {
  const auto found = peers_.find(to);
  if (role_ != Role::leader || found == peers_.end()) return;
  Progress& peer = found->second;
  if (peer.state() != Progress::State::snapshot) return;
  // After a failure the probe waits for its next heartbeat, lest it start another at once.
  peer.snapshot_ended(ok ? index : Index());
  peer.sent(peer.next().previous(), 0);
}

bool Raft::begin_restore(const SnapshotMeta& meta) {
  if (role_ == Role::leader || restoring_ || meta.index <= log_.commit()) return false;
  if (log_.matches(meta.index, meta.term)) {  // we have what it covers
    commit_to(meta.index);
    return false;
  }
  restoring_ = true;
  return true;
}

void Raft::restore(const SnapshotMeta& meta) {
  RAFT_CHECK_VALUE(restoring_ && meta.index > log_.commit(), meta.index.value);
  restoring_ = false;
  if (meta.term > hard_.term) become_follower(meta.term, MemberId());
  log_.reset(meta);
  membership_.reset(meta.index, meta.configuration);
  status_changed_ = true;
  if (!leader_) return;
  Message reply = make(MessageKind::snapshot_installed, leader_);
  reply.index = meta.index;
  send(std::move(reply));
}

}  // namespace warren::raft
