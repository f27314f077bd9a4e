#include "raft/reads.h"

#include <gtest/gtest.h>

namespace warren::raft {
namespace {

TEST(Reads, ThoseOfOneTurnShareARound) {
  Reads reads;
  reads.add(1);
  reads.add(2);
  EXPECT_TRUE(reads.open_round(Index(5)));
  EXPECT_FALSE(reads.open_round(Index(5)));
  reads.confirm(reads.round());
  EXPECT_EQ(reads.take(Index(5)).size(), 2U);
  EXPECT_EQ(reads.size(), 0U);
}

TEST(Reads, AnOlderRoundDoesNotConfirmANewerRead) {
  Reads reads;
  reads.add(1);
  reads.open_round(Index(5));
  const std::uint64_t first = reads.round();
  reads.add(2);
  reads.open_round(Index(6));
  reads.confirm(first);
  EXPECT_EQ(reads.take(Index(9)).size(), 1U);
  reads.confirm(reads.round());
  EXPECT_EQ(reads.take(Index(9)).size(), 1U);
}

TEST(Reads, AnUnopenedReadIsNotConfirmed) {
  Reads reads;
  reads.add(1);
  reads.confirm(100);
  EXPECT_TRUE(reads.take(Index(9)).empty());
}

TEST(Reads, WaitUntilTheirIndexIsApplied) {
  Reads reads;
  reads.add(1);
  reads.open_round(Index(5));
  reads.confirm(reads.round());
  EXPECT_TRUE(reads.take(Index(4)).empty());
  EXPECT_TRUE(reads.take(Index(5)).front().ok);
}

TEST(Reads, LostLeadershipFailsOnlyTheUnconfirmed) {
  Reads reads;
  reads.add(1);
  reads.open_round(Index(5));
  reads.confirm(reads.round());
  reads.add(2);
  reads.fail();
  const std::vector<Ready::Read> answers = reads.take(Index(5));
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_FALSE(answers[0].ok);
  EXPECT_EQ(answers[0].context, 2U);
  EXPECT_TRUE(answers[1].ok);
}

}  // namespace
}  // namespace warren::raft
