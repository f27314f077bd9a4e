#include "raft/raft.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "raft/check.h"
#include "raft/configuration.h"

namespace warren::raft {

Raft::Raft(const Config& config, const StoredGroup& stored, LogStore& store)
    : config_(config),
      group_(stored.group),
      self_(stored.self),
      random_(config.seed),
      log_(store, stored, config.max_cached_bytes),
      hard_(stored.hard_state),
      abstaining_(stored.abstain),
      written_(stored.hard_state),
      durable_(stored.hard_state) {
  RAFT_CHECK(self_);
  RAFT_CHECK(config.election_min_ticks > config.heartbeat_ticks);
  load_configurations(stored);
  if (is_alone()) abstaining_ = false;
  reset_election_timer();
}

// Configurations lie in the log; it is read once, above the snapshot that has the one before.
void Raft::load_configurations(const StoredGroup& stored) {
  Index next(1);
  if (stored.snapshot) {
    membership_.reset(stored.snapshot->index, stored.snapshot->configuration);
    next = stored.snapshot->index.next();
  }
  while (next <= log_.last()) {
    const std::vector<Entry> entries = log_.entries(next, log_.last(), config_.max_apply_bytes);
    RAFT_CHECK_VALUE(!entries.empty(), next.value);
    note_configurations(entries);
    next = entries.back().index.next();
  }
  membership_.prune(log_.commit());
}

void Raft::found(const Configuration& founding, bool eager) {
  RAFT_CHECK(log_.last() == Index() && hard_ == HardState() && last_number_ == 0);
  RAFT_CHECK(well_formed(founding) && is_member(founding, self_));
  Entry entry{Term(1), Index(1), EntryKind::configuration,
              std::make_shared<const std::string>(encode_configuration(founding))};
  hard_.term = Term(1);
  note_configurations({entry});
  log_.append({std::move(entry)});
  commit_to(Index(1));
  if (is_alone()) abstaining_ = false;
  eager_ = eager;
  reset_election_timer();
}

bool Raft::is_self_voter() const {
  return is_voter(configuration(), self_);
}

// All members have answered then. A learner might know that it is a voter by now.
bool Raft::is_alone() const {
  return is_sole_voter() && configuration().learners.empty();
}

bool Raft::is_sole_voter() const {
  return configuration().voters.size() == 1 && configuration().voters.front() == self_;
}

void Raft::step(Message message) {
  RAFT_CHECK(message.to == self_ && message.group == group_);
  // These are about what is on disk, whatever the term.
  if (message.kind == MessageKind::tail_inquiry) return on_tail_inquiry(message);
  if (message.kind == MessageKind::tail_answer) return on_tail_answer(message);
  if (!settle_term(message)) return;
  dispatch(message);
}

// Brings the term in line with the message's. False: the message needs nothing more.
bool Raft::settle_term(const Message& message) {
  if (message.term < hard_.term) {
    answer_lower_term(message);
    return false;
  }
  const bool asks_vote =
      message.kind == MessageKind::vote_request || message.kind == MessageKind::pre_vote_request;
  // Who hears a leader helps nobody to depose it (thesis §4.2.3, §9.6), unless it wished so.
  if (asks_vote && hears_leader() && !message.transfer) return false;
  if (message.term == hard_.term) return true;
  // A pre-vote is about a term that may never be.
  if (message.kind == MessageKind::pre_vote_request) return true;
  if (message.kind == MessageKind::pre_vote_reply && !message.reject) return true;
  become_follower(message.term, MemberId());
  return true;
}

// The sender lives in the past. It must hear of the new term, or it would be stuck there; replies
// need no answer.
void Raft::answer_lower_term(const Message& message) {
  MessageKind kind{};
  switch (message.kind) {
    case MessageKind::append_request:
    case MessageKind::heartbeat_request:
      kind = MessageKind::append_reply;
      break;
    case MessageKind::vote_request:
      kind = MessageKind::vote_reply;
      break;
    case MessageKind::pre_vote_request:
      kind = MessageKind::pre_vote_reply;
      break;
    default:
      return;
  }
  Message reply = make(kind, message.from);
  reply.reject = true;
  send(std::move(reply));
}

void Raft::dispatch(Message& message) {
  switch (message.kind) {
    case MessageKind::pre_vote_request:
    case MessageKind::vote_request:
      return on_vote_request(message);
    case MessageKind::pre_vote_reply:
      // A grant names the term that it is for; one of an earlier round is stale.
      if (role_ != Role::pre_candidate) return;
      if (message.reject || message.term == hard_.term.next()) {
        count_vote(message.from, !message.reject);
      }
      return;
    case MessageKind::vote_reply:
      if (role_ == Role::candidate) count_vote(message.from, !message.reject);
      return;
    case MessageKind::append_request:
      return on_append_request(message);
    case MessageKind::append_reply:
      return on_append_reply(message);
    case MessageKind::heartbeat_request:
      return on_heartbeat_request(message);
    case MessageKind::heartbeat_reply:
      return on_heartbeat_reply(message);
    case MessageKind::timeout_now:
      return on_timeout_now(message);
    case MessageKind::snapshot_installed:
      return on_snapshot_installed(message);
    case MessageKind::tail_inquiry:
    case MessageKind::tail_answer:
      return;  // step
  }
}

void Raft::reset_role(Role role, MemberId leader) {
  if (role_ == Role::leader) reads_.fail();
  status_changed_ = status_changed_ || role_ != role || leader_ != leader;
  role_ = role;
  leader_ = leader;
  votes_.clear();
  peers_.clear();
  snapshots_.clear();
  transfer_.reset();
  campaign_in_.reset();
  lease_lost_ = false;
  reset_election_timer();
}

void Raft::become_follower(Term term, MemberId leader) {
  RAFT_CHECK_VALUE(term >= hard_.term, term.value);
  if (term > hard_.term) {
    hard_.term = term;
    hard_.vote = MemberId();
    release_at_.reset();
    status_changed_ = true;
  }
  reset_role(Role::follower, leader);
}

void Raft::become_leader() {
  RAFT_CHECK(role_ == Role::candidate && durable_.term == hard_.term);
  reset_role(Role::leader, self_);
  heartbeat_elapsed_ = config_.heartbeat_ticks;  // with the next tick: see heartbeat_rounds()
  update_peers();
  append_own(EntryKind::no_op, nullptr);
}

Message Raft::make(MessageKind kind, MemberId to) const {
  Message message;
  message.kind = kind;
  message.group = group_;
  message.from = self_;
  message.to = to;
  message.term = hard_.term;
  return message;
}

// Sorts by what a message promises: an acknowledgement, a vote, or a term that is not durable yet
// must wait for the disk.
void Raft::send(Message message) {
  bool promise = message.term > durable_.term;
  switch (message.kind) {
    case MessageKind::vote_request:  // its own vote
    case MessageKind::vote_reply:
    case MessageKind::append_reply:
    case MessageKind::snapshot_installed:
      promise = true;
      break;
    case MessageKind::pre_vote_request:  // these speak of a term that nobody is in
    case MessageKind::pre_vote_reply:
      promise = false;
      break;
    default:
      break;
  }
  (promise ? promises_ : messages_).push_back(std::move(message));
}

bool Raft::needs_write() const {
  return log_.has_unwritten() || hard_.term != written_.term || hard_.vote != written_.vote;
}

// The commit index rides along with what must be written anyway: alone it is not worth a sync.
void Raft::collect_writes(Ready& ready) {
  if (!needs_write()) return;
  ready.number = ++last_number_;
  ready.entries = log_.take_unwritten(ready.number);
  HardState state = hard_;
  state.commit = log_.commit();
  if (state != written_) ready.hard_state = state;
  written_ = state;
  writing_.push_back({ready.number, state});
}

bool Raft::has_ready() const {
  return !messages_.empty() || !promises_.empty() || needs_write() || status_changed_ ||
         more_due() || !snapshots_.empty() || reads_.has_failed();
}

Ready Raft::take_ready() {
  if (role_ == Role::leader) {
    open_reads();
    flush_appends();
    drive_transfer();
  }
  Ready ready;
  collect_writes(ready);
  ready.messages = std::exchange(messages_, {});
  if (writing_.empty()) {
    std::ranges::move(promises_, std::back_inserter(ready.messages));
    promises_.clear();
  } else {
    ready.messages_after_write = std::exchange(promises_, {});
  }
  ready.snapshots = std::exchange(snapshots_, {});
  if (!restoring_) ready.committed = log_.take_committed(config_.max_apply_bytes);
  if (std::exchange(status_changed_, false)) ready.status = status();
  ready.reads = reads_.take(log_.applied());
  return ready;
}

void Raft::on_persisted(std::uint64_t number) {
  while (!writing_.empty() && writing_.front().number <= number) {
    durable_ = writing_.front().hard_state;
    writing_.pop_front();
  }
  log_.on_persisted(number);
  if (role_ == Role::candidate && durable_.term == hard_.term && durable_.vote == self_) {
    count_vote(self_, true);
  }
  if (role_ == Role::leader) advance_commit();
  check_vote_floor();
  if (abstaining_ && release_at_ && log_.stable() >= *release_at_) end_abstention();
}

Status Raft::status() const {
  Status status;
  status.term = hard_.term;
  status.leader = leader_;
  status.is_leader = role_ == Role::leader;
  status.commit = log_.commit();
  status.applied = log_.applied();
  status.last = log_.last();
  status.durable = log_.stable();
  status.durable_term = log_.term(log_.stable()).value_or(Term());
  status.abstaining = abstaining_ || vote_floor_;
  status.configuration = configuration();
  status.configuration_committed = membership_.current_index() <= log_.commit();
  return status;
}

std::vector<MemberProgress> Raft::progress() const {
  std::vector<MemberProgress> members;
  for (const auto& [member, peer] : peers_) {
    members.push_back({member, is_voter(configuration(), member), peer.recently_active,
                       peer.state() == Progress::State::snapshot, peer.match()});
  }
  return members;
}

}  // namespace warren::raft
