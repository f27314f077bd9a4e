#include "broker/frontend/channel.h"

#include "tests/unit/broker/frontend/harness.h"

namespace warren::frontend {
namespace {

using ChannelTest = FrontendTest;

TEST_F(ChannelTest, FirstMethodMustBeOpen) {
  Client client(port());
  client.open();
  client.send(2, amqp::ConfirmSelect{});
  client.expect_end(504, "CHANNEL_ERROR - expected 'channel.open'");
}

TEST_F(ChannelTest, SecondOpenEndsTheConnection) {
  Client client(port());
  client.open();
  client.send(1, amqp::ChannelOpen{});
  client.expect_end(504, "CHANNEL_ERROR - second 'channel.open' seen");
}

TEST_F(ChannelTest, NamesAreText) {
  Client client(port());
  client.open();
  client.send(1, amqp::QueueDeclare{0, "\xff\xfe", false, false, false, false, false, {}});
  client.expect_end(501, "FRAME_ERROR - Malformed UTF-8 in shortstr");
}

TEST_F(ChannelTest, AFrameOfNoMessageIsNobodysFault) {
  Client client(port());
  client.open();
  client.send_raw(std::string("\3\0\1\0\0\0\1x\xce", 9));
  auto close = client.expect<amqp::ConnectionClose>(0);
  EXPECT_EQ(close.reply_code, 505);
  EXPECT_EQ(close.class_id, 0);
  EXPECT_EQ(close.method_id, 0);
}

TEST_F(ChannelTest, TheNumberOfChannelsIsLimited) {
  settings_.channel_max = 2;
  Client client(port());
  client.open();
  client.open_channel(2000);
  client.send(3, amqp::ChannelOpen{});
  client.expect_end(530,
                    "NOT_ALLOWED - number of channels opened (2) has reached the negotiated "
                    "channel_max (2)");
}

TEST_F(ChannelTest, ANumberIsFreeAfterCloseOk) {
  Client client(port());
  client.open();
  for (int i = 0; i < 3; ++i) {
    client.send(1, amqp::ChannelClose{200, "bye", 0, 0});
    client.expect<amqp::ChannelCloseOk>(1);
    client.open_channel(1);
  }
}

TEST_F(ChannelTest, AfterAnErrorEverythingButCloseIsDropped) {
  Client client(port());
  client.open();
  client.send_raw(
      Client::publish_frames(1, {0, "none", "", false, false}, "x") +
      Client::publish_frames(1, {0, "none", "", false, false}, "y") +
      Client::frame(1, amqp::QueueDeclare{0, "after", false, false, false, false, false, {}}));
  client.expect_close(1, 404, "NOT_FOUND - no exchange 'none' in vhost '/'");
  client.open_channel(1);
  client.send(1, amqp::QueueDeclare{0, "after", true, false, false, false, false, {}});
  client.expect_close(1, 404, "NOT_FOUND - no queue 'after' in vhost '/'");
}

TEST_F(ChannelTest, ClosesThatCrossEndOnBothSides) {
  Client client(port());
  client.open();
  client.send_raw(Client::publish_frames(1, {0, "none", "", false, false}, "x") +
                  Client::frame(1, amqp::ChannelClose{200, "", 0, 0}));
  client.expect<amqp::ChannelClose>(1);
  client.expect<amqp::ChannelCloseOk>(1);
  client.send(1, amqp::ChannelCloseOk{});
  client.open_channel(1);
}

TEST_F(ChannelTest, FlowGoesOneWay) {
  Client client(port());
  client.open();
  client.sync(1);
  client.send(1, amqp::ChannelFlow{false});
  client.expect_end(540, "NOT_IMPLEMENTED - active=false");
}

TEST_F(ChannelTest, UnknownMethodIsNotImplemented) {
  Client client(port());
  client.open();
  client.send_raw(std::string("\x01\x00\x01\x00\x00\x00\x04\x00\x3c\x03\xe7\xce", 12));
  auto close = client.expect<amqp::ConnectionClose>(0);
  EXPECT_EQ(close.reply_code, 540);
  EXPECT_EQ(close.class_id, 60);
  EXPECT_EQ(close.method_id, 999);
}

TEST_F(ChannelTest, UndecodableMethodIsAFrameError) {
  Client client(port());
  client.open();
  client.send_raw(std::string("\x01\x00\x01\x00\x00\x00\x05\x00\x32\x00\x0a\x00\xce", 13));
  EXPECT_EQ(client.expect<amqp::ConnectionClose>(0).reply_code, 501);
}

TEST_F(ChannelTest, ContentOutOfOrderEndsTheConnection) {
  Client client(port());
  client.open();
  client.send(1, amqp::BasicPublish{0, "", "q", false, false});
  client.send(1, amqp::BasicPublish{0, "", "q", false, false});
  EXPECT_EQ(client.expect<amqp::ConnectionClose>(0).reply_code, 505);
}

TEST_F(ChannelTest, OtherChannelsGoOnWhileOneWaits) {
  Client client(port());
  client.open();
  client.open_channel(2);
  door_.run([&] { door_.stall = true; });
  client.send_raw(
      Client::frame(1, amqp::QueueDeclare{0, "slow", false, true, false, false, false, {}}) +
      Client::publish_frames(1, {0, "", "slow", false, false}, "behind") +
      Client::frame(1, amqp::ConfirmSelect{}));
  client.sync(2);
  door_.run([&] { EXPECT_TRUE(door_.publishes.empty()); });
  door_.run([&] { door_.unstall(); });
  EXPECT_EQ(client.expect<amqp::QueueDeclareOk>(1).queue, "slow");
  client.expect<amqp::ConfirmSelectOk>(1);
  client.sync(1);
  EXPECT_EQ(ready("slow"), 1u);
}

TEST_F(ChannelTest, ALongBacklogStopsReadingAndGoesOn) {
  settings_.backlog_octets = 1000;
  Client client(port());
  client.open();
  door_.run([&] { door_.stall = true; });
  std::string burst =
      Client::frame(1, amqp::QueueDeclare{0, "slow", false, true, false, false, false, {}});
  for (int i = 0; i < 100; ++i)
    burst += Client::publish_frames(1, {0, "", "slow", false, false}, std::string(100, 'x'));
  client.send_raw(burst + Client::frame(1, amqp::ConfirmSelect{}));
  door_.run([&] { door_.unstall(); });
  client.expect<amqp::QueueDeclareOk>(1);
  client.expect<amqp::ConfirmSelectOk>(1);
  client.sync(1);
  EXPECT_EQ(ready("slow"), 100u);
}

TEST_F(ChannelTest, AMethodThatTheClusterNeverAnswersIsAnInternalError) {
  settings_.synchronous_timeout = Milliseconds{60};
  Client client(port());
  client.open();
  door_.run([&] { door_.stall = true; });
  client.send(1, amqp::QueueDeclare{0, "never", false, true, false, false, false, {}});
  EXPECT_EQ(client.expect<amqp::ConnectionClose>(0).reply_code, 541);
  door_.run([&] { door_.unstall(); });
}

TEST_F(ChannelTest, CloseReturnsWhatItHolds) {
  Client client(port());
  client.open();
  client.declare(1, "q");
  for (const char* body : {"a", "b", "c"})
    client.publish(1, "", "q", body);
  client.consume(1, "q", "c");
  for (int i = 0; i < 3; ++i) {
    client.expect<amqp::BasicDeliver>(1);
    client.expect_content();
  }
  client.send(1, amqp::ChannelClose{200, "", 0, 0});
  client.expect<amqp::ChannelCloseOk>(1);
  EXPECT_EQ(ready("q"), 3u);
  client.open_channel(1);
  client.send(1, amqp::BasicGet{0, "q", true});
  EXPECT_TRUE(client.expect<amqp::BasicGetOk>(1).redelivered);
  EXPECT_EQ(client.expect_content().body, "a");
}

TEST_F(ChannelTest, ListingShowsChannelsAndConsumers) {
  Client client(port());
  client.open();
  client.declare(1, "q");
  client.send(1, amqp::BasicQos{0, 7, false});
  client.expect<amqp::BasicQosOk>(1);
  client.consume(1, "q", "mine");
  auto all = listings();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].user, "guest");
  EXPECT_EQ(all[0].vhost, "/");
  EXPECT_EQ(all[0].state, "running");
  ASSERT_EQ(all[0].channels.size(), 1u);
  ASSERT_EQ(all[0].channels[0].consumers.size(), 1u);
  EXPECT_EQ(all[0].channels[0].consumers[0].tag, "mine");
  EXPECT_EQ(all[0].channels[0].consumers[0].queue, "q");
  EXPECT_EQ(all[0].channels[0].consumers[0].prefetch, 7u);
}

}  // namespace
}  // namespace warren::frontend
