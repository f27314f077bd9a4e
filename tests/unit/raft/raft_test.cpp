#include "raft/raft.h"

#include "tests/unit/raft/fixture.h"

namespace warren::raft {
namespace {

TEST_F(RaftTest, FoundersBeginWithTheSameCommittedEntry) {
  Raft raft(config_, stored(), store_);
  raft.found(voters(3));
  const Ready ready = take(raft);
  ASSERT_EQ(ready.entries.size(), 1U);
  EXPECT_EQ(ready.entries.front().kind, EntryKind::configuration);
  EXPECT_EQ(ready.hard_state, (HardState{Term(1), MemberId(), Index(1)}));
  EXPECT_EQ(ready.committed.size(), 1U);
  EXPECT_EQ(raft.configuration(), voters(3));
}

TEST_F(RaftTest, RestartFindsTermVoteCommitAndConfiguration) {
  {
    Raft raft = founded(3);
    lead(raft);
  }
  StoredGroup found = *store_.stored(group, member(1));
  Raft raft(config_, found, store_);
  EXPECT_EQ(raft.term(), Term(2));
  EXPECT_EQ(raft.vote(), member(1));
  EXPECT_EQ(raft.role(), Role::follower);
  EXPECT_EQ(raft.configuration(), voters(3));
  EXPECT_EQ(raft.log().last(), Index(2));
  EXPECT_EQ(take(raft).committed.size(), 1U);
}

TEST_F(RaftTest, AVoteWaitsForTheDisk) {
  Raft raft = founded(3);
  Message request = from(2, MessageKind::vote_request, Term(2));
  request.index = Index(1);
  request.log_term = Term(1);
  raft.step(request);
  const Ready ready = take(raft);
  EXPECT_EQ(ready.hard_state->vote, member(2));
  EXPECT_TRUE(ready.messages.empty());
  ASSERT_EQ(ready.messages_after_write.size(), 1U);
  EXPECT_FALSE(ready.messages_after_write.front().reject);
}

TEST_F(RaftTest, AnAcknowledgementWaitsForTheDisk) {
  Raft raft = founded(3);
  raft.step(append(Term(1), Index(1), Term(1), {1, 1}));
  const Ready ready = take(raft);
  EXPECT_EQ(ready.entries.size(), 2U);
  EXPECT_EQ(count(ready.messages, MessageKind::append_reply), 0U);
  EXPECT_EQ(count(ready.messages_after_write, MessageKind::append_reply), 1U);
  // A second one for the same entries must wait for the same write.
  raft.step(append(Term(1), Index(1), Term(1), {1, 1}));
  const Ready again = take(raft);
  EXPECT_EQ(again.number, 0U);
  EXPECT_EQ(count(again.messages_after_write, MessageKind::append_reply), 1U);
  sync(raft);
  raft.step(append(Term(1), Index(1), Term(1), {1, 1}));
  EXPECT_EQ(count(take(raft).messages, MessageKind::append_reply), 1U);
}

TEST_F(RaftTest, ALeadersEntriesDoNotWaitForItsDisk) {
  Raft raft = founded(3);
  lead(raft);
  raft.step(acknowledge(2, Term(2), Index(2)));
  raft.propose(data());
  const Ready ready = take(raft);
  EXPECT_EQ(ready.entries.size(), 1U);
  EXPECT_GE(count(ready.messages, MessageKind::append_request), 1U);
}

TEST_F(RaftTest, ALeaderCountsItselfOnlyForWhatIsDurable) {
  Raft raft = founded(3);
  lead(raft);
  raft.step(acknowledge(2, Term(2), Index(2)));
  raft.propose(data());
  take(raft);
  raft.step(acknowledge(2, Term(2), Index(3)));
  EXPECT_EQ(raft.log().commit(), Index(2));
  sync(raft);
  EXPECT_EQ(raft.log().commit(), Index(3));
}

TEST_F(RaftTest, FollowersCommitWithoutTheLeadersDisk) {
  Raft raft = founded(3);
  lead(raft);
  raft.propose(data());
  take(raft);
  raft.step(acknowledge(2, Term(2), Index(3)));
  raft.step(acknowledge(3, Term(2), Index(3)));
  EXPECT_EQ(raft.log().commit(), Index(3));
}

TEST_F(RaftTest, TheCommitAloneIsNotWorthAWrite) {
  Raft raft = founded(3);
  raft.step(append(Term(1), Index(1), Term(1), {1}));
  take(raft);
  sync(raft);
  raft.step(append(Term(1), Index(2), Term(1), {}, Index(2)));
  const Ready ready = take(raft);
  EXPECT_EQ(ready.number, 0U);
  EXPECT_EQ(ready.committed.size(), 1U);
}

TEST_F(RaftTest, APastLeaderIsToldTheNewTerm) {
  Raft raft = founded(3);
  lead(raft);
  raft.step(from(3, MessageKind::heartbeat_request, Term(1)));
  const Ready ready = take(raft);
  const auto reply = std::ranges::find(ready.messages, MessageKind::append_reply, &Message::kind);
  ASSERT_NE(reply, ready.messages.end());
  EXPECT_EQ(reply->term, Term(2));
}

}  // namespace
}  // namespace warren::raft
