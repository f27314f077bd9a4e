#include "tests/unit/raft/fixture.h"

namespace warren::raft {
namespace {

TEST_F(RaftTest, AloneItLeadsOnceItsOwnVoteIsDurable) {
  Raft raft = founded(1);
  raft.tick();
  EXPECT_EQ(raft.role(), Role::candidate);
  take(raft);
  EXPECT_EQ(raft.role(), Role::candidate);
  sync(raft);
  EXPECT_EQ(raft.role(), Role::leader);
  take(raft);
  EXPECT_EQ(raft.log().commit(), Index(1));
  sync(raft);
  EXPECT_EQ(raft.log().commit(), Index(2));
}

TEST_F(RaftTest, PreVotesRaiseNoTerm) {
  Raft raft = founded(3);
  while (raft.role() == Role::follower)
    raft.tick();
  EXPECT_EQ(raft.role(), Role::pre_candidate);
  EXPECT_EQ(raft.term(), Term(1));
  EXPECT_EQ(take(raft).number, 0U);
}

TEST_F(RaftTest, AnEagerFounderAsksAtOnceAndAgainUntilTheOthersAreThere) {
  Raft raft(config_, stored(), store_);
  raft.found(voters(3), true);
  take(raft);
  sync(raft);
  std::size_t asked = 0;
  for (std::uint32_t i = 0; i < 5 * config_.heartbeat_ticks; ++i) {
    raft.tick();
    asked += count(take(raft).messages, MessageKind::pre_vote_request);
  }
  EXPECT_GE(asked, 2U * 4U);
  EXPECT_EQ(raft.term(), Term(1));
}

TEST_F(RaftTest, AnEagerFounderIsPatientOnceSomebodyHasLed) {
  Raft raft(config_, stored(), store_);
  raft.found(voters(3), true);
  raft.step(append(Term(2), Index(1), Term(1), {}));
  for (std::uint32_t i = 0; i < config_.election_min_ticks - 1; ++i)
    raft.tick();
  EXPECT_EQ(raft.role(), Role::follower);
}

TEST_F(RaftTest, AStalePreVoteGrantDoesNotCount) {
  Raft raft = founded(3);
  while (raft.role() == Role::follower)
    raft.tick();
  raft.step(from(2, MessageKind::pre_vote_reply, Term(1)));
  EXPECT_EQ(raft.role(), Role::pre_candidate);
  raft.step(from(2, MessageKind::pre_vote_reply, Term(2)));
  EXPECT_EQ(raft.role(), Role::candidate);
}

TEST_F(RaftTest, VotesOfStrangersDoNotCount) {
  Raft raft = founded(3);
  campaign(raft);
  take(raft);
  sync(raft);
  raft.step(from(9, MessageKind::vote_reply, raft.term()));
  EXPECT_EQ(raft.role(), Role::candidate);
}

TEST_F(RaftTest, VotesOnceATerm) {
  Raft raft = founded(3);
  raft.step(asking(from(2, MessageKind::vote_request, Term(2)), Index(1), Term(1)));
  raft.step(asking(from(3, MessageKind::vote_request, Term(2)), Index(1), Term(1)));
  const Ready ready = take(raft);
  ASSERT_EQ(ready.messages_after_write.size(), 2U);
  EXPECT_FALSE(ready.messages_after_write[0].reject);
  EXPECT_TRUE(ready.messages_after_write[1].reject);
}

TEST_F(RaftTest, RefusesACandidateWhoseLogIsBehind) {
  Raft raft = founded(3);
  raft.step(asking(from(2, MessageKind::vote_request, Term(2)), Index(), Term()));
  EXPECT_TRUE(take(raft).messages_after_write.front().reject);
  EXPECT_EQ(raft.vote(), MemberId());
}

TEST_F(RaftTest, WhoHearsALeaderIgnoresVotesUnlessItIsATransfer) {
  Raft raft = founded(3);
  raft.step(append(Term(1), Index(1), Term(1), {}));
  take(raft);
  raft.step(asking(from(3, MessageKind::vote_request, Term(2)), Index(1), Term(1)));
  EXPECT_EQ(raft.term(), Term(1));
  Message request = asking(from(3, MessageKind::vote_request, Term(2)), Index(1), Term(1));
  request.transfer = true;
  raft.step(request);
  EXPECT_EQ(raft.vote(), member(3));
}

TEST_F(RaftTest, AResetStreamToTheLeaderStartsAPreVoteAfterSomeTicks) {
  Raft raft = founded(3);
  raft.step(append(Term(1), Index(1), Term(1), {}));
  raft.on_peer_reset(3);
  for (std::uint32_t i = 0; i < config_.reset_jitter_max_ticks; ++i)
    raft.tick();
  EXPECT_EQ(raft.role(), Role::follower);
  raft.on_peer_reset(2);
  for (std::uint32_t i = 0; i < config_.reset_jitter_max_ticks; ++i)
    raft.tick();
  EXPECT_EQ(raft.role(), Role::pre_candidate);
}

// Its first question was dropped by one who still heard the leader, and no answer will come.
TEST_F(RaftTest, WhoRefusesAPreVoteForItsBetterLogAsksAgainItself) {
  Raft raft = founded(3);
  raft.step(append(Term(1), Index(1), Term(1), {1}));
  raft.on_peer_reset(2);
  for (std::uint32_t i = 0; i < config_.reset_jitter_max_ticks; ++i)
    raft.tick();
  EXPECT_EQ(count(take(raft).messages, MessageKind::pre_vote_request), 2U);
  raft.step(asking(from(3, MessageKind::pre_vote_request, Term(2)), Index(1), Term(1)));
  for (std::uint32_t i = 0; i < config_.reset_jitter_max_ticks; ++i)
    raft.tick();
  EXPECT_EQ(count(take(raft).messages, MessageKind::pre_vote_request), 2U);
}

TEST_F(RaftTest, WithEqualLogsTheLowerIdAsksAgain) {
  Raft raft = founded(3);
  raft.step(append(Term(1), Index(1), Term(1), {}));
  raft.on_peer_reset(2);
  for (std::uint32_t i = 0; i < config_.reset_jitter_max_ticks; ++i)
    raft.tick();
  take(raft);
  raft.step(asking(from(3, MessageKind::pre_vote_request, Term(2)), Index(1), Term(1)));
  for (std::uint32_t i = 0; i < config_.reset_jitter_max_ticks; ++i)
    raft.tick();
  EXPECT_EQ(count(take(raft).messages, MessageKind::pre_vote_request), 2U);
}

TEST_F(RaftTest, ALeaderThatNoMajorityHearsStepsDown) {
  Raft raft = founded(3);
  lead(raft);
  for (std::uint32_t i = 0; i < 2 * config_.election_min_ticks; ++i)
    raft.tick();
  EXPECT_EQ(raft.role(), Role::follower);
}

TEST_F(RaftTest, ALeaderThatOneOfTwoFollowersHearsLeadsOn) {
  Raft raft = founded(3);
  lead(raft);
  for (std::uint32_t i = 0; i < 5 * config_.election_min_ticks; ++i) {
    raft.tick();
    if (i % 10 == 0) raft.step(from(2, MessageKind::heartbeat_reply, Term(2)));
  }
  EXPECT_EQ(raft.role(), Role::leader);
}

// What it had sent is read after our own stream to it broke, and before its stream to us ends.
TEST_F(RaftTest, ADeadLeadersLastMessagesKeepItNoLeader) {
  Raft raft = founded(3);
  raft.step(append(Term(1), Index(1), Term(1), {}));
  raft.on_peer_reset(2);
  raft.step(append(Term(1), Index(1), Term(1), {1}));
  raft.on_peer_reset(2);
  for (std::uint32_t i = 0; i <= config_.reset_jitter_max_ticks; ++i)
    raft.tick();
  EXPECT_EQ(raft.role(), Role::pre_candidate);
}

TEST_F(RaftTest, TimeoutNowIsTakenFromTheLeaderOnly) {
  Raft raft = founded(3);
  raft.step(append(Term(1), Index(1), Term(1), {}));
  raft.step(from(3, MessageKind::timeout_now, Term(1)));
  EXPECT_EQ(raft.role(), Role::follower);
  raft.step(from(2, MessageKind::timeout_now, Term(1)));
  EXPECT_EQ(raft.role(), Role::candidate);
}

}  // namespace
}  // namespace warren::raft
