#include "broker/cluster/direct_reply.h"

#include <gtest/gtest.h>

#include "broker/cluster/reply_codec.h"

namespace warren::cluster {
namespace {

constexpr ReplyAddress address{{NodeId(3), Incarnation(77)}, 0x0123456789abcdef, ~std::uint64_t{0}};

TEST(ReplyAddress, IsFoundInItsNameAgain) {
  const std::string name = name_of(address);
  EXPECT_TRUE(name.starts_with("amq.rabbitmq.reply-to."));
  EXPECT_LE(name.size(), 255u);
  EXPECT_EQ(address_of(name), address);
  EXPECT_EQ(address_of(name_of(ReplyAddress())), ReplyAddress());
}

TEST(ReplyAddress, WhatIsNoneIsNone) {
  const std::string good = name_of(address);
  std::string letters = good, node = good;
  letters[30] = 'x';
  node[22] = '1';  // beyond 32 bits
  const std::string negative = "amq.rabbitmq.reply-to.-" + good.substr(23);
  for (const std::string& bad :
       {std::string(), std::string("amq.rabbitmq.reply-to"), std::string("amq.rabbitmq.reply-to."),
        good + "0", good.substr(0, good.size() - 1), letters, node, negative, "x" + good.substr(1)})
    EXPECT_FALSE(address_of(bad)) << bad;
}

TEST(ReplyAddress, NamesOfReplyQueuesAreTold) {
  EXPECT_TRUE(is_reply_queue("amq.rabbitmq.reply-to"));
  EXPECT_TRUE(is_reply_queue("amq.rabbitmq.reply-to.anything"));
  EXPECT_FALSE(is_reply_queue("amq.rabbitmq.reply-too"));
  EXPECT_FALSE(is_reply_queue("amq.rabbitmq.reply"));
}

TEST(ReplyCodec, KeepsWhatItWasGiven) {
  const std::string octets = "keypropsbody";
  const std::string_view all = octets;
  DirectReply reply{address,
                    queue::Content{nullptr, {}, all.substr(0, 3), all.substr(3, 5), all.substr(8)}};
  const DirectReply question{address, std::nullopt};
  const DirectReply empty{address, queue::Content()};
  const auto decoded = decode_replies(encode_replies({reply, question, empty}));
  ASSERT_EQ(decoded.size(), 3u);
  for (const DirectReply& one : decoded) {
    EXPECT_EQ(one.to.life.incarnation, address.life.incarnation);
    EXPECT_EQ(one.to.channel, address.channel);
    EXPECT_EQ(one.to.secret, address.secret);
  }
  ASSERT_TRUE(decoded[0].content);
  EXPECT_EQ(decoded[0].content->routing_key, "key");
  EXPECT_EQ(decoded[0].content->properties, "props");
  EXPECT_EQ(decoded[0].content->body, "body");
  EXPECT_NE(decoded[0].content->owner, nullptr);
  EXPECT_FALSE(decoded[1].content);
  ASSERT_TRUE(decoded[2].content);
  EXPECT_EQ(decoded[2].content->size(), 0u);
}

}  // namespace
}  // namespace warren::cluster
