#include "raft/membership.h"

#include <gtest/gtest.h>

namespace warren::raft {
namespace {

Configuration voters(std::uint32_t count) {
  Configuration configuration;
  for (std::uint32_t n = 1; n <= count; ++n)
    configuration.voters.push_back({n, 1, 1});
  return configuration;
}

TEST(Membership, KnowsNobodyAtFirst) {
  EXPECT_EQ(Membership().current(), Configuration());
}

TEST(Membership, TakesEffectWhenAppended) {
  Membership membership;
  membership.append(Index(1), voters(1));
  membership.append(Index(5), voters(2));
  EXPECT_EQ(membership.current(), voters(2));
  EXPECT_EQ(membership.current_index(), Index(5));
}

TEST(Membership, ReturnsToThePredecessorWhenTruncated) {
  Membership membership;
  membership.append(Index(1), voters(1));
  membership.append(Index(5), voters(2));
  EXPECT_FALSE(membership.truncate(Index(6)));
  EXPECT_TRUE(membership.truncate(Index(5)));
  EXPECT_EQ(membership.current(), voters(1));
}

TEST(Membership, PruningKeepsTheNewestCommittedAndWhatFollows) {
  Membership membership;
  membership.append(Index(1), voters(1));
  membership.append(Index(5), voters(2));
  membership.append(Index(9), voters(3));
  membership.prune(Index(7));
  EXPECT_EQ(membership.current(), voters(3));
  membership.truncate(Index(9));
  EXPECT_EQ(membership.current(), voters(2));
}

TEST(Membership, ASnapshotReplacesAll) {
  Membership membership;
  membership.append(Index(1), voters(1));
  membership.reset(Index(40), voters(3));
  EXPECT_EQ(membership.current(), voters(3));
  EXPECT_EQ(membership.current_index(), Index(40));
}

}  // namespace
}  // namespace warren::raft
