// Members whose store lost its tail: what a leader counts of them, how it gives them back their
// voice, and how they find out without one. What they acknowledged and whom they voted for may be
// lost; what others have of it is not. See StoredGroup::abstain.
#include <algorithm>
#include <utility>

#include "raft/configuration.h"
#include "raft/raft.h"

namespace warren::raft {
namespace {

bool names_voter(const std::vector<Membership::Version>& versions, MemberId member) {
  return std::ranges::any_of(versions, [&](const Membership::Version& version) {
    return is_voter(version.configuration, member);
  });
}

}  // namespace

void Raft::hear_abstention(Progress& peer, const Message& message) {
  if (message.abstain && !peer.void_below) {
    peer.begin_abstention(log_.last());
    // Committing it, without the member's help, shows that we lead still, and that everything
    // which its former acknowledgements may have committed is committed.
    append_own(EntryKind::no_op, nullptr);
    return;
  }
  // Lower ones may be from before the loss: they guide what is sent, and count for no majority.
  const bool acknowledges = !message.abstain && !message.reject;
  if (acknowledges && peer.void_below && message.index > *peer.void_below) peer.void_below.reset();
}

bool Raft::may_release(const Progress& peer) const {
  return peer.void_below && log_.commit() > *peer.void_below;
}

void Raft::take_release(const Message& message, Index last_new) {
  if (!abstaining_ || !message.release || message.commit > last_new) return;
  release_at_ = message.commit;
  if (log_.stable() >= *release_at_) end_abstention();
}

void Raft::end_abstention() {
  abstaining_ = false;
  status_changed_ = true;
  if (!release_at_ || !leader_) return;
  Message reply = make(MessageKind::append_reply, leader_);
  reply.index = *release_at_;
  send(std::move(reply));
}

// No leader: perhaps because too many have lost their tails. Once every member that may have a part
// in what this one acknowledged has said what it has, nothing of that is unknown any more.
void Raft::ask_members() {
  inquiry_ = TailInquiry{random_.next(), false, {}};
  ask_named(membership_.versions());
}

// True: all have answered already.
bool Raft::ask_named(const std::vector<Membership::Version>& versions) {
  bool answered = true;
  const auto ask = [&](const MemberId& member) {
    if (member == self_) return;
    const auto [asked, fresh] = inquiry_->answers.try_emplace(member);
    answered = answered && asked->second;
    if (!fresh) return;
    Message inquiry = make(MessageKind::tail_inquiry, member);
    inquiry.round = inquiry_->round;
    inquiry.binding = inquiry_->binding;
    send(std::move(inquiry));
  };
  for (const Membership::Version& version : versions) {
    std::ranges::for_each(version.configuration.voters, ask);
    std::ranges::for_each(version.configuration.learners, ask);
  }
  return answered;
}

void Raft::on_tail_inquiry(const Message& message) {
  const bool led = hears_leader();
  if (!led && message.binding && message.term > hard_.term)
    become_follower(message.term, MemberId());
  Message answer = make(MessageKind::tail_answer, message.from);
  answer.round = message.round;
  answer.reject = led;
  answer.binding = message.binding;
  answer.index = log_.stable();
  answer.log_term = log_.term(log_.stable()).value_or(Term());
  answer.commit = log_.commit();
  for (const Membership::Version& version : membership_.versions())
    answer.entries.push_back(
        {Term(), version.index, EntryKind::configuration,
         std::make_shared<const std::string>(encode_configuration(version.configuration))});
  send(std::move(answer));
}

void Raft::on_tail_answer(const Message& message) {
  if (!abstaining_ || !inquiry_ || message.round != inquiry_->round) return;
  if (message.binding != inquiry_->binding) return;
  const auto asked = inquiry_->answers.find(message.from);
  if (asked == inquiry_->answers.end()) return;
  if (message.reject || hears_leader()) return inquiry_.reset();
  TailAnswer answer{message.term, {message.log_term, message.index}, message.commit, {}};
  for (const Entry& entry : message.entries) {
    std::optional<Configuration> configuration = decode_configuration(entry.bytes());
    if (!configuration) return;
    answer.versions.push_back({entry.index, std::move(*configuration)});
  }
  asked->second = std::move(answer);
  conclude_inquiry();
}

// Who may have a part: the members that the best log names, learners included, for they may be
// voters by now; while its newest configuration is uncommitted, also those of the one before. A
// majority of them holds whatever is committed, and an older configuration is of no interest: a
// member that it names may be gone for ever.
//
// In the new term nobody counts on anything that this member said before: it has not voted there,
// and whoever leads there begins with its true log. What it acknowledged is in the best log of
// those that could be elected; a learner may be ahead of them, but could not.
void Raft::conclude_inquiry() {
  LogEnd best{log_.term(log_.stable()).value_or(Term()), log_.stable()};
  const std::vector<Membership::Version>* named = &membership_.versions();
  Term highest = hard_.term;
  Index commit = log_.commit();
  for (const auto& [member, answer] : inquiry_->answers) {
    if (!answer) continue;
    highest = std::max(highest, answer->term);
    commit = std::max(commit, answer->commit);
    if (answer->durable <= best) continue;
    best = answer->durable;
    named = &answer->versions;
  }
  std::vector<Membership::Version> versions = *named;
  while (versions.size() > 1 && versions[1].index <= commit)
    versions.erase(versions.begin());
  if (!ask_named(versions)) return;
  if (!inquiry_->binding) {
    become_follower(highest.next(), MemberId());
    inquiry_ = TailInquiry{random_.next(), true, {}};
    ask_named(versions);
    return;
  }
  LogEnd floor;
  for (const auto& [member, answer] : inquiry_->answers)
    if (answer && names_voter(versions, member)) floor = std::max(floor, answer->durable);
  inquiry_.reset();
  abstaining_ = false;
  release_at_.reset();
  vote_floor_ = floor;
  status_changed_ = true;
  if (highest > hard_.term) become_follower(highest, MemberId());
  check_vote_floor();
}

void Raft::check_vote_floor() {
  const Index durable = log_.stable();
  if (!vote_floor_ || std::pair(*log_.term(durable), durable) < *vote_floor_) return;
  vote_floor_.reset();
  status_changed_ = true;
}

}  // namespace warren::raft
