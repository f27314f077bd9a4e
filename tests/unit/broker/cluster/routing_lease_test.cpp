#include "broker/cluster/routing_lease.h"

#include <gtest/gtest.h>

namespace warren::cluster {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds duration{2500};
BootTime at(int ms) {
  return BootTime(milliseconds(ms));
}
const NodeId one(1), two(2), three(3);

TEST(RoutingLease, IsValidFromWhenItWasAskedNotFromWhenItWasGranted) {
  RoutingLease lease(duration);
  lease.applied(CatalogIndex(10));
  lease.granted(at(1000), CatalogIndex(10));
  EXPECT_TRUE(lease.valid(at(3499)));
  EXPECT_FALSE(lease.valid(at(3500)));
}

TEST(RoutingLease, WaitsForItsIndexToBeApplied) {
  RoutingLease lease(duration);
  lease.granted(at(1000), CatalogIndex(10));
  EXPECT_FALSE(lease.valid(at(1001)));
  lease.applied(CatalogIndex(9));
  EXPECT_FALSE(lease.valid(at(1001)));
  lease.applied(CatalogIndex(10));
  EXPECT_TRUE(lease.valid(at(1001)));
}

TEST(RoutingLease, AnOlderGrantDoesNotShortenIt) {
  RoutingLease lease(duration);
  lease.applied(CatalogIndex(10));
  lease.granted(at(2000), CatalogIndex(1));
  lease.granted(at(1000), CatalogIndex(1));
  EXPECT_EQ(lease.valid_until(), at(4500));
}

TEST(RoutingLease, RevokedIsInvalidAtOnce) {
  RoutingLease lease(duration);
  lease.granted(at(1000), CatalogIndex(0));
  lease.revoke();
  EXPECT_FALSE(lease.valid(at(1001)));
}

TEST(LeaseHolders, WaitForEveryHolderToApply) {
  LeaseHolders holders(duration);
  holders.grant(one, at(0));
  holders.grant(two, at(0));
  holders.applied(one, CatalogIndex(5));
  EXPECT_FALSE(holders.reached(CatalogIndex(5), at(1), {one, two}));
  holders.applied(two, CatalogIndex(5));
  EXPECT_TRUE(holders.reached(CatalogIndex(5), at(1), {one, two}));
}

TEST(LeaseHolders, AnExpiredLeaseHoldsNobodyUp) {
  LeaseHolders holders(duration);
  holders.grant(one, at(0));
  EXPECT_FALSE(holders.reached(CatalogIndex(5), at(2499), {one}));
  EXPECT_TRUE(holders.reached(CatalogIndex(5), at(2500), {one}));
}

TEST(LeaseHolders, NewLeaderWaitsForNodesOfWhichItKnowsNothing) {
  LeaseHolders holders(duration);
  holders.begin_term(at(10000));
  holders.applied(one, CatalogIndex(7));
  EXPECT_FALSE(holders.reached(CatalogIndex(7), at(10001), {one, two, three}));
  holders.applied(two, CatalogIndex(7));
  EXPECT_FALSE(holders.reached(CatalogIndex(7), at(10001), {one, two, three}));
  EXPECT_TRUE(holders.reached(CatalogIndex(7), at(12500), {one, two, three}));
}

TEST(LeaseHolders, NewLeaderNeedNotWaitOnceAllNodesHaveReported) {
  LeaseHolders holders(duration);
  holders.begin_term(at(10000));
  for (NodeId node : {one, two, three})
    holders.applied(node, CatalogIndex(7));
  EXPECT_TRUE(holders.reached(CatalogIndex(7), at(10001), {one, two, three}));
}

TEST(LeaseHolders, LeaseOfThePredecessorCountsThoughTheNodeAskedAgainAndLagged) {
  LeaseHolders holders(duration);
  holders.begin_term(at(10000));
  holders.applied(one, CatalogIndex(3));
  EXPECT_FALSE(holders.reached(CatalogIndex(7), at(12499), {one}));
  EXPECT_TRUE(holders.reached(CatalogIndex(7), at(12500), {one}));
}

TEST(LeaseHolders, TheDeadAreNotWaitedFor) {
  LeaseHolders holders(duration);
  holders.grant(one, at(0));
  holders.grant(two, at(0));
  holders.applied(one, CatalogIndex(5));
  EXPECT_TRUE(holders.reached(CatalogIndex(5), at(1), {one}));
}

}  // namespace
}  // namespace warren::cluster
