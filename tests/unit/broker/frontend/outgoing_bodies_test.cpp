#include "broker/frontend/outgoing_bodies.h"

#include <gtest/gtest.h>

namespace warren::frontend {
namespace {

constexpr ChannelNumber one{1}, two{2};

class OutgoingBodiesTest : public testing::Test {
 protected:
  void send(ChannelNumber channel, std::uint64_t entry, std::size_t parts, std::string name) {
    bodies_.writer(channel).content_header(channel, {"\0\0", 2}, 3 * parts + 1);
    OutgoingBody body;
    body.group = GroupId(4);
    for (std::size_t i = 0; i < parts; ++i)
      body.parts.push_back({{EntryIndex(entry + i), Slot(0)}, 3});
    body.tail = Bytes::copy_of(".");
    body.sent = [this, name] { sent_ += name; };
    bodies_.send(channel, std::move(body));
  }
  // The frames so far: a letter a kind, bodies as they are; the output is then empty.
  std::string frames() {
    const std::string octets = output_.to_string();
    output_.consume(output_.size());
    std::string_view unread = octets;
    amqp::FrameParser parser(131072);
    std::string seen;
    while (auto frame = parser.next(unread).value()) {
      seen += std::to_string(frame->channel.value);
      if (frame->type == amqp::FrameType::method) seen += "m ";
      if (frame->type == amqp::FrameType::header) seen += "h ";
      if (frame->type == amqp::FrameType::body) seen += std::string(frame->payload) + " ";
    }
    return seen;
  }
  std::uint64_t wanted(std::uint64_t entry) {
    auto next = bodies_.next_wanted();
    EXPECT_TRUE(next);
    if (!next) return 0;
    EXPECT_EQ(next->group, GroupId(4));
    EXPECT_EQ(next->part.entry, EntryIndex(entry));
    return next->number;
  }
  bool arrived(std::uint64_t number, std::string_view octets) {
    return bodies_.arrived(number, Bytes::copy_of(octets));
  }

  amqp::OutputBuffer output_;
  amqp::FrameWriter writer_{output_, 131072};
  OutgoingBodies bodies_{output_, writer_};
  std::string sent_;
};

TEST_F(OutgoingBodiesTest, PartsAreFetchedOneByOneAndTheTailEndsThem) {
  send(one, 10, 2, "a");
  EXPECT_TRUE(bodies_.busy(one));
  auto number = wanted(10);
  EXPECT_FALSE(bodies_.next_wanted()) << "not before the first has come";
  EXPECT_TRUE(arrived(number, "abc"));
  EXPECT_TRUE(arrived(wanted(11), "def"));
  EXPECT_FALSE(bodies_.busy(one));
  EXPECT_FALSE(bodies_.next_wanted());
  EXPECT_EQ(frames(), "1h 1abc 1def 1. ");
  EXPECT_EQ(sent_, "a");
}

TEST_F(OutgoingBodiesTest, WhatTheChannelSaysMeanwhileComesAfterAndOthersDoNotWait) {
  send(one, 10, 1, "a");
  bodies_.writer(one).method(one, amqp::BasicRecoverOk{});
  bodies_.writer(two).method(two, amqp::BasicRecoverOk{});
  EXPECT_TRUE(arrived(wanted(10), "abc"));
  EXPECT_EQ(frames(), "1h 2m 1abc 1. 1m ");
}

TEST_F(OutgoingBodiesTest, WhatWaitsBehindABodyIsCounted) {
  EXPECT_EQ(bodies_.octets_behind(one), 0u);
  send(one, 10, 1, "a");
  EXPECT_EQ(bodies_.octets_behind(one), 0u);
  bodies_.writer(one).content(one, {"\0\0", 2}, Bytes::copy_of("behind"));
  EXPECT_GT(bodies_.octets_behind(one), 6u);
  EXPECT_EQ(bodies_.octets_behind(two), 0u);
  EXPECT_TRUE(arrived(wanted(10), "abc"));
  EXPECT_EQ(bodies_.octets_behind(one), 0u);
}

TEST_F(OutgoingBodiesTest, BodiesOfOneChannelFollowEachOther) {
  send(one, 10, 1, "a");
  bodies_.writer(one).method(one, amqp::BasicRecoverOk{});
  send(one, 20, 1, "b");
  bodies_.writer(one).method(one, amqp::BasicRecoverOk{});
  EXPECT_TRUE(arrived(wanted(10), "abc"));
  EXPECT_TRUE(bodies_.busy(one));
  EXPECT_TRUE(arrived(wanted(20), "xyz"));
  EXPECT_EQ(frames(), "1h 1abc 1. 1m 1h 1xyz 1. 1m ");
  EXPECT_EQ(sent_, "ab");
}

TEST_F(OutgoingBodiesTest, ChannelsTakeTurnsAndFewPartsAreOnTheirWay) {
  send(one, 10, 2, "a");
  send(two, 20, 2, "b");
  send(ChannelNumber(3), 30, 2, "c");
  auto first = wanted(10);
  auto second = wanted(20);
  EXPECT_FALSE(bodies_.next_wanted());
  EXPECT_TRUE(arrived(second, "abc"));
  wanted(30);
  EXPECT_FALSE(bodies_.next_wanted());
  EXPECT_TRUE(arrived(first, "def"));
  wanted(11);
}

TEST_F(OutgoingBodiesTest, WhatFailedIsAskedForAgain) {
  send(one, 10, 1, "a");
  auto number = wanted(10);
  bodies_.failed(number);
  EXPECT_FALSE(bodies_.next_wanted());
  bodies_.retry();
  EXPECT_EQ(wanted(10), number);
  EXPECT_TRUE(arrived(number, "abc"));
  EXPECT_EQ(sent_, "a");
}

TEST_F(OutgoingBodiesTest, AnotherSizeThanNamedIsRefused) {
  send(one, 10, 1, "a");
  EXPECT_FALSE(arrived(wanted(10), "four"));
}

TEST_F(OutgoingBodiesTest, LatePartsOfWhatWasDroppedDoNothing) {
  send(one, 10, 1, "a");
  auto number = wanted(10);
  bodies_.clear();
  EXPECT_TRUE(arrived(number, "abc"));
  bodies_.failed(number);
  EXPECT_EQ(frames(), "1h ");
  send(one, 20, 1, "b");
  wanted(20);
}

}  // namespace
}  // namespace warren::frontend
