#include "broker/amqp/frame.h"

#include <gtest/gtest.h>

#include "tests/unit/broker/amqp/random_values.h"

namespace warren::amqp {
namespace {

std::string frame(char type, std::uint16_t channel, std::string_view payload, char end = '\xCE') {
  std::string head(frame_head_size, '\0');
  store_frame_head(head.data(), FrameType(type), ChannelNumber(channel), payload.size());
  return head + std::string(payload) + end;
}

Error error_of(std::string_view unread, std::uint32_t frame_max = 4096) {
  auto parsed = FrameParser(frame_max).next(unread);
  EXPECT_FALSE(parsed.has_value());
  return parsed ? Error{} : parsed.error();
}

struct Written {
  OutputBuffer out;
  FrameWriter writer;
  explicit Written(std::uint32_t frame_max = 4096) : writer(out, frame_max) {}

  std::vector<std::pair<FrameType, std::string>> frames(std::uint32_t frame_max = 4096) const {
    std::string all = out.to_string();
    std::string_view unread = all;
    std::vector<std::pair<FrameType, std::string>> found;
    FrameParser parser(frame_max);
    while (!unread.empty()) {
      auto next = parser.next(unread);
      EXPECT_TRUE(next.has_value() && next->has_value());
      if (!next || !*next) break;
      found.emplace_back((*next)->type, (*next)->payload);
    }
    return found;
  }
};

TEST(FrameParser, YieldsFramesInOrderAndLeavesTheRest) {
  std::string octets = frame(1, 7, "method") + frame(3, 65535, "") + "\1";
  std::string_view unread = octets;
  FrameParser parser(4096);
  auto first = parser.next(unread).value().value();
  EXPECT_EQ(first.type, FrameType::method);
  EXPECT_EQ(first.channel, ChannelNumber(7));
  EXPECT_EQ(first.payload, "method");
  EXPECT_EQ(first.payload.data(), octets.data() + 7);
  auto second = parser.next(unread).value().value();
  EXPECT_EQ(second.channel, ChannelNumber(65535));
  EXPECT_EQ(second.payload, "");
  EXPECT_EQ(parser.next(unread).value(), std::nullopt);
  EXPECT_EQ(unread, "\1");
}

TEST(FrameParser, WaitsForMoreAtEverySplit) {
  std::string octets = frame(2, 1, "header payload");
  FrameParser parser(4096);
  for (std::size_t size = 0; size < octets.size(); ++size) {
    std::string_view unread = std::string_view(octets).substr(0, size);
    auto parsed = parser.next(unread);
    ASSERT_TRUE(parsed.has_value()) << size;
    EXPECT_FALSE(parsed->has_value()) << size;
    EXPECT_EQ(unread.size(), size);
  }
}

TEST(FrameParser, AcceptsExactlyFrameMax) {
  for (std::uint32_t frame_max : {4096u, 131072u}) {
    std::string octets = frame(3, 1, std::string(frame_max - 8, 'x'));
    std::string_view unread = octets;
    auto parsed = FrameParser(frame_max).next(unread);
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->value().payload.size(), frame_max - 8);
  }
}

TEST(FrameParser, RefusesOneOctetMoreByTheHeadAlone) {
  std::string octets = frame(3, 1, std::string(4089, 'x')).substr(0, frame_head_size);
  Error error = error_of(octets);
  EXPECT_EQ(error.code, ReplyCode::frame_error);
  EXPECT_EQ(error.text, "type 3, all octets = <<>>: {frame_too_large,4089,4088}");
}

TEST(FrameParser, TakesTheNegotiatedFrameMax) {
  std::string octets = frame(3, 1, std::string(5000, 'x'));
  FrameParser parser(4096);
  parser.set_frame_max(8192);
  std::string_view unread = octets;
  EXPECT_TRUE(parser.next(unread).value().has_value());
  EXPECT_EQ(parser.frame_max(), 8192u);
}

TEST(FrameParser, RefusesABadEndOctet) {
  Error error = error_of(frame(1, 1, "abc", 'x'));
  EXPECT_EQ(error.code, ReplyCode::frame_error);
  EXPECT_EQ(error.text, "type 1, all octets = <<\"abc\">>: {invalid_frame_end_marker,120}");
}

TEST(FrameParser, RefusesAnUnknownTypeByItsFirstOctet) {
  for (std::string_view type :
       {std::string_view("\0", 1), std::string_view("\4"), std::string_view("\7"),
        std::string_view("\x09"), std::string_view("G")}) {
    Error error = error_of(type);
    EXPECT_EQ(error.code, ReplyCode::frame_error);
    EXPECT_TRUE(error.text.ends_with(", all octets = <<>>: unknown_frame")) << error.text;
  }
}

TEST(FrameParser, NamesAnUnknownTypesPayload) {
  EXPECT_EQ(error_of(frame(4, 1, "x")).text, "type 4, all octets = <<\"x\">>: unknown_frame");
}

TEST(FrameText, ShowsOctetsAsErlangPrintsThem) {
  EXPECT_EQ(frame_text(3, ""), "type 3, all octets = <<>>");
  EXPECT_EQ(frame_text(3, "a\"b\\"), "type 3, all octets = <<\"a\\\"b\\\\\">>");
  EXPECT_EQ(frame_text(1, std::string_view("\0\x14\xff", 3)), "type 1, all octets = <<0,20,255>>");
  EXPECT_EQ(frame_text(3, "0123456789abcdef"), "type 3, all octets = <<\"0123456789abcdef\">>");
  EXPECT_EQ(frame_text(3, "0123456789abcdefg"),
            "type 3, first 16 octets = <<\"0123456789abcdef\">>");
}

TEST(FrameParser, AcceptsAHeartbeat) {
  std::string octets = frame(8, 0, "");
  std::string_view unread = octets;
  EXPECT_EQ(FrameParser(4096).next(unread).value()->type, FrameType::heartbeat);
}

TEST(Heartbeat, IsEmptyAndOnChannelZero) {
  const auto check = [](std::uint16_t channel, std::string_view payload) {
    return check_heartbeat({FrameType::heartbeat, ChannelNumber(channel), payload});
  };
  EXPECT_TRUE(check(0, ""));
  EXPECT_EQ(check(1, "").error().code, ReplyCode::unexpected_frame);
  EXPECT_EQ(check(0, "x").error().code, ReplyCode::frame_error);
  EXPECT_EQ(check(1, "x").error().text, "type 8, all octets = <<\"x\">>: unknown_frame");
}

// What follows one is parsed: the close-ok of the connection that it ends, as a rule.
TEST(FrameParser, LeavesHeartbeatsToTheConnection) {
  const std::string octets = frame(8, 1, "x") + frame(8, 0, "");
  std::string_view unread = octets;
  EXPECT_EQ(FrameParser(4096).next(unread).value()->payload, "x");
  EXPECT_EQ(FrameParser(4096).next(unread).value()->payload, "");
  EXPECT_TRUE(unread.empty());
}

TEST(FrameParserDeathTest, FrameMaxBelowTheMinimumIsAProgrammersError) {
  EXPECT_DEATH(FrameParser(4095), "frame_max");
}

TEST(ProtocolHeader, AcceptsZeroNineOneAndItsOlderSpelling) {
  EXPECT_EQ(match_protocol_header(octets("AMQP\0\0\x09\1")), HeaderMatch::accepted);
  EXPECT_EQ(match_protocol_header(octets("AMQP\1\1\0\x09")), HeaderMatch::accepted);
  EXPECT_EQ(match_protocol_header(octets("AMQP\0\0\x09\1 and frames")), HeaderMatch::accepted);
}

TEST(ProtocolHeader, WaitsAtEverySplit) {
  for (std::size_t size = 0; size < 8; ++size)
    EXPECT_EQ(match_protocol_header(protocol_header.substr(0, size)), HeaderMatch::incomplete);
}

TEST(ProtocolHeader, RefusesOtherVersionsAndGarbage) {
  for (const std::string& start :
       {octets("AMQP\0\0\x09\2"), octets("AMQP\3\1\0\0"), octets("AMQP\0\1\0\0"),
        octets("AMQP\1\1\x08\0"), octets("GET "), octets("\x16\3\1"), octets("A "), octets("\0")})
    EXPECT_EQ(match_protocol_header(start), HeaderMatch::refused) << start;
}

TEST(FrameWriter, WritesAHeartbeat) {
  Written written;
  written.writer.heartbeat();
  EXPECT_EQ(written.out.to_string(), octets("\x08\0\0\0\0\0\0\xce"));
}

TEST(FrameWriter, EmptyBodyHasNoBodyFrame) {
  Written written;
  written.writer.content(ChannelNumber(1), octets("\x10\0\2"), Bytes());
  EXPECT_EQ(written.out.to_string(),
            octets("\2\0\1\0\0\0\x0f\0\x3c\0\0\0\0\0\0\0\0\0\0\x10\0\2\xce"));
}

TEST(FrameWriter, SplitsTheBodyToFrameMax) {
  constexpr std::size_t most = 4096 - 8;
  for (std::size_t size : {std::size_t{1}, most - 1, most, most + 1, 3 * most, 3 * most + 5}) {
    Written written;
    std::string body(size, 'b');
    body.back() = 'e';
    written.writer.method(ChannelNumber(9), BasicGetOk{.delivery_tag = 1});
    written.writer.content(ChannelNumber(9), octets("\0\0"), Bytes(body));
    auto frames = written.frames();
    ASSERT_EQ(frames.size(), 2 + (size + most - 1) / most) << size;
    EXPECT_EQ(frames[0].first, FrameType::method);
    EXPECT_EQ(frames[1].first, FrameType::header);
    std::string joined;
    for (std::size_t i = 2; i < frames.size(); ++i) {
      EXPECT_EQ(frames[i].first, FrameType::body);
      EXPECT_LE(frames[i].second.size(), most);
      joined += frames[i].second;
    }
    EXPECT_EQ(joined, body) << size;
  }
}

TEST(FrameWriter, LargeBodiesAreWrittenAsSlices) {
  Written written(131072);
  Bytes body(std::string(300000, 'x'));
  written.writer.content(ChannelNumber(1), octets("\0\0"), body);
  EXPECT_EQ(body.owner().use_count(), 4);
  std::vector<OutputBuffer::Piece> pieces(16);
  pieces.resize(written.out.gather(pieces));
  ASSERT_EQ(pieces.size(), 7u);
  EXPECT_EQ(pieces[1].data, body.data());
  EXPECT_EQ(pieces[3].data, body.data() + 131064);
  EXPECT_EQ(written.frames(131072).size(), 4u);
}

}  // namespace
}  // namespace warren::amqp
