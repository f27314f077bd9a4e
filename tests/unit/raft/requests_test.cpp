#include "tests/unit/raft/fixture.h"

namespace warren::raft {
namespace {

TEST_F(RaftTest, AFollowerNamesTheLeader) {
  Raft raft = founded(3);
  raft.step(append(Term(1), Index(1), Term(1), {}));
  const ProposeResult result = raft.propose(data());
  EXPECT_EQ(result.outcome, ProposeOutcome::not_leader);
  EXPECT_EQ(result.leader, member(2));
}

TEST_F(RaftTest, TooMuchUncommittedIsFull) {
  config_.max_uncommitted_bytes = 1000;
  Raft raft = founded(3);
  lead(raft);
  raft.step(acknowledge(2, Term(2), Index(2)));
  EXPECT_EQ(raft.propose(data(5000)).outcome, ProposeOutcome::proposed);  // alone it passes
  EXPECT_EQ(raft.propose(data(1)).outcome, ProposeOutcome::full);
  take(raft);
  sync(raft);
  raft.step(acknowledge(2, Term(2), Index(3)));
  EXPECT_EQ(raft.propose(data(1)).outcome, ProposeOutcome::proposed);
}

TEST_F(RaftTest, AConfigurationWaitsForTheTermsFirstCommitAndForTheOneBefore) {
  Raft raft = founded(3);
  lead(raft);
  EXPECT_EQ(raft.propose_configuration(voters(4)).outcome, ProposeOutcome::busy);
  raft.step(acknowledge(2, Term(2), Index(2)));
  EXPECT_EQ(raft.propose_configuration(voters(5)).outcome, ProposeOutcome::invalid);
  EXPECT_EQ(raft.propose_configuration(voters(4)).outcome, ProposeOutcome::proposed);
  EXPECT_EQ(raft.configuration(), voters(4));
  EXPECT_EQ(raft.propose_configuration(voters(3)).outcome, ProposeOutcome::busy);
}

TEST_F(RaftTest, AReadWaitsForTheTermsFirstCommitAndAMajority) {
  Raft raft = founded(3);
  lead(raft);
  EXPECT_EQ(raft.read_index(5), ReadOutcome::accepted);
  EXPECT_EQ(count(take(raft).messages, MessageKind::heartbeat_request), 0U);
  raft.step(acknowledge(2, Term(2), Index(2)));
  const Ready asked = take(raft);
  EXPECT_EQ(count(asked.messages, MessageKind::heartbeat_request), 2U);
  EXPECT_TRUE(asked.reads.empty());
  Message reply = from(3, MessageKind::heartbeat_reply, Term(2));
  reply.round = 1;
  raft.step(reply);
  const Ready answered = take(raft);
  ASSERT_EQ(answered.reads.size(), 1U);
  EXPECT_TRUE(answered.reads.front().ok);
}

// What the host may take for a sign that nobody else had been elected when the round was sent.
TEST_F(RaftTest, AHeartbeatRoundIsConfirmedByAMajorityOfThisTerm) {
  Raft raft = founded(3);
  lead(raft);
  raft.tick();
  const std::uint64_t sent = raft.heartbeat_rounds().sent;
  EXPECT_EQ(count(take(raft).messages, MessageKind::heartbeat_request), 2U)
      << "with the first tick";
  EXPECT_EQ(raft.heartbeat_rounds().confirmed, 0U);
  Message reply = from(3, MessageKind::heartbeat_reply, Term(2));
  reply.round = sent;
  raft.step(reply);
  EXPECT_EQ(raft.heartbeat_rounds().confirmed, sent);
  for (std::uint32_t i = 0; i < config_.heartbeat_ticks; ++i)
    raft.tick();
  EXPECT_EQ(raft.heartbeat_rounds().sent, sent + 1);
  EXPECT_EQ(raft.heartbeat_rounds().confirmed, sent);
  raft.step(append(Term(3), Index(1), Term(1), {}));
  EXPECT_EQ(raft.heartbeat_rounds().confirmed, 0U) << "it leads no more";
}

TEST_F(RaftTest, ReadsAreBounded) {
  config_.max_pending_reads = 1;
  Raft raft = founded(3);
  EXPECT_EQ(raft.read_index(1), ReadOutcome::not_leader);
  lead(raft);
  EXPECT_EQ(raft.read_index(1), ReadOutcome::accepted);
  EXPECT_EQ(raft.read_index(2), ReadOutcome::full);
}

TEST_F(RaftTest, TransfersOnlyToAVoterThatHasEverything) {
  Raft raft = founded(3);
  EXPECT_EQ(raft.transfer_leadership(member(2)), TransferOutcome::not_leader);
  lead(raft);
  EXPECT_EQ(raft.transfer_leadership(member(1)), TransferOutcome::invalid);
  EXPECT_EQ(raft.transfer_leadership(member(2)), TransferOutcome::started);
  EXPECT_EQ(raft.transfer_leadership(member(3)), TransferOutcome::busy);
  EXPECT_EQ(raft.propose(data()).leader, member(2));
  EXPECT_EQ(count(take(raft).messages, MessageKind::timeout_now), 0U);
  raft.step(acknowledge(2, Term(2), Index(2)));
  EXPECT_EQ(count(take(raft).messages, MessageKind::timeout_now), 1U);
}

TEST_F(RaftTest, AsksForASnapshotWhenTheLogIsGoneAndAgainWhenItFailed) {
  config_.max_cached_bytes = 0;
  Raft raft = founded(3);
  lead(raft);
  raft.step(acknowledge(2, Term(2), Index(2)));
  take(raft);
  store_.compact(group, {Index(2), Term(2), voters(3)}, "", Index(3));
  Message reply = acknowledge(3, Term(2), Index(1));
  reply.reject = true;
  raft.step(reply);
  EXPECT_EQ(take(raft).snapshots, std::vector{member(3)});
  raft.on_snapshot_sent(member(3), Index(), false);
  EXPECT_TRUE(take(raft).snapshots.empty());
  raft.step(from(3, MessageKind::heartbeat_reply, Term(2)));
  EXPECT_EQ(take(raft).snapshots, std::vector{member(3)});
  raft.on_snapshot_sent(member(3), Index(2), true);
  raft.step(from(3, MessageKind::heartbeat_reply, Term(2)));
  const Ready ready = take(raft);
  EXPECT_TRUE(ready.snapshots.empty());
  EXPECT_EQ(ready.messages.front().index, Index(2));
}

TEST_F(RaftTest, RestoringHoldsOffAppendsAndThenAppliesFromTheSnapshot) {
  Raft raft = founded(3);
  raft.step(append(Term(1), Index(1), Term(1), {}));
  take(raft);
  const SnapshotMeta meta{Index(40), Term(1), voters(4)};
  EXPECT_TRUE(raft.begin_restore(meta));
  raft.step(append(Term(1), Index(1), Term(1), {1}));
  EXPECT_EQ(raft.log().last(), Index(1));
  store_.install(group, meta, "");
  raft.restore(meta);
  const Ready ready = take(raft);
  EXPECT_EQ(raft.log().last(), Index(40));
  EXPECT_EQ(raft.configuration(), voters(4));
  EXPECT_TRUE(ready.committed.empty());
  EXPECT_EQ(count(ready.messages, MessageKind::snapshot_installed), 1U);
  EXPECT_FALSE(raft.begin_restore(meta));
}

TEST_F(RaftTest, ASnapshotOfWhatTheLogHasOnlyCommits) {
  Raft raft = founded(3);
  raft.step(append(Term(1), Index(1), Term(1), {1, 1}));
  EXPECT_FALSE(raft.begin_restore({Index(2), Term(1), voters(3)}));
  EXPECT_EQ(raft.log().commit(), Index(2));
  EXPECT_EQ(raft.log().last(), Index(3));
}

}  // namespace
}  // namespace warren::raft
