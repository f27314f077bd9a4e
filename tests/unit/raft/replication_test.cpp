#include "tests/unit/raft/fixture.h"

namespace warren::raft {
namespace {

TEST_F(RaftTest, RefusesAppendsThatDoNotFit) {
  Raft raft = founded(3);
  raft.step(append(Term(3), Index(7), Term(2), {3}));
  const Ready ready = take(raft);
  ASSERT_EQ(ready.messages_after_write.size(), 1U);
  EXPECT_TRUE(ready.messages_after_write.front().reject);
  EXPECT_EQ(ready.messages_after_write.front().hint, Index(1));
}

TEST_F(RaftTest, AConflictReplacesTheTail) {
  Raft raft = founded(3);
  raft.step(append(Term(1), Index(1), Term(1), {1, 1, 1}));
  take(raft);
  raft.step(append(Term(2), Index(2), Term(1), {2}));
  EXPECT_EQ(raft.log().last(), Index(3));
  EXPECT_EQ(raft.log().last_term(), Term(2));
  EXPECT_EQ(take(raft).entries.front().index, Index(3));
}

TEST_F(RaftTest, AnOldAppendDoesNotCutTheTail) {
  Raft raft = founded(3);
  raft.step(append(Term(1), Index(1), Term(1), {1, 1, 1}));
  raft.step(append(Term(1), Index(1), Term(1), {1}));
  EXPECT_EQ(raft.log().last(), Index(4));
}

TEST_F(RaftTest, CommitsOnlyWhatTheAppendShowsToMatch) {
  Raft raft = founded(3);
  raft.step(append(Term(1), Index(1), Term(1), {1, 1, 1}));
  raft.step(append(Term(2), Index(1), Term(1), {1}, Index(9)));
  EXPECT_EQ(raft.log().commit(), Index(2));
}

TEST_F(RaftTest, EntriesBelowTheCommitAreSkipped) {
  Raft raft = founded(3);
  raft.step(append(Term(1), Index(1), Term(1), {1, 1}, Index(3)));
  take(raft);
  sync(raft);
  raft.step(append(Term(1), Index(1), Term(1), {1, 1, 1}));
  const Ready ready = take(raft);
  EXPECT_EQ(ready.entries.size(), 1U);
  EXPECT_EQ(ready.messages_after_write.front().index, Index(4));
}

TEST_F(RaftTest, EntriesOfEarlierTermsCommitOnlyWithOneOfTheOwn) {
  Raft raft = founded(3);
  raft.step(append(Term(1), Index(1), Term(1), {1}));
  take(raft);
  sync(raft);
  lead(raft);
  raft.step(acknowledge(2, Term(2), Index(2)));
  EXPECT_EQ(raft.log().commit(), Index(1));
  raft.step(acknowledge(2, Term(2), Index(3)));
  EXPECT_EQ(raft.log().commit(), Index(3));
}

TEST_F(RaftTest, FollowersHearOfACommitInTheSameTurn) {
  Raft raft = founded(3);
  lead(raft);
  raft.step(acknowledge(3, Term(2), Index(2)));
  take(raft);
  raft.propose(data());
  take(raft);
  sync(raft);
  raft.step(acknowledge(3, Term(2), Index(3)));
  const Ready ready = take(raft);
  ASSERT_EQ(count(ready.messages, MessageKind::append_request), 1U);
  EXPECT_EQ(ready.messages.front().commit, Index(3));
  EXPECT_EQ(ready.committed.back().index, Index(3));
}

TEST_F(RaftTest, AppendsArePipelinedWithinTheWindow) {
  config_.max_append_bytes = 100;
  config_.max_inflight_bytes = 300;
  Raft raft = founded(3);
  lead(raft);
  raft.step(acknowledge(2, Term(2), Index(2)));
  take(raft);
  for (int i = 0; i < 10; ++i)
    raft.propose(data(50));
  EXPECT_EQ(count(take(raft).messages, MessageKind::append_request), 3U);
  raft.step(acknowledge(2, Term(2), Index(3)));
  EXPECT_GE(count(take(raft).messages, MessageKind::append_request), 1U);
}

TEST_F(RaftTest, AcknowledgementsBeyondTheLogAreIgnored) {
  Raft raft = founded(3);
  lead(raft);
  raft.step(acknowledge(2, Term(2), Index(99)));
  EXPECT_EQ(raft.log().commit(), Index(1));
}

TEST_F(RaftTest, LearnersCountForNothing) {
  Raft raft = founded(1);
  lead(raft);
  Configuration next = voters(1);
  next.learners.push_back(member(2));
  EXPECT_EQ(raft.propose_configuration(next).outcome, ProposeOutcome::proposed);
  take(raft);
  raft.step(acknowledge(2, Term(2), Index(3)));
  EXPECT_EQ(raft.log().commit(), Index(2));
  sync(raft);
  EXPECT_EQ(raft.log().commit(), Index(3));
}

TEST_F(RaftTest, WhatALostTailAcknowledgedBeforeIsVoid) {
  Raft raft = founded(3);
  lead(raft);
  raft.propose(data());
  take(raft);
  raft.step(acknowledge(2, Term(2), Index(3)));  // and then loses it
  Message reply = acknowledge(2, Term(2), Index(3));
  reply.reject = true;
  reply.hint = Index(1);
  reply.log_term = Term(1);
  reply.abstain = true;
  raft.step(reply);
  sync(raft);
  EXPECT_EQ(raft.log().commit(), Index(2));      // not 3
  raft.step(acknowledge(2, Term(2), Index(3)));  // late, from before
  EXPECT_EQ(raft.log().commit(), Index(2));      // not 3
  take(raft);
  sync(raft);
  raft.step(acknowledge(3, Term(2), Index(4)));  // the no-op that the loss made
  EXPECT_EQ(raft.log().commit(), Index(4));
}

}  // namespace
}  // namespace warren::raft
