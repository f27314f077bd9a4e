// Raft: appends and their answers, heartbeats, commit. Raft thesis §3.5, §3.6, §10.2.1.
#include <algorithm>
#include <utility>

#include "raft/check.h"
#include "raft/configuration.h"
#include "raft/raft.h"

namespace warren::raft {

void Raft::append_own(EntryKind kind, std::shared_ptr<const std::string> data) {
  std::vector<Entry> entries(1);
  entries.front() = {hard_.term, log_.last().next(), kind, std::move(data)};
  note_configurations(entries);
  log_.append(std::move(entries));
  if (kind == EntryKind::configuration) update_peers();
}

// A configuration takes effect when it is appended (thesis §4.1).
void Raft::note_configurations(const std::vector<Entry>& entries) {
  for (const Entry& entry : entries) {
    if (entry.kind != EntryKind::configuration) continue;
    std::optional<Configuration> decoded = decode_configuration(entry.bytes());
    RAFT_CHECK_VALUE(decoded.has_value(), entry.index.value);
    membership_.append(entry.index, std::move(*decoded));
    status_changed_ = true;
  }
}

// Leader: follows the configuration with one Progress a member.
void Raft::update_peers() {
  std::erase_if(peers_, [&](const auto& peer) { return !is_member(configuration(), peer.first); });
  const auto add = [&](MemberId member) {
    if (member == self_) return;
    const auto [peer, added] = peers_.try_emplace(member, log_.last().next());
    if (added) peer->second.recently_active = true;  // a period's grace
  };
  std::ranges::for_each(configuration().voters, add);
  std::ranges::for_each(configuration().learners, add);
}

void Raft::heard_leader(const Message& message) {
  // Two leaders of one term would be the end of everything.
  RAFT_CHECK_VALUE(role_ != Role::leader, hard_.term.value);
  if (role_ != Role::follower || leader_ != message.from) {
    become_follower(hard_.term, message.from);
  }
  elapsed_ticks_ = 0;
  lease_lost_ = false;
  campaign_in_.reset();
}

void Raft::on_append_request(Message& message) {
  heard_leader(message);
  if (restoring_) return;
  accept_append(message);
}

void Raft::accept_append(Message& message) {
  // What is committed agrees already; only the rest is of interest.
  if (message.index < log_.commit()) {
    std::erase_if(message.entries, [&](const Entry& e) { return e.index <= log_.commit(); });
    message.index = log_.commit();
    message.log_term = *log_.term(log_.commit());
  }
  Message reply = make(MessageKind::append_reply, message.from);
  reply.abstain = abstaining_;
  if (!log_.matches(message.index, message.log_term)) {
    reply.reject = true;
    reply.index = message.index;
    reply.hint = log_.last_at_most(message.index.previous(), message.log_term);
    reply.log_term = log_.term(reply.hint).value_or(Term());
    return send(std::move(reply));
  }
  const Index last_new = message.index.next(message.entries.size());
  const auto fresh = std::ranges::find_if(
      message.entries, [&](const Entry& e) { return !log_.matches(e.index, e.term); });
  message.entries.erase(message.entries.begin(), fresh);
  if (!message.entries.empty()) {
    const Index from = message.entries.front().index;
    if (from <= log_.last()) {
      log_.truncate(from);
      if (membership_.truncate(from)) status_changed_ = true;
    }
    note_configurations(message.entries);
    log_.append(std::move(message.entries));
  }
  commit_to(std::min(message.commit, last_new));
  reply.index = last_new;
  send(std::move(reply));
  take_release(message, last_new);
}

void Raft::on_heartbeat_request(const Message& message) {
  heard_leader(message);
  if (!restoring_) commit_to(std::min(message.commit, log_.last()));
  Message reply = make(MessageKind::heartbeat_reply, message.from);
  reply.round = message.round;
  reply.abstain = abstaining_;
  send(std::move(reply));
}

void Raft::on_append_reply(const Message& message) {
  const auto found = peers_.find(message.from);
  if (role_ != Role::leader || found == peers_.end()) return;
  Progress& peer = found->second;
  peer.recently_active = true;
  if (message.index > log_.last()) return;
  hear_abstention(peer, message);
  if (message.reject) {
    // Where the follower's term at the hint is above ours, it cannot agree there either.
    peer.rejected(message.index, log_.last_at_most(message.hint, message.log_term));
    return;
  }
  peer.acknowledged(message.index);
  advance_commit();
}

void Raft::on_heartbeat_reply(const Message& message) {
  const auto found = peers_.find(message.from);
  if (role_ != Role::leader || found == peers_.end()) return;
  Progress& peer = found->second;
  peer.recently_active = true;
  if (message.abstain) hear_abstention(peer, message);
  if (peer.counts()) peer.round = std::max(peer.round, message.round);
  confirm_reads();
  const bool stalled = peer.heard_heartbeat();
  if (stalled || (message.abstain && may_release(peer))) send_append(message.from, peer, false);
}

void Raft::on_snapshot_installed(const Message& message) {
  const auto found = peers_.find(message.from);
  if (role_ != Role::leader || found == peers_.end() || message.index > log_.last()) return;
  Progress& peer = found->second;
  peer.recently_active = true;
  if (peer.state() == Progress::State::snapshot) peer.snapshot_ended(message.index);
  if (peer.counts() && peer.acknowledged(message.index)) advance_commit();
}

void Raft::advance_commit() {
  std::vector<std::uint64_t> durable;
  for (const MemberId& voter : configuration().voters) {
    if (voter == self_) {
      durable.push_back(log_.stable().value);
      continue;
    }
    const auto peer = peers_.find(voter);
    const bool counts = peer != peers_.end() && peer->second.counts();
    durable.push_back(counts ? peer->second.match().value : 0);
  }
  const Index reached(reached_by_majority(std::move(durable)));
  // Only an entry of the own term commits by counting; earlier ones with it (thesis §3.6.2).
  if (reached <= log_.commit() || log_.term(reached) != hard_.term) return;
  commit_to(reached);
}

void Raft::commit_to(Index index) {
  if (index <= log_.commit()) return;
  const bool was_pending = membership_.current_index() > log_.commit();
  log_.commit_to(index);
  membership_.prune(index);
  if (!was_pending || membership_.current_index() > index) return;
  status_changed_ = true;
  if (role_ == Role::leader && !is_self_voter()) hand_over_removed();
}

void Raft::flush_appends() {
  for (auto& [member, peer] : peers_)
    replicate_to(member, peer);
}

void Raft::replicate_to(MemberId to, Progress& peer) {
  while (peer.may_send(config_.max_inflight_bytes, config_.max_inflight_messages) &&
         (peer.state() == Progress::State::probe || peer.next() <= log_.last())) {
    if (!send_append(to, peer, true)) return;
  }
  if (peer.state() != Progress::State::replicate) return;
  if (peer.commit_sent < std::min(log_.commit(), peer.next().previous())) {
    send_append(to, peer, false);
  }
}

// False: what it needs is compacted away; a snapshot is asked for instead.
bool Raft::send_append(MemberId to, Progress& peer, bool with_entries) {
  const Index previous = peer.next().previous();
  const std::optional<Term> previous_term = log_.term(previous);
  Message append = make(MessageKind::append_request, to);
  if (previous_term && with_entries && peer.next() <= log_.last()) {
    append.entries = log_.entries(peer.next(), log_.last(), config_.max_append_bytes);
  }
  const bool missing = with_entries && peer.next() <= log_.last() && append.entries.empty();
  if (!previous_term || missing) {
    peer.become_snapshot();
    snapshots_.push_back(to);
    return false;
  }
  append.index = previous;
  append.log_term = *previous_term;
  append.commit = log_.commit();
  append.release = may_release(peer);
  std::uint64_t bytes = 0;
  for (const Entry& entry : append.entries)
    bytes += entry_cost(entry);
  const Index last = previous.next(append.entries.size());
  peer.sent(last, bytes);
  peer.commit_sent = std::min(log_.commit(), last);
  send(std::move(append));
  return true;
}

void Raft::broadcast_heartbeats() {
  for (auto& [member, peer] : peers_) {
    Message heartbeat = make(MessageKind::heartbeat_request, member);
    if (peer.counts()) heartbeat.commit = std::min(log_.commit(), peer.match());
    heartbeat.round = reads_.round();
    send(std::move(heartbeat));
  }
}

}  // namespace warren::raft
