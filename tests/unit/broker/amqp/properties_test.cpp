#include "broker/amqp/properties.h"

#include <gtest/gtest.h>

#include "broker/amqp/table.h"
#include "tests/unit/broker/amqp/random_values.h"

namespace warren::amqp {
namespace {

BasicProperties random_properties(std::uint32_t seed) {
  RandomValues random(seed);
  auto text = [&]() -> std::optional<std::string> {
    if (random.below(2) == 0) return std::nullopt;
    return random.text(40);
  };
  BasicProperties p;
  p.content_type = text();
  p.content_encoding = text();
  if (random.below(2) == 1) p.headers = random.table();
  if (random.below(2) == 1) p.delivery_mode = static_cast<std::uint8_t>(1 + random.below(2));
  if (random.below(2) == 1) p.priority = static_cast<std::uint8_t>(random.below(256));
  p.correlation_id = text();
  p.reply_to = text();
  p.expiration = text();
  p.message_id = text();
  if (random.below(2) == 1) p.timestamp = Timestamp{random.below(UINT32_MAX)};
  p.type = text();
  p.user_id = text();
  p.app_id = text();
  p.cluster_id = text();
  return p;
}

Error scan_error(std::string_view raw) {
  auto scan = scan_properties(raw);
  EXPECT_FALSE(scan.has_value());
  EXPECT_FALSE(decode_properties(raw).has_value());
  return scan ? Error{} : scan.error();
}

std::string edited(const BasicProperties& properties, std::vector<HeaderEdit> edits) {
  return edit_headers(encode_properties(properties), edits).value();
}

TEST(Properties, NoneAtAllAreTwoZeroOctets) {
  EXPECT_EQ(encode_properties({}), octets("\0\0"));
  EXPECT_EQ(decode_properties(octets("\0\0")).value(), BasicProperties{});
}

TEST(Properties, HaveTheseOctets) {
  BasicProperties p{
      .content_type = "text", .delivery_mode = 2, .timestamp = Timestamp{1}, .cluster_id = "c"};
  EXPECT_EQ(encode_properties(p), octets("\x90\x44\4text\2\0\0\0\0\0\0\0\1\1c"));
}

TEST(Properties, RandomOnesSurviveARoundTripAndScanTheSame) {
  for (std::uint32_t seed = 1; seed <= 1000; ++seed) {
    BasicProperties p = random_properties(seed);
    std::string raw = encode_properties(p);
    EXPECT_EQ(decode_properties(raw).value(), p) << "seed " << seed;
    PropertyScan scan = scan_properties(raw).value();
    EXPECT_EQ(scan.delivery_mode, p.delivery_mode.value_or(0)) << "seed " << seed;
    EXPECT_EQ(scan.priority, p.priority) << "seed " << seed;
    EXPECT_EQ(scan.correlation_id, p.correlation_id) << "seed " << seed;
    EXPECT_EQ(scan.reply_to, p.reply_to) << "seed " << seed;
    EXPECT_EQ(scan.expiration, p.expiration) << "seed " << seed;
    EXPECT_EQ(scan.message_id, p.message_id) << "seed " << seed;
    EXPECT_EQ(scan.timestamp.has_value(), p.timestamp.has_value()) << "seed " << seed;
    EXPECT_EQ(scan.user_id, p.user_id) << "seed " << seed;
    EXPECT_EQ(scan.headers.has_value(), p.headers.has_value()) << "seed " << seed;
    EXPECT_EQ(headers_of(scan), p.headers.value_or(FieldTable{})) << "seed " << seed;
  }
}

TEST(Properties, EveryTruncationIsAFrameError) {
  for (std::uint32_t seed = 1; seed <= 10; ++seed) {
    std::string raw = encode_properties(random_properties(seed));
    for (std::size_t size = 0; size < raw.size(); ++size)
      EXPECT_EQ(scan_error(raw.substr(0, size)).code, ReplyCode::frame_error);
  }
}

TEST(Properties, OctetsLeftOverAreAFrameError) {
  EXPECT_EQ(scan_error(octets("\0\0x")).text, "cannot decode basic properties: octets left over");
}

TEST(Properties, UnknownLowFlagIsAFrameError) {
  Error error = scan_error(octets("\0\2"));
  EXPECT_EQ(error.code, ReplyCode::frame_error);
  EXPECT_EQ(error.text, "cannot decode basic properties: unknown property flag");
}

TEST(Properties, ContinuationWordsWithoutFlagsAreAccepted) {
  std::string raw = octets("\x10\1\0\1\0\0\2");
  EXPECT_EQ(decode_properties(raw).value().delivery_mode, 2);
  PropertyScan scan = scan_properties(raw).value();
  EXPECT_EQ(scan.delivery_mode, 2);
  EXPECT_EQ(scan.extra_flag_octets, 4u);
}

TEST(Properties, FlagInAContinuationWordIsAFrameError) {
  EXPECT_EQ(scan_error(octets("\0\1\x80\0")).code, ReplyCode::frame_error);
}

TEST(Properties, ContinuationWithoutAnotherWordIsAFrameError) {
  EXPECT_EQ(scan_error(octets("\0\1")).code, ReplyCode::frame_error);
}

TEST(Properties, UnknownTypeInHeadersIsASyntaxError) {
  EXPECT_EQ(scan_error(octets("\x20\0\0\0\0\3\1kq")).code, ReplyCode::syntax_error);
}

TEST(Properties, ScanSeesCarbonCopyHeaders) {
  BasicProperties p{.headers = FieldTable{{"CC", FieldArray{{"a"}}}, {"x", "y"}}};
  std::string raw = encode_properties(p);
  EXPECT_TRUE(scan_properties(raw)->has_cc);
  EXPECT_FALSE(scan_properties(raw)->has_bcc);
  p.headers = FieldTable{{"BCC", FieldArray{{"a"}}}};
  raw = encode_properties(p);
  EXPECT_FALSE(scan_properties(raw)->has_cc);
  EXPECT_TRUE(scan_properties(raw)->has_bcc);
}

TEST(Properties, ScanSeesADelay) {
  BasicProperties p{.headers = FieldTable{{"x-delay", std::int32_t{1}}}};
  std::string raw = encode_properties(p);
  EXPECT_TRUE(scan_properties(raw)->has_delay);
  p.headers = FieldTable{{"x-delayed", std::int32_t{1}}};
  raw = encode_properties(p);
  EXPECT_FALSE(scan_properties(raw)->has_delay);
}

TEST(Properties, PersistentMeansDeliveryModeTwo) {
  EXPECT_TRUE(scan_properties(octets("\x10\0\2"))->persistent());
  EXPECT_FALSE(scan_properties(octets("\x10\0\1"))->persistent());
  EXPECT_FALSE(scan_properties(octets("\0\0"))->persistent());
}

TEST(Properties, HeadersOffsetPointsAtTheTable) {
  std::string raw = encode_properties({.content_type = "ab", .headers = FieldTable{{"k", "v"}}});
  PropertyScan scan = scan_properties(raw).value();
  EXPECT_EQ(scan.headers_offset, 5u);
  EXPECT_EQ(scan.headers->data(), raw.data() + 9);
}

TEST(Properties, ReplyToIsReplacedAndNothingElse) {
  for (std::uint32_t seed = 1; seed <= 100; ++seed) {
    BasicProperties properties = random_properties(seed);
    properties.reply_to = properties.reply_to.value_or("");
    const std::string raw = encode_properties(properties);
    for (const std::string& name : {std::string("short"), std::string(255, 'l'), std::string()}) {
      const std::string changed = with_reply_to(raw, scan_properties(raw).value(), name);
      properties.reply_to = name;
      EXPECT_EQ(decode_properties(changed).value(), properties) << "seed " << seed;
    }
  }
}

TEST(EditHeaders, ReplacesAddsAndRemovesAndLeavesTheRest) {
  BasicProperties p{.content_type = "t",
                    .headers = FieldTable{{"a", "1"}, {"b", "2"}, {"c", "3"}},
                    .delivery_mode = 2,
                    .app_id = "app"};
  std::string raw =
      edited(p, {{"b", FieldValue(std::int32_t{7})}, {"c", std::nullopt}, {"d", "4"}});
  p.headers = FieldTable{{"a", "1"}, {"b", std::int32_t{7}}, {"d", "4"}};
  EXPECT_EQ(decode_properties(raw).value(), p);
}

TEST(EditHeaders, AddsATableWhereThereWasNone) {
  BasicProperties p{.content_type = "t", .content_encoding = "e", .priority = 3};
  std::string raw = edited(p, {{"k", "v"}});
  p.headers = FieldTable{{"k", "v"}};
  EXPECT_EQ(decode_properties(raw).value(), p);
}

TEST(EditHeaders, RemovingFromNoTableChangesNothing) {
  BasicProperties p{.content_type = "t", .priority = 3};
  EXPECT_EQ(edited(p, {{"k", std::nullopt}}), encode_properties(p));
}

TEST(EditHeaders, KeepsOtherFieldsOctetByOctet) {
  std::string raw = octets("\x20\0\0\0\0\x0b\1kL\0\0\0\0\0\0\0\1");
  std::vector<HeaderEdit> edits{{"x", FieldValue(true)}};
  EXPECT_EQ(edit_headers(raw, edits).value(), octets("\x20\0\0\0\0\x0f\1kL\0\0\0\0\0\0\0\1\1xt\1"));
}

TEST(EditHeaders, DropsEmptyContinuationWords) {
  std::vector<HeaderEdit> edits{{"x", FieldValue(true)}};
  EXPECT_EQ(edit_headers(octets("\x10\1\0\0\2"), edits).value(), octets("\x30\0\0\0\0\4\1xt\1\2"));
}

TEST(EditHeaders, RefusesWhatDoesNotDecode) {
  EXPECT_EQ(edit_headers(octets("\0\2"), {}).error().code, ReplyCode::frame_error);
}

}  // namespace
}  // namespace warren::amqp
