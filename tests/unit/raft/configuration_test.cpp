#include "raft/configuration.h"

#include <gtest/gtest.h>

namespace warren::raft {
namespace {

MemberId member(std::uint32_t node, std::uint64_t disk = 1) {
  return {node, disk, 1};
}

TEST(Configuration, ComesBackFromItsBytes) {
  const Configuration configuration{{member(1), member(2, ~0ULL)}, {{3, 4, 5}}};
  EXPECT_EQ(decode_configuration(encode_configuration(configuration)), configuration);
  EXPECT_EQ(decode_configuration(encode_configuration({})), Configuration());
}

TEST(Configuration, RefusesEveryTruncation) {
  const std::string bytes = encode_configuration({{member(1)}, {member(2)}});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_configuration(bytes.substr(0, size))) << size;
  }
  EXPECT_FALSE(decode_configuration(bytes + "x"));
}

TEST(Configuration, RefusesAnotherVersionAndAbsurdCounts) {
  std::string bytes = encode_configuration({{member(1)}, {}});
  bytes[0] = 2;
  EXPECT_FALSE(decode_configuration(bytes));
  EXPECT_FALSE(decode_configuration(std::string("\x01\xff\xff\xff\xff", 5)));
}

TEST(Configuration, RefusesDisorder) {
  EXPECT_FALSE(decode_configuration(encode_configuration({{member(2), member(1)}, {}})));
  EXPECT_FALSE(decode_configuration(encode_configuration({{member(1), member(1)}, {}})));
  EXPECT_FALSE(decode_configuration(encode_configuration({{member(1)}, {member(1)}})));
}

TEST(Configuration, ChangesOneVoterAtATime) {
  const Configuration three{{member(1), member(2), member(3)}, {}};
  EXPECT_TRUE(one_step_apart(three, {{member(1), member(2)}, {member(3)}}));
  EXPECT_TRUE(one_step_apart(three, {{member(1), member(2), member(3), member(4)}, {}}));
  EXPECT_FALSE(one_step_apart(three, {{member(1), member(2), member(4)}, {}}));
}

TEST(Configuration, ANewDiskIsAnotherMember) {
  const Configuration configuration{{member(1, 1)}, {}};
  EXPECT_TRUE(is_voter(configuration, member(1, 1)));
  EXPECT_FALSE(is_member(configuration, member(1, 2)));
}

}  // namespace
}  // namespace warren::raft
