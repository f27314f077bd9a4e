#include "raft/progress.h"

#include <gtest/gtest.h>

namespace warren::raft {
namespace {

constexpr std::uint64_t window = 1000;

bool may_send(const Progress& progress) {
  return progress.may_send(window, 3);
}

Progress replicating(Index match) {
  Progress progress(match.next());
  progress.acknowledged(match);
  return progress;
}

TEST(Progress, AProbeSendsOneMessageUntilItIsAnswered) {
  Progress progress(Index(5));
  EXPECT_TRUE(may_send(progress));
  progress.sent(Index(9), 10);
  EXPECT_FALSE(may_send(progress));
  EXPECT_EQ(progress.next(), Index(5));
  progress.heard_heartbeat();
  EXPECT_TRUE(may_send(progress));
}

TEST(Progress, AnAcknowledgementStartsThePipeline) {
  Progress progress = replicating(Index(4));
  EXPECT_EQ(progress.state(), Progress::State::replicate);
  progress.sent(Index(6), 10);
  progress.sent(Index(8), 10);
  EXPECT_EQ(progress.next(), Index(9));
  EXPECT_TRUE(may_send(progress));
}

TEST(Progress, TheWindowBoundsBytesAndMessages) {
  Progress bytes = replicating(Index(4));
  bytes.sent(Index(5), window);
  EXPECT_FALSE(may_send(bytes));
  bytes.acknowledged(Index(5));
  EXPECT_TRUE(may_send(bytes));
  Progress messages = replicating(Index(4));
  for (std::uint64_t i = 5; i < 8; ++i)
    messages.sent(Index(i), 1);
  EXPECT_FALSE(may_send(messages));
}

TEST(Progress, ARefusalGoesBackToTheHint) {
  Progress progress = replicating(Index(4));
  progress.sent(Index(9), 10);
  EXPECT_TRUE(progress.rejected(Index(9), Index(6)));
  EXPECT_EQ(progress.state(), Progress::State::probe);
  EXPECT_EQ(progress.next(), Index(7));
}

TEST(Progress, ARefusalOfWhatIsKnownToMatchIsStale) {
  Progress progress = replicating(Index(4));
  EXPECT_FALSE(progress.rejected(Index(4), Index(1)));
  EXPECT_EQ(progress.state(), Progress::State::replicate);
}

TEST(Progress, AProbeIgnoresRefusalsOfOtherProbes) {
  Progress progress(Index(10));
  EXPECT_FALSE(progress.rejected(Index(7), Index(2)));
  EXPECT_TRUE(progress.rejected(Index(9), Index(2)));
  EXPECT_EQ(progress.next(), Index(3));
}

TEST(Progress, NeverGoesBelowWhatMatches) {
  Progress progress = replicating(Index(4));
  progress.sent(Index(9), 10);
  EXPECT_TRUE(progress.rejected(Index(9), Index()));
  EXPECT_EQ(progress.next(), Index(5));
}

TEST(Progress, AHeartbeatWithoutAcknowledgementsShowsALoss) {
  Progress progress = replicating(Index(4));
  progress.sent(Index(5), 10);
  progress.heartbeat_due();
  EXPECT_TRUE(progress.heard_heartbeat());
  EXPECT_FALSE(progress.heard_heartbeat());  // once a heartbeat
  progress.heartbeat_due();
  progress.acknowledged(Index(5));
  EXPECT_FALSE(progress.heard_heartbeat());
}

TEST(Progress, WaitsForTheSnapshotAndGoesOnBehindIt) {
  Progress progress(Index(3));
  progress.become_snapshot();
  EXPECT_FALSE(may_send(progress));
  progress.snapshot_ended(Index(20));
  EXPECT_TRUE(may_send(progress));
  EXPECT_EQ(progress.next(), Index(21));
  progress.become_snapshot();
  progress.snapshot_ended(Index());  // failed
  EXPECT_EQ(progress.next(), Index(1));
}

TEST(Progress, AnAbstainingMemberCountsForNothing) {
  Progress progress = replicating(Index(9));
  progress.begin_abstention(Index(12));
  EXPECT_FALSE(progress.counts());
  EXPECT_EQ(progress.match(), Index());
  // Its log may be shorter than what it acknowledged.
  EXPECT_TRUE(progress.rejected(Index(12), Index(7)));
  EXPECT_EQ(progress.next(), Index(8));
}

}  // namespace
}  // namespace warren::raft
