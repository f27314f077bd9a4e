#include "broker/catalog/placement.h"

#include <gtest/gtest.h>

namespace warren::catalog {
namespace {

std::vector<NodeInfo> nodes(std::uint32_t count) {
  std::vector<NodeInfo> result;
  for (std::uint32_t i = 1; i <= count; ++i)
    result.push_back({NodeId(i), "n" + std::to_string(i), DiskId(i), "", {}, false});
  return result;
}

Tables cluster(std::uint32_t count, std::uint32_t groups, std::uint32_t replicas) {
  Tables tables;
  for (NodeInfo& node : nodes(count))
    tables.nodes.put(std::move(node));
  for (GroupInfo& group : initial_groups(nodes(count), groups, replicas))
    tables.groups.put(std::move(group));
  return tables;
}

TEST(Placement, VotersAreDealtRoundRobin) {
  const auto groups = initial_groups(nodes(5), 10, 3);
  ASSERT_EQ(groups.size(), 11u);
  std::map<NodeId, int> voters, leaders;
  for (const GroupInfo& group : groups) {
    if (group.id == catalog_group) continue;
    ASSERT_EQ(group.desired.size(), 3u);
    ++leaders[group.desired.front().node];
    for (const MemberAssignment& member : group.desired)
      ++voters[member.node];
  }
  for (const auto& [node, count] : voters)
    EXPECT_EQ(count, 6) << "node " << node.value;
  for (const auto& [node, count] : leaders)
    EXPECT_EQ(count, 2) << "node " << node.value;
}

TEST(Placement, GroupsHaveNoMoreVotersThanThereAreNodes) {
  for (const GroupInfo& group : initial_groups(nodes(2), 4, 3))
    EXPECT_EQ(group.desired.size(), 2u);
}

TEST(Placement, QueuesFillAGroupOfTheDeclaringNodeFirst) {
  Tables tables = cluster(3, 8, 3);
  EXPECT_EQ(choose_group(tables, NodeId(2)), GroupId(2));
  tables.loads.put({GroupId(2), group_fill_limit - 1});
  EXPECT_EQ(choose_group(tables, NodeId(2)), GroupId(2));
  tables.loads.put({GroupId(2), group_fill_limit});
  EXPECT_EQ(choose_group(tables, NodeId(2)), GroupId(5));
}

TEST(Placement, FullNodesSpreadToTheEmptiestGroup) {
  Tables tables = cluster(3, 3, 3);
  EXPECT_EQ(choose_group(tables, NodeId(99)), GroupId(1)) << "a node that leads none";
  tables.loads.put({GroupId(1), group_fill_limit});
  tables.loads.put({GroupId(2), 7});
  tables.loads.put({GroupId(3), 6});
  EXPECT_EQ(choose_group(tables, NodeId(1)), GroupId(3));
}

TEST(Placement, OfTheGroupsThatANodeLeadsOneAfterAnotherIsFilled) {
  Tables tables = cluster(3, 40, 3);
  const std::vector<GroupId> led{GroupId(35), catalog_group, GroupId(7), GroupId(99)};
  EXPECT_EQ(choose_led_group(tables, led), GroupId(7));
  tables.loads.put({GroupId(7), group_fill_limit});
  EXPECT_EQ(choose_led_group(tables, led), GroupId(35));
  tables.loads.put({GroupId(35), group_fill_limit});
  EXPECT_EQ(choose_led_group(tables, led), std::nullopt);
}

TEST(Placement, WithoutQueueGroupsThereIsNoChoice) {
  EXPECT_EQ(choose_group(cluster(3, 0, 3), NodeId(1)), std::nullopt);
}

TEST(Placement, ReplacementIsTheLivingNodeWithTheFewestGroups) {
  Tables tables = cluster(4, 2, 2);  // 1: nodes 1 and 2; 2: nodes 2 and 3
  const GroupInfo group = *tables.groups.find(GroupId(1));
  EXPECT_EQ(choose_replacement(tables, group), NodeId(4));
  NodeInfo dead = *tables.nodes.find(NodeId(4));
  dead.dead = true;
  tables.nodes.put(dead);
  EXPECT_EQ(choose_replacement(tables, group), NodeId(3));
  tables.nodes.erase(NodeId(3));
  EXPECT_EQ(choose_replacement(tables, group), std::nullopt);
}

TEST(Placement, OnlyNumberedGroupsHostQueues) {
  const Tables tables = cluster(3, 2, 3);
  EXPECT_FALSE(is_queue_group(tables, catalog_group));
  EXPECT_TRUE(is_queue_group(tables, GroupId(2)));
  EXPECT_FALSE(is_queue_group(tables, GroupId(3)));
}

}  // namespace
}  // namespace warren::catalog
