#include "broker/cluster/formation.h"

#include <gtest/gtest.h>

namespace warren::cluster {
namespace {

const ConfiguredNode a{"a@h", "h:1"}, b{"b@h", "h:2"}, c{"c@h", "h:3"};

ProbeAnswer empty_answer(const ConfiguredNode& node, std::uint64_t disk) {
  return {node.name, DiskId(disk), node.address, true, 0, "", {}};
}

ProbeAnswer member_answer(const ConfiguredNode& node, std::uint64_t disk, std::uint64_t cluster,
                          std::vector<Founder> founders) {
  return {node.name, DiskId(disk), node.address, false, cluster, "warren", std::move(founders)};
}

std::vector<Founder> founders_abc() {
  return {{NodeId(1), a.name, DiskId(1), a.address},
          {NodeId(2), b.name, DiskId(2), b.address},
          {NodeId(3), c.name, DiskId(3), c.address}};
}

TEST(Formation, LowestFoundsWhenAllAnswerEmptyInOneRound) {
  Formation formation(a, DiskId(1), {c, b, a});
  auto step = formation.decide({{b.name, empty_answer(b, 2)}, {c.name, empty_answer(c, 3)}});
  ASSERT_TRUE(std::holds_alternative<FoundCluster>(step));
  EXPECT_EQ(std::get<FoundCluster>(step).nodes, founders_abc());
}

TEST(Formation, AnotherThanTheLowestWaits) {
  Formation formation(b, DiskId(2), {a, b, c});
  auto step = formation.decide({{a.name, empty_answer(a, 1)}, {c.name, empty_answer(c, 3)}});
  ASSERT_TRUE(std::holds_alternative<Wait>(step));
  EXPECT_NE(std::get<Wait>(step).reason.find("a@h will found"), std::string::npos);
}

TEST(Formation, OneMissingAnswerMeansWaiting) {
  Formation formation(a, DiskId(1), {a, b, c});
  auto step = formation.decide({{b.name, empty_answer(b, 2)}});
  ASSERT_TRUE(std::holds_alternative<Wait>(step));
  EXPECT_EQ(std::get<Wait>(step).reason, "no answer from c@h at h:3");
}

TEST(Formation, ByForceThoseWhoAnswerFoundWithoutTheOthers) {
  Formation formation(b, DiskId(2), {a, b, c}, true);
  auto step = formation.decide({{c.name, empty_answer(c, 3)}});
  ASSERT_TRUE(std::holds_alternative<FoundCluster>(step));
  EXPECT_EQ(std::get<FoundCluster>(step).nodes,
            (std::vector<Founder>{{NodeId(1), b.name, DiskId(2), b.address},
                                  {NodeId(2), c.name, DiskId(3), c.address}}));
}

TEST(Formation, ForceNeverFoundsBesideAClusterNorPastALowerNodeThatAnswers) {
  Formation wiped(a, DiskId(99), {a, b, c}, true);
  EXPECT_TRUE(std::holds_alternative<JoinCluster>(
      wiped.decide({{c.name, member_answer(c, 3, 7, founders_abc())}})));
  Formation second(b, DiskId(2), {a, b, c}, true);
  EXPECT_TRUE(std::holds_alternative<Wait>(second.decide({{a.name, empty_answer(a, 1)}})));
  EXPECT_TRUE(std::holds_alternative<Wait>(second.decide({{a.name, empty_answer(c, 3)}})));
}

TEST(Formation, WipedLowestNodeJoinsInsteadOfFounding) {
  Formation formation(a, DiskId(99), {a, b, c});
  auto step = formation.decide({{b.name, member_answer(b, 2, 7, founders_abc())}});
  ASSERT_TRUE(std::holds_alternative<JoinCluster>(step));
  EXPECT_EQ(std::get<JoinCluster>(step).cluster_id, 7u);
  EXPECT_EQ(std::get<JoinCluster>(step).address, b.address);
}

TEST(Formation, WipedNodeAmongSilentOnesWaits) {
  Formation formation(a, DiskId(99), {a, b, c});
  EXPECT_TRUE(std::holds_alternative<Wait>(formation.decide({})));
}

TEST(Formation, FounderThatMissedTheCallStartsAsFounderOnItsOwnDisk) {
  Formation formation(c, DiskId(3), {a, b, c});
  auto step = formation.decide(
      {{a.name, member_answer(a, 1, 7, founders_abc())}, {b.name, empty_answer(b, 2)}});
  ASSERT_TRUE(std::holds_alternative<StartAsFounder>(step));
  EXPECT_EQ(std::get<StartAsFounder>(step).node, NodeId(3));
  EXPECT_EQ(std::get<StartAsFounder>(step).founders, founders_abc());
}

TEST(Formation, TwoClustersAmongTheConfiguredNodesAreRefused) {
  Formation formation(c, DiskId(3), {a, b, c});
  auto step = formation.decide(
      {{a.name, member_answer(a, 1, 7, {})}, {b.name, member_answer(b, 2, 8, {})}});
  ASSERT_TRUE(std::holds_alternative<Wait>(step));
  EXPECT_NE(std::get<Wait>(step).reason.find("different clusters"), std::string::npos);
}

TEST(Formation, NodeOutsideTheListNeverFounds) {
  Formation formation({"x@h", "h:9"}, DiskId(9), {a, b});
  auto step = formation.decide({{a.name, empty_answer(a, 1)}, {b.name, empty_answer(b, 2)}});
  ASSERT_TRUE(std::holds_alternative<Wait>(step));
  EXPECT_NE(std::get<Wait>(step).reason.find("not among"), std::string::npos);
}

TEST(Formation, NodeAloneFoundsAClusterOfOne) {
  Formation formation(a, DiskId(1), {});
  auto step = formation.decide({});
  ASSERT_TRUE(std::holds_alternative<FoundCluster>(step));
  EXPECT_EQ(std::get<FoundCluster>(step).nodes.size(), 1u);
}

TEST(Formation, WrongNameAtAnAddressIsSaid) {
  Formation formation(a, DiskId(1), {a, b});
  auto step = formation.decide({{b.name, empty_answer(c, 3)}});
  ASSERT_TRUE(std::holds_alternative<Wait>(step));
  EXPECT_NE(std::get<Wait>(step).reason.find("c@h answers there"), std::string::npos);
}

TEST(Formation, AcceptsOnlyAFoundingThatNamesItsDisk) {
  Formation formation(b, DiskId(2), {a, b, c});
  EXPECT_TRUE(formation.accepts(founders_abc()));
  Formation wiped(b, DiskId(22), {a, b, c});
  EXPECT_FALSE(wiped.accepts(founders_abc()));
}

}  // namespace
}  // namespace warren::cluster
