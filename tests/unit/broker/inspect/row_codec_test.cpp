#include "broker/inspect/row_codec.h"

#include <gtest/gtest.h>

#include "broker/inspect/listings.h"

namespace warren::inspect {
namespace {

TEST(RowCodec, RowsComeBackAsTheyWere) {
  Channel channel;
  channel.connection = "127.0.0.1:1 -> 127.0.0.1:2";
  channel.number = 7;
  channel.confirm = true;
  channel.messages_unacknowledged = 1u << 20;
  auto rows = decode_rows<Channel>(encode_rows(std::vector{channel, Channel()}));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].name(), "127.0.0.1:1 -> 127.0.0.1:2 (7)");
  EXPECT_TRUE(rows[0].confirm);
  EXPECT_EQ(rows[0].messages_unacknowledged, 1u << 20);
}

TEST(RowCodec, NestedRowsAndIdsTravelToo) {
  Group group;
  group.id = GroupId(3);
  group.leader = "warren1@a";
  group.members = {{NodeId(1), "warren1@a", true, true, 99}, {NodeId(2), "warren2@a"}};
  auto rows = decode_rows<Group>(encode_rows(std::vector{group}));
  ASSERT_EQ(rows.size(), 1u);
  ASSERT_EQ(rows[0].members.size(), 2u);
  EXPECT_EQ(rows[0].id, GroupId(3));
  EXPECT_EQ(rows[0].members[0].match, 99u);
}

TEST(RowCodec, TruncatedOctetsGiveNoRows) {
  std::string octets = encode_rows(std::vector<Exchange>(3));
  for (std::size_t length = 0; length < octets.size(); ++length)
    EXPECT_TRUE(decode_rows<Exchange>(octets.substr(0, length)).empty()) << length;
}

TEST(RowCodec, ALyingCountEndsWithTheInput) {
  ByteWriter out;
  out.varint(1ull << 60);
  EXPECT_TRUE(decode_rows<Vhost>(out.str()).empty());
}

}  // namespace
}  // namespace warren::inspect
