#include "broker/frontend/connection.h"

#include "tests/unit/broker/frontend/harness.h"

namespace warren::frontend {
namespace {

using Robustness = FrontendTest;

TEST_F(Robustness, AFrameTooLargeIsAFrameErrorAndDisturbsNobody) {
  Client other(port());
  other.open();
  Client client(port());
  client.open();
  client.send_raw(std::string("\x01\x00\x01\x00\x10\x00\x00", 7));
  EXPECT_EQ(client.expect<amqp::ConnectionClose>(0).reply_code, 501);
  EXPECT_TRUE(client.closed_by_peer());
  other.sync(1);
}

TEST_F(Robustness, ABadFrameEndIsAFrameError) {
  Client client(port());
  client.open();
  client.send_raw(std::string("\x08\x00\x00\x00\x00\x00\x00\x00", 8));
  EXPECT_EQ(client.expect<amqp::ConnectionClose>(0).reply_code, 501);
}

TEST_F(Robustness, AHeartbeatOffChannelZeroIsUnexpected) {
  Client client(port());
  client.open();
  client.send_raw(std::string("\x08\x00\x01\x00\x00\x00\x00\xce", 8));
  EXPECT_EQ(client.expect<amqp::ConnectionClose>(0).reply_code, 505);
}

// The stream is intact: what follows is heard.
TEST_F(Robustness, AHeartbeatWithAPayloadIsNoFrame) {
  Client client(port());
  client.open();
  client.send_raw(std::string("\x08\x00\x00\x00\x00\x00\x01x\xce", 9) +
                  Client::frame(0, amqp::ConnectionClose{200, "bye", 0, 0}));
  auto close = client.expect<amqp::ConnectionClose>(0);
  EXPECT_EQ(close.reply_text, "FRAME_ERROR - type 8, all octets = <<\"x\">>: unknown_frame");
  client.expect<amqp::ConnectionCloseOk>(0);
}

TEST_F(Robustness, ContentOnChannelZeroIsUnexpected) {
  Client client(port());
  client.open();
  client.send_raw(std::string("\x03\x00\x00\x00\x00\x00\x01x\xce", 9));
  EXPECT_EQ(client.expect<amqp::ConnectionClose>(0).reply_code, 505);
}

TEST_F(Robustness, AFrameOfExactlyFrameMaxIsAccepted) {
  Client client(port());
  client.open();
  client.declare(1, "q");
  client.publish(1, "", "q", std::string(131072 - 8, 'x'));
  client.sync(1);
  EXPECT_EQ(ready("q"), 1u);
}

TEST_F(Robustness, FramesMayComeOctetByOctet) {
  Client client(port());
  client.open();
  client.declare(1, "q");
  for (char c : Client::publish_frames(1, {0, "", "q", false, false}, "slowly"))
    client.send_raw({&c, 1});
  client.sync(1);
  EXPECT_EQ(ready("q"), 1u);
}

TEST_F(Robustness, HeartbeatsAreSentAndSilenceIsNoticed) {
  Client client(port());
  client.open(1);
  auto beat = client.read_frame();
  ASSERT_TRUE(beat);
  EXPECT_EQ(beat->type, amqp::FrameType::heartbeat);
  EXPECT_TRUE(client.closed_by_peer());
}

TEST_F(Robustness, AfterOurCloseNothingElseCounts) {
  Client client(port());
  client.open();
  client.send_raw(
      Client::frame(1, amqp::ChannelOpen{}) +
      Client::frame(1, amqp::QueueDeclare{0, "late", false, false, false, false, false, {}}));
  client.expect<amqp::ConnectionClose>(0);
  client.send(1, amqp::ChannelOpen{});
  client.send(0, amqp::ConnectionClose{200, "", 0, 0});
  client.expect<amqp::ConnectionCloseOk>(0);
  EXPECT_TRUE(client.closed_by_peer());
  door_.run([&] { EXPECT_EQ(door_.catalog()->queue("/", "late"), nullptr); });
}

TEST_F(Robustness, APeerThatNeverAnswersOurCloseIsDropped) {
  settings_.close_timeout = Milliseconds{60};
  Client client(port());
  client.open();
  client.send(1, amqp::ChannelOpen{});
  client.expect<amqp::ConnectionClose>(0);
  EXPECT_TRUE(client.closed_by_peer());
}

TEST_F(Robustness, CloseDoesFirstWhatWasReadBefore) {
  Client client(port());
  client.open();
  client.send_raw(
      Client::frame(1, amqp::QueueDeclare{0, "q", false, true, false, false, false, {}}) +
      Client::publish_frames(1, {0, "", "q", false, false}, "x") +
      Client::frame(0, amqp::ConnectionClose{200, "", 0, 0}));
  client.expect<amqp::QueueDeclareOk>(1);
  client.expect<amqp::ConnectionCloseOk>(0);
  EXPECT_TRUE(client.closed_by_peer());
  EXPECT_EQ(ready("q"), 1u);
}

TEST_F(Robustness, NothingIsLeftOfAConnectionThatWent) {
  {
    Client client(port());
    client.open();
    client.declare(1, "mine", true);
    client.open_channel(2);
  }
  while (group_->open_count() > 0) {
  }
  door_.run([&] {
    EXPECT_EQ(door_.open_channels(), 0u);
    EXPECT_EQ(door_.catalog()->queue("/", "mine"), nullptr);
  });
}

TEST_F(Robustness, AnOperatorClosesAConnection) {
  Client client(port());
  client.open();
  group_->close_connection(listings().at(0).name, "by request");
  client.expect_end(320, "CONNECTION_FORCED - by request");
}

TEST_F(Robustness, MoreConnectionsThanAllowedAreClosedAtOnce) {
  settings_.connection_max = 1;
  Client client(port());
  client.open();
  Client other(port());
  EXPECT_TRUE(other.closed_by_peer());
  client.sync(1);
}

}  // namespace
}  // namespace warren::frontend
