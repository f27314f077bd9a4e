#include "storage/keys.h"

#include <gtest/gtest.h>

namespace warren::storage {
namespace {

using raft::GroupId;
using raft::Index;
using raft::Term;

TEST(Keys, LogKeysSortByGroupThenIndexThenGeneration) {
  const std::vector<std::string> sorted{
      log_key(GroupId(1), Index(2), 0), log_key(GroupId(1), Index(2), 1),
      log_key(GroupId(1), Index(256), 0), log_key(GroupId(2), Index(0), 0)};
  EXPECT_TRUE(std::is_sorted(sorted.begin(), sorted.end()));
  const auto parsed = parse_log_key(sorted[1]);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->index, Index(2));
  EXPECT_EQ(parsed->generation, 1u);
  EXPECT_FALSE(parse_log_key("short").has_value());
}

TEST(Keys, RecordsComeBack) {
  const raft::MemberId member{3, 0xffffffffffffffff, 7};
  EXPECT_EQ(decode_member(encode(member)), member);
  const raft::HardState state{Term(9), member, Index(1u << 30)};
  EXPECT_EQ(decode_hard_state(encode(state)), state);
  const SnapshotRecord record{2, 17, {Index(5), Term(4), {{member}, {member, member}}}};
  EXPECT_EQ(decode_snapshot(encode(record))->meta, record.meta);
  raft::Entry entry{Term(3), Index(8), raft::EntryKind::configuration,
                    std::make_shared<const std::string>("data")};
  auto parsed = parse_log_record(Index(8), log_record_head(entry) + "data");
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->term, Term(3));
  EXPECT_EQ(parsed->kind, raft::EntryKind::configuration);
  EXPECT_EQ(parsed->bytes(), "data");
}

TEST(Keys, ShortOrLongRecordsAreRefused) {
  const std::string octets = encode(raft::HardState{Term(300), {1, 2, 3}, Index(500)});
  for (std::size_t length = 0; length < octets.size(); ++length)
    EXPECT_FALSE(decode_hard_state(octets.substr(0, length)).has_value());
  EXPECT_FALSE(decode_hard_state(octets + "x").has_value());
  EXPECT_FALSE(parse_log_record(Index(1), "").has_value());
  EXPECT_FALSE(parse_log_record(Index(1), "\x01\x09").has_value());
}

}  // namespace
}  // namespace warren::storage
