#include "raft/quorum.h"

#include <gtest/gtest.h>

namespace warren::raft {
namespace {

TEST(Quorum, AnyTwoMajoritiesShareAVoter) {
  for (std::size_t voters = 1; voters < 10; ++voters)
    EXPECT_GT(2 * majority(voters), voters);
}

TEST(Quorum, NobodyIsNoMajority) {
  EXPECT_EQ(reached_by_majority({}), 0U);
  EXPECT_NE(tally(0, 0, 0), VoteResult::won);
}

TEST(Quorum, OneVoterReachesWhatItHas) {
  EXPECT_EQ(reached_by_majority({7}), 7U);
}

TEST(Quorum, TwoVotersReachTheLower) {
  EXPECT_EQ(reached_by_majority({9, 4}), 4U);
}

TEST(Quorum, ThreeVotersReachTheMiddle) {
  EXPECT_EQ(reached_by_majority({9, 1, 4}), 4U);
}

TEST(Quorum, FourVotersNeedThree) {
  EXPECT_EQ(reached_by_majority({9, 8, 2, 1}), 2U);
}

TEST(Quorum, AnElectionIsPendingUntilNothingCouldTipIt) {
  EXPECT_EQ(tally(5, 2, 2), VoteResult::pending);
  EXPECT_EQ(tally(5, 3, 0), VoteResult::won);
  EXPECT_EQ(tally(5, 0, 3), VoteResult::lost);
  EXPECT_EQ(tally(2, 1, 1), VoteResult::lost);
}

}  // namespace
}  // namespace warren::raft
