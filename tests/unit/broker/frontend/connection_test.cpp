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

TEST_F(Robustness, MoreConnectionsThanAllowedAreToldSo) {
  settings_.connection_max = 1;
  settings_.refusal_max = 1;
  Client client(port());
  client.open();
  for (int i = 0; i < 2; ++i) {
    Client other(port());
    other.start();
    Client third(port());
    EXPECT_TRUE(third.closed_by_peer()) << "only one is told at a time";
    other.send(0, Client::plain("guest", "guest"));
    other.expect<amqp::ConnectionTune>(0);
    other.send(0, amqp::ConnectionTuneOk{2047, 131072, 0});
    other.send(0, amqp::ConnectionOpen{"/", "", false});
    other.expect_end(530, "NOT_ALLOWED - connection refused: node connection limit (1) is reached");
    other.close();
    while (!listings().empty() && listings().size() > 1) {
    }
  }
  EXPECT_EQ(group_->open_count(), 1u);
  client.sync(1);
}

TEST_F(Robustness, WhoIsRefusedHoldsItsSocketForAHandshakeAtMost) {
  settings_.connection_max = 0;
  settings_.handshake_timeout = Milliseconds{60};
  Client client(port());
  client.start();
  EXPECT_TRUE(client.closed_by_peer());
}

TEST_F(Robustness, AShortHeartbeatShortensThePatienceAfterOurClose) {
  Client client(port());
  client.open(1);
  client.send(1, amqp::ChannelOpen{});
  client.expect<amqp::ConnectionClose>(0);
  EXPECT_TRUE(client.closed_by_peer()) << "it waits for its 30 s";
}

TEST_F(Robustness, WhoIsBlockedMayClose) {
  Client client(port());
  client.open();
  client.declare(1, "q");
  group_->set_alarm("low on memory");
  listings();
  client.publish(1, "", "q", "taken");
  EXPECT_EQ(client.expect<amqp::ConnectionBlocked>(0).reason, "low on memory");
  client.publish(1, "", "q", "waits");
  client.publish(1, "", "q", "too");
  listings();
  EXPECT_LT(ready("q"), 3u);
  const std::string close = Client::frame(0, amqp::ConnectionClose{200, "bye", 0, 0});
  client.send_raw(close.substr(0, 9));
  listings();
  client.send_raw(close.substr(9));
  client.expect<amqp::ConnectionCloseOk>(0);
  EXPECT_EQ(ready("q"), 3u);
}

TEST_F(Robustness, WhatWasSentDuringAnAlarmIsTakenAfterIt) {
  Client client(port());
  client.open();
  client.declare(1, "q");
  group_->set_alarm("low on memory");
  listings();
  client.publish(1, "", "q", "taken");
  client.expect<amqp::ConnectionBlocked>(0);
  for (int i = 0; i < 9; ++i)
    client.publish(1, "", "q", "waits");
  client.send(1, amqp::ChannelFlow{true});
  listings();
  group_->set_alarm("");
  client.expect<amqp::ConnectionUnblocked>(0);
  client.expect<amqp::ChannelFlowOk>(1);
  EXPECT_EQ(ready("q"), 10u);
}

TEST_F(Robustness, HeartbeatsKeepComingWithinALargeBody) {
  Client client(port());
  client.open(1);
  client.declare(1, "q");
  constexpr std::size_t piece = 131072 - 8;
  constexpr std::size_t pieces = 800;  // 100 MB
  amqp::OutputBuffer out;
  amqp::FrameWriter writer(out, 131072);
  writer.method(ChannelNumber{1}, amqp::BasicPublish{0, "", "q", false, false});
  writer.content_header(ChannelNumber{1}, amqp::encode_properties({}), piece * pieces);
  client.send_raw(out.to_string());
  amqp::OutputBuffer body;
  amqp::FrameWriter(body, 131072).body(ChannelNumber{1}, Bytes::copy_of(std::string(piece, 'x')));
  const std::string frame = body.to_string();
  int beats = 0;
  for (std::size_t i = 0; i < pieces; ++i) {
    client.send_raw(frame);
    if (i % 160 != 0) continue;
    client.send_raw({"\x08\x00\x00\x00\x00\x00\x00\xce", 8});
    auto beat = client.read_frame();  // some half a second each
    ASSERT_TRUE(beat);
    beats += beat->type == amqp::FrameType::heartbeat;
  }
  EXPECT_EQ(beats, 5);
  client.send(1, amqp::ConfirmSelect{});
  client.expect<amqp::ConfirmSelectOk>(1);
  client.send(1, amqp::BasicGet{0, "q", true});
  client.expect<amqp::BasicGetOk>(1);
  EXPECT_EQ(client.expect_content().body.size(), piece * pieces);
  client.sync(1);
}

}  // namespace
}  // namespace warren::frontend
