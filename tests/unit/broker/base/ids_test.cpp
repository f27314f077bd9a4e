#include "broker/base/ids.h"

#include <gtest/gtest.h>

#include <unordered_set>

namespace warren {
namespace {

TEST(Ids, ZeroIsNone) {
  EXPECT_FALSE(QueueId());
  EXPECT_TRUE(QueueId(1));
}

TEST(Ids, OrderAndStepAsTheirIntegers) {
  EXPECT_LT(EntryIndex(4), EntryIndex(5));
  EXPECT_EQ(EntryIndex(4).next(), EntryIndex(5));
  EXPECT_EQ(EntryIndex(4).next(3), EntryIndex(7));
  EXPECT_EQ(EntryIndex(4).previous(), EntryIndex(3));
  EntryIndex index(9);
  EXPECT_EQ(++index, EntryIndex(10));
}

TEST(Ids, LocalGroupCarriesItsNode) {
  const GroupId group = local_group_of(NodeId(3));
  EXPECT_TRUE(is_local(group));
  EXPECT_EQ(node_of_local(group), NodeId(3));
  EXPECT_FALSE(is_local(GroupId(3)));
  EXPECT_FALSE(is_local(catalog_group));
}

TEST(Ids, MessagesOrderByEntryThenSlot) {
  EXPECT_LT((MessageId{EntryIndex(1), Slot(9)}), (MessageId{EntryIndex(2), Slot(0)}));
  EXPECT_LT((MessageId{EntryIndex(2), Slot(0)}), (MessageId{EntryIndex(2), Slot(1)}));
}

TEST(Ids, HashAndPrintAsTheirIntegers) {
  std::unordered_set<NodeId> nodes{NodeId(1), NodeId(1), NodeId(2)};
  EXPECT_EQ(nodes.size(), 2u);
  EXPECT_EQ(fmt::format("{}", QueueId(42)), "42");
}

}  // namespace
}  // namespace warren
