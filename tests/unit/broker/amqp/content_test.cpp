#include "broker/amqp/content.h"

#include <gtest/gtest.h>

#include <malloc.h>

#include "tests/unit/broker/amqp/random_values.h"

namespace warren::amqp {
namespace {

constexpr std::uint64_t max_size = 1000000;
constexpr ChannelNumber channel{1};

std::string header(std::uint64_t body_size, std::string_view raw = {"\0\0", 2},
                   std::uint16_t class_id = 60, std::uint16_t weight = 0) {
  std::string out;
  WireWriter<std::string> writer(out);
  writer.u16(class_id);
  writer.u16(weight);
  writer.u64(body_size);
  writer.raw(raw);
  return out;
}

class ContentAssemblerTest : public testing::Test {
 protected:
  void begin() { content_.begin({.exchange = "ex", .routing_key = "key", .mandatory = true}); }
  Result<bool> add(FrameType type, std::string_view payload) {
    return content_.add({type, channel, payload});
  }
  Error refused(FrameType type, std::string_view payload) {
    auto added = add(type, payload);
    EXPECT_FALSE(added.has_value());
    return added ? Error{} : added.error();
  }

  ContentAssembler content_{max_size};
};

TEST_F(ContentAssemblerTest, PutsTogetherMethodHeaderAndBody) {
  begin();
  EXPECT_FALSE(content_.idle());
  EXPECT_EQ(add(FrameType::header, header(5, octets("\x10\0\2"))), false);
  EXPECT_EQ(add(FrameType::body, "hello"), true);
  PublishedMessage message = content_.take();
  EXPECT_TRUE(content_.idle());
  EXPECT_EQ(message.exchange, "ex");
  EXPECT_EQ(message.routing_key, "key");
  EXPECT_TRUE(message.mandatory);
  EXPECT_FALSE(message.immediate);
  EXPECT_EQ(message.raw_properties, octets("\x10\0\2"));
  EXPECT_TRUE(message.properties.persistent());
  EXPECT_EQ(message.body.view(), "hello");
}

TEST_F(ContentAssemblerTest, EmptyBodyIsWholeWithItsHeader) {
  begin();
  EXPECT_EQ(add(FrameType::header, header(0)), true);
  EXPECT_TRUE(content_.take().body.empty());
}

TEST_F(ContentAssemblerTest, JoinsABodySplitAnywhere) {
  std::string body = "0123456789";
  for (std::size_t cut = 0; cut <= body.size(); ++cut) {
    begin();
    EXPECT_EQ(add(FrameType::header, header(body.size())), false);
    EXPECT_EQ(add(FrameType::body, body.substr(0, cut)), cut == body.size());
    if (cut < body.size()) EXPECT_EQ(add(FrameType::body, body.substr(cut)), true);
    EXPECT_EQ(content_.take().body.view(), body);
  }
}

TEST_F(ContentAssemblerTest, JoinsALargeBodyOfManyFrames) {
  std::string body(max_size, '\0');
  for (std::size_t i = 0; i < body.size(); ++i)
    body[i] = static_cast<char>(i * 31 >> 3);
  begin();
  EXPECT_EQ(add(FrameType::header, header(body.size())), false);
  for (std::size_t i = 0; i < body.size(); i += 4088)
    EXPECT_EQ(add(FrameType::body, body.substr(i, 4088)), i + 4088 >= body.size());
  EXPECT_EQ(content_.take().body.view(), body);
}

TEST_F(ContentAssemblerTest, KeepsItsOwnCopyOfNamesAndProperties) {
  std::string exchange = "ex", key = "key", payload = header(1, octets("\x02\x00\1r"));
  content_.begin({.exchange = exchange, .routing_key = key});
  EXPECT_EQ(add(FrameType::header, payload), false);
  exchange = key = "overwritten";
  payload.assign(payload.size(), 'x');
  EXPECT_EQ(add(FrameType::body, "b"), true);
  PublishedMessage message = content_.take();
  EXPECT_EQ(message.exchange, "ex");
  EXPECT_EQ(message.routing_key, "key");
  EXPECT_EQ(message.properties.reply_to, "r");
}

TEST_F(ContentAssemblerTest, DropsContinuationWordsThatSayNothing) {
  begin();
  EXPECT_EQ(add(FrameType::header, header(0, octets("\x10\1\0\0\2"))), true);
  PublishedMessage message = content_.take();
  EXPECT_EQ(message.raw_properties, octets("\x10\0\2"));
  EXPECT_TRUE(message.properties.persistent());
  EXPECT_EQ(message.properties.extra_flag_octets, 0u);
}

TEST_F(ContentAssemblerTest, BodyWithoutAMethodIsUnexpected) {
  Error error = refused(FrameType::body, "x");
  EXPECT_EQ(error.code, ReplyCode::unexpected_frame);
  EXPECT_EQ(error.text, "expected method frame, got non method frame instead");
  EXPECT_EQ(refused(FrameType::header, header(0)).code, ReplyCode::unexpected_frame);
}

TEST_F(ContentAssemblerTest, AnythingButAHeaderAfterTheMethodIsUnexpected) {
  begin();
  for (FrameType type : {FrameType::method, FrameType::body}) {
    Error error = refused(type, "x");
    EXPECT_EQ(error.code, ReplyCode::unexpected_frame);
    EXPECT_EQ(error.text,
              "expected content header for class 60, got non content header frame instead");
  }
}

TEST_F(ContentAssemblerTest, HeaderOfAnotherClassIsUnexpected) {
  begin();
  Error error = refused(FrameType::header, header(0, {"\0\0", 2}, 50));
  EXPECT_EQ(error.code, ReplyCode::unexpected_frame);
  EXPECT_EQ(error.text, "expected content header for class 60, got one for class 50 instead");
}

TEST_F(ContentAssemblerTest, HeaderWithAWeightIsUnexpected) {
  begin();
  EXPECT_EQ(refused(FrameType::header, header(0, {"\0\0", 2}, 60, 1)).code,
            ReplyCode::unexpected_frame);
}

TEST_F(ContentAssemblerTest, TruncatedHeaderIsAFrameError) {
  for (std::size_t size = 0; size < 14; ++size) {
    content_.reset();
    begin();
    EXPECT_EQ(refused(FrameType::header, header(0).substr(0, size)).code, ReplyCode::frame_error);
  }
}

TEST_F(ContentAssemblerTest, BadPropertiesAreRefusedWithTheHeader) {
  begin();
  EXPECT_EQ(refused(FrameType::header, header(5, octets("\0\2"))).code, ReplyCode::frame_error);
  content_.reset();
  begin();
  EXPECT_EQ(refused(FrameType::header, header(5, octets("\x20\0\0\0\0\3\1kq"))).code,
            ReplyCode::syntax_error);
}

TEST_F(ContentAssemblerTest, AnythingButABodyWithinTheBodyIsUnexpected) {
  begin();
  EXPECT_EQ(add(FrameType::header, header(5)), false);
  for (FrameType type : {FrameType::method, FrameType::header}) {
    Error error = refused(type, header(5));
    EXPECT_EQ(error.code, ReplyCode::unexpected_frame);
    EXPECT_EQ(error.text, "expected content body, got non content body frame instead");
  }
}

TEST_F(ContentAssemblerTest, BodyLongerThanDeclaredIsAFrameError) {
  begin();
  EXPECT_EQ(add(FrameType::header, header(5)), false);
  EXPECT_EQ(add(FrameType::body, "1234"), false);
  Error error = refused(FrameType::body, "56");
  EXPECT_EQ(error.code, ReplyCode::frame_error);
  EXPECT_EQ(error.text, "content body of 6 octets or more, declared as 5");
}

TEST_F(ContentAssemblerTest, BodySizeBeyondTheHardLimitIsAFrameError) {
  begin();
  Error error = refused(FrameType::header, header(536870913));
  EXPECT_EQ(error.code, ReplyCode::frame_error);
  EXPECT_EQ(error.text, "body size 536870913 is larger than 536870912");
}

TEST_F(ContentAssemblerTest, MaxMessageSizeItselfIsAccepted) {
  begin();
  EXPECT_EQ(add(FrameType::header, header(max_size)), false);
  EXPECT_EQ(add(FrameType::body, std::string(max_size, 'x')), true);
  EXPECT_EQ(content_.take().body.size(), max_size);
}

TEST_F(ContentAssemblerTest, TooLargeAMessageIsRefusedOnceItsBodyHasPassed) {
  begin();
  EXPECT_EQ(add(FrameType::header, header(max_size + 1)), false);
  EXPECT_EQ(add(FrameType::body, std::string(max_size, 'x')), false);
  Error error = refused(FrameType::body, "x");
  EXPECT_EQ(error.code, ReplyCode::precondition_failed);
  EXPECT_EQ(error.text, "message size 1000001 is larger than configured max size 1000000");
  EXPECT_TRUE(content_.idle());
  begin();
  EXPECT_EQ(add(FrameType::header, header(1)), false);
  EXPECT_EQ(add(FrameType::body, "x"), true);
}

TEST_F(ContentAssemblerTest, LyingBodySizeClaimsMemoryOnlyAsDataArrives) {
  ContentAssembler content(body_size_limit);
  content.begin({});
  struct mallinfo2 before = mallinfo2();
  ASSERT_EQ(content.add({FrameType::header, channel, header(body_size_limit)}), false);
  ASSERT_EQ(content.add({FrameType::body, channel, "x"}), false);
  struct mallinfo2 after = mallinfo2();
  std::size_t grown = after.uordblks + after.hblkhd - before.uordblks - before.hblkhd;
  EXPECT_LE(grown, 1u << 17);
}

TEST_F(ContentAssemblerTest, ResetForgetsWhatIsUnderWay) {
  begin();
  EXPECT_EQ(add(FrameType::header, header(5)), false);
  EXPECT_EQ(add(FrameType::body, "123"), false);
  content_.reset();
  EXPECT_TRUE(content_.idle());
  begin();
  EXPECT_EQ(add(FrameType::header, header(2)), false);
  EXPECT_EQ(add(FrameType::body, "ab"), true);
  EXPECT_EQ(content_.take().body.view(), "ab");
}

TEST_F(ContentAssemblerTest, BodyOutlivesTheAssemblersNextMessage) {
  begin();
  EXPECT_EQ(add(FrameType::header, header(3)), false);
  EXPECT_EQ(add(FrameType::body, "one"), true);
  Bytes one = content_.take().body;
  begin();
  EXPECT_EQ(add(FrameType::header, header(3)), false);
  EXPECT_EQ(add(FrameType::body, "two"), true);
  EXPECT_EQ(content_.take().body.view(), "two");
  EXPECT_EQ(one.view(), "one");
}

// --- Bodies in pieces.

class PiecesTest : public ContentAssemblerTest {
 protected:
  ContentAssembler pieces_{max_size, 10};
  Result<bool> add_to(FrameType type, std::string_view payload) {
    return pieces_.add({type, channel, payload});
  }
};

TEST_F(PiecesTest, ALongBodyIsTakenAsItComes) {
  pieces_.begin({.exchange = "ex", .routing_key = "key"});
  EXPECT_FALSE(pieces_.in_pieces());
  EXPECT_EQ(add_to(FrameType::header, header(30, octets("\x10\0\2"))), false);
  ASSERT_TRUE(pieces_.in_pieces());
  EXPECT_FALSE(pieces_.has_piece());
  PublishedMessage head = pieces_.head();
  EXPECT_EQ(head.exchange, "ex");
  EXPECT_EQ(head.routing_key, "key");
  EXPECT_TRUE(head.properties.persistent());
  EXPECT_TRUE(head.body.empty());
  EXPECT_EQ(add_to(FrameType::body, "0123456"), false);
  EXPECT_FALSE(pieces_.has_piece());
  EXPECT_EQ(add_to(FrameType::body, "789abc"), false);
  ASSERT_TRUE(pieces_.has_piece());
  Bytes first = pieces_.take_piece();
  EXPECT_EQ(first.view(), "0123456789abc");
  EXPECT_EQ(add_to(FrameType::body, "defghijklmno"), false);
  EXPECT_EQ(pieces_.take_piece().view(), "defghijklmno");
  EXPECT_EQ(add_to(FrameType::body, "pqrst"), true);
  PublishedMessage message = pieces_.take();
  EXPECT_EQ(message.body.view(), "pqrst");
  EXPECT_EQ(message.exchange, "ex");
  EXPECT_TRUE(pieces_.idle());
  EXPECT_EQ(first.view(), "0123456789abc") << "a piece outlives its message";
}

TEST_F(PiecesTest, WhatCameLastIsNeverAPiece) {
  pieces_.begin({});
  EXPECT_EQ(add_to(FrameType::header, header(24)), false);
  EXPECT_EQ(add_to(FrameType::body, "012345678901"), false);
  EXPECT_EQ(pieces_.take_piece().size(), 12u);
  EXPECT_EQ(add_to(FrameType::body, "012345678901"), true);
  EXPECT_EQ(pieces_.take().body.view(), "012345678901");
}

TEST_F(PiecesTest, ShortAndForbiddenBodiesAreNotInPieces) {
  pieces_.begin({});
  EXPECT_EQ(add_to(FrameType::header, header(10)), false);
  EXPECT_FALSE(pieces_.in_pieces());
  EXPECT_EQ(add_to(FrameType::body, "0123456789"), true);
  EXPECT_EQ(pieces_.take().body.size(), 10u);
  pieces_.begin({});
  EXPECT_EQ(add_to(FrameType::header, header(max_size + 1)), false);
  EXPECT_FALSE(pieces_.in_pieces()) << "refused once it has passed";
}

}  // namespace
}  // namespace warren::amqp
