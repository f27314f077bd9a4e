#include "broker/frontend/handshake.h"

#include "broker/amqp/table.h"
#include "tests/unit/broker/frontend/harness.h"

namespace warren::frontend {
namespace {

using Handshake = FrontendTest;

TEST_F(Handshake, StartOffersWhatWeAre) {
  Client client(port());
  auto start = client.start();
  EXPECT_EQ(start.version_major, 0);
  EXPECT_EQ(start.version_minor, 9);
  EXPECT_EQ(start.mechanisms.value, "PLAIN AMQPLAIN");
  EXPECT_EQ(start.locales.value, "en_US");
  EXPECT_EQ(start.server_properties.as_string("product"), "Warren");
  EXPECT_EQ(start.server_properties.as_string("cluster_name"), "warren@test");
  const auto* capabilities = start.server_properties.as_table("capabilities");
  ASSERT_NE(capabilities, nullptr);
  EXPECT_EQ(capabilities->as_bool("basic.nack"), true);
  EXPECT_EQ(capabilities->as_bool("publisher_confirms"), true);
}

TEST_F(Handshake, AnotherProtocolGetsOurHeaderAndTheEnd) {
  for (std::string_view greeting :
       {"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\x03\x04\x05\x06", "AMQP\x03\x01\x00\x00"}) {
    Client client(port());
    client.send_raw(greeting);
    EXPECT_EQ(client.read_raw(8), amqp::protocol_header);
    EXPECT_TRUE(client.closed_by_peer());
  }
}

TEST_F(Handshake, AmqplainIsAccepted) {
  Client client(port());
  client.start();
  auto ok = Client::plain("", "");
  ok.mechanism = "AMQPLAIN";
  ok.response.value =
      amqp::encode_table(amqp::FieldTable{{"LOGIN", "guest"}, {"PASSWORD", "guest"}}).substr(4);
  client.send(0, ok);
  auto tune = client.expect<amqp::ConnectionTune>(0);
  EXPECT_EQ(tune.channel_max, 2047);
  EXPECT_EQ(tune.frame_max, 131072u);
  EXPECT_EQ(tune.heartbeat_seconds, 60);
}

TEST_F(Handshake, WrongPasswordIsRefusedWithTheCapability) {
  Client client(port());
  client.start();
  client.send(0, Client::plain("guest", "wrong"));
  client.expect_end(403,
                    "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For "
                    "details see the broker logfile.");
}

TEST_F(Handshake, WrongPasswordIsASilentEndWithoutTheCapability) {
  Client client(port());
  client.start();
  auto ok = Client::plain("guest", "wrong");
  ok.client_properties = {};
  client.send(0, ok);
  EXPECT_TRUE(client.closed_by_peer());
}

TEST_F(Handshake, UnknownMechanismIsRefused) {
  Client client(port());
  client.start();
  auto ok = Client::plain("guest", "guest");
  ok.mechanism = "EXTERNAL";
  client.send(0, ok);
  client.expect_end(503, "COMMAND_INVALID - unknown authentication mechanism 'EXTERNAL'");
}

TEST_F(Handshake, MalformedResponseIsASyntaxError) {
  Client client(port());
  client.start();
  auto ok = Client::plain("guest", "guest");
  ok.response.value = "guest";
  client.send(0, ok);
  client.expect_end(502, "SYNTAX_ERROR - malformed response of authentication mechanism PLAIN");
}

TEST_F(Handshake, TuneOkOutsideOfOurLimitsIsRefused) {
  Client low(port());
  low.start();
  low.send(0, Client::plain("guest", "guest"));
  low.expect<amqp::ConnectionTune>(0);
  low.send(0, amqp::ConnectionTuneOk{2047, 4095, 0});
  low.expect_end(
      530,
      "NOT_ALLOWED - negotiated frame_max = 4095 is lower than the minimum allowed value "
      "(4096)");
  Client zero(port());
  zero.start();
  zero.send(0, Client::plain("guest", "guest"));
  zero.expect<amqp::ConnectionTune>(0);
  zero.send(0, amqp::ConnectionTuneOk{0, 131072, 0});
  zero.expect_end(530,
                  "NOT_ALLOWED - negotiated channel_max = 0 is higher than the maximum allowed "
                  "value (2047)");
}

TEST_F(Handshake, MissingVhostIsRefused) {
  Client client(port());
  client.start();
  client.send(0, Client::plain("guest", "guest"));
  client.expect<amqp::ConnectionTune>(0);
  client.send(0, amqp::ConnectionTuneOk{2047, 131072, 0});
  client.send(0, amqp::ConnectionOpen{"nowhere", "", false});
  client.expect_end(530, "NOT_ALLOWED - vhost nowhere not found");
}

TEST_F(Handshake, VhostWithoutPermissionIsRefused) {
  Client client(port());
  client.start();
  client.send(0, Client::plain("limited", "limited"));
  client.expect<amqp::ConnectionTune>(0);
  client.send(0, amqp::ConnectionTuneOk{2047, 131072, 0});
  client.send(0, amqp::ConnectionOpen{"/", "", false});
  client.expect_end(530, "NOT_ALLOWED - access to vhost '/' refused for user 'limited'");
}

TEST_F(Handshake, SlowHandshakeIsEnded) {
  settings_.handshake_timeout = Milliseconds{60};
  Client client(port());
  client.send_raw("AMQP");
  EXPECT_TRUE(client.closed_by_peer());
}

TEST_F(Handshake, MethodsOutOfTurnAreRefused) {
  Client client(port());
  client.start();
  client.send(0, amqp::ConnectionOpen{"/", "", false});
  EXPECT_EQ(client.expect<amqp::ConnectionClose>(0).reply_code, 504);
}

TEST_F(Handshake, UpdateSecretAuthenticatesAgain) {
  Client client(port());
  client.open();
  client.send(0, amqp::ConnectionUpdateSecret{{"guest"}, "expiry"});
  client.expect<amqp::ConnectionUpdateSecretOk>(0);
  client.send(0, amqp::ConnectionUpdateSecret{{"wrong"}, "expiry"});
  client.expect_end(530, "NOT_ALLOWED - New secret was refused by one of the backends");
}

TEST_F(Handshake, UpdateSecretKeepsConsumersAndWhatTheyHold) {
  Client client(port());
  client.open();
  client.declare(1, "q");
  client.consume(1, "q", "c");
  client.publish(1, "", "q", "before");
  client.expect<amqp::BasicDeliver>(1);
  client.expect_content();
  client.send(0, amqp::ConnectionUpdateSecret{{"guest"}, "expiry"});
  client.expect<amqp::ConnectionUpdateSecretOk>(0);
  client.publish(1, "", "q", "after");
  EXPECT_FALSE(client.expect<amqp::BasicDeliver>(1).redelivered);
  EXPECT_EQ(client.expect_content().body, "after");
  client.send(1, amqp::BasicAck{2, true});
  client.sync(1);
}

TEST_F(Handshake, BeforeTuneAFrameIsBoundedByItsOwnMaximum) {
  for (bool fits : {true, false}) {
    Client client(port());
    client.start();
    auto ok = Client::plain("guest", "guest");
    ok.client_properties.add("padding", std::string());
    const std::size_t bare = Client::frame(0, ok).size();
    ok.client_properties = Client::plain("guest", "guest").client_properties;
    ok.client_properties.add("padding",
                             std::string(settings_.initial_frame_max - bare + (fits ? 0 : 1), 'x'));
    client.send(0, ok);
    if (fits)
      client.expect<amqp::ConnectionTune>(0);
    else
      EXPECT_EQ(client.expect<amqp::ConnectionClose>(0).reply_code, 501);
  }
}

TEST(MayComeFrom, GuestComesFromThisHostAlone) {
  const Settings settings;
  EXPECT_TRUE(may_come_from(settings, "guest", true));
  EXPECT_FALSE(may_come_from(settings, "guest", false));
  EXPECT_TRUE(may_come_from(settings, "other", false));
}

}  // namespace
}  // namespace warren::frontend
