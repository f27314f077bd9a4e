#include "broker/frontend/content.h"

#include <gmock/gmock.h>

#include "tests/unit/broker/frontend/harness.h"

namespace warren::frontend {
namespace {

using Publish = FrontendTest;

class Confirming : public FrontendTest {
 protected:
  void open(Client& client) {
    client.open();
    client.declare(1, "q");
    client.send(1, amqp::ConfirmSelect{});
    client.expect<amqp::ConfirmSelectOk>(1);
  }
};

TEST_F(Publish, WhatOneReadBringsIsOneBatchAGroup) {
  Client client(port());
  client.open();
  client.declare(1, "q");
  std::string burst;
  for (int i = 0; i < 50; ++i)
    burst += Client::publish_frames(1, {0, "", "q", false, false}, "x");
  client.send_raw(burst);
  client.sync(1);
  door_.run([&] {
    ASSERT_EQ(door_.submit_sizes.size(), 1u);
    EXPECT_EQ(door_.submit_sizes[0], 50u);
  });
}

TEST_F(Publish, ContentOfChannelsMayInterleave) {
  Client client(port());
  client.open();
  client.open_channel(2);
  client.declare(1, "q");
  const std::string one = Client::publish_frames(1, {0, "", "q", false, false}, "one");
  const std::string two = Client::publish_frames(2, {0, "", "q", false, false}, "two");
  const std::size_t cut = Client::frame(1, amqp::BasicPublish{0, "", "q", false, false}).size();
  client.send_raw(one.substr(0, cut) + two.substr(0, cut) + one.substr(cut) + two.substr(cut));
  client.sync(1);
  client.sync(2);
  EXPECT_EQ(ready("q"), 2u);
}

TEST_F(Publish, ErrorsAreRabbitMqs) {
  Client client(port());
  client.open();
  amqp::BasicProperties bad_ttl, bad_user, bad_cc;
  bad_ttl.expiration = "12ms";
  bad_user.user_id = "somebody";
  bad_cc.headers = amqp::FieldTable{{"CC", "not an array"}};
  client.publish(1, "none", "k", "x");
  client.expect_close(1, 404, "NOT_FOUND - no exchange 'none' in vhost '/'");
  client.open_channel(1);
  client.publish(1, "amq.rabbitmq.trace", "k", "x");
  client.expect_close(
      1, 403,
      "ACCESS_REFUSED - cannot publish to internal exchange 'amq.rabbitmq.trace' in "
      "vhost '/'");
  client.open_channel(1);
  client.publish(1, "", "k", "x", false, bad_ttl);
  client.expect_close(1, 406,
                      "PRECONDITION_FAILED - invalid expiration '12ms': {leftover_string,\"ms\"}");
  client.open_channel(1);
  client.publish(1, "", "k", "x", false, bad_user);
  client.expect_close(1, 406,
                      "PRECONDITION_FAILED - user_id property set to 'somebody' but authenticated "
                      "user was 'guest'");
  client.open_channel(1);
  client.publish(1, "", "k", "x", false, bad_cc);
  client.expect_close(1, 406,
                      "PRECONDITION_FAILED - invalid message: "
                      "{unacceptable_type_in_header,\"CC\",longstr}");
  client.open_channel(1);
  amqp::BasicProperties bad_mode;
  bad_mode.delivery_mode = 9;
  client.publish(1, "", "k", "x", false, bad_mode);
  client.expect_close(1, 406, "PRECONDITION_FAILED - invalid message: {delivery_mode_unknown,9}");
}

TEST_F(Publish, AnExpirationMayHaveItsSign) {
  Client client(port());
  client.open();
  client.declare(1, "q");
  amqp::BasicProperties properties;
  properties.expiration = "+60000";
  client.publish(1, "", "q", "x", false, properties);
  client.sync(1);
  EXPECT_EQ(ready("q"), 1u);
  properties.expiration = "+-1";
  client.publish(1, "", "q", "x", false, properties);
  EXPECT_EQ(client.expect<amqp::ChannelClose>(1).reply_code, 406);
}

TEST_F(Publish, AReturnedMessageTellsNothingOfBcc) {
  Client client(port());
  client.open();
  amqp::FieldArray nobody;
  nobody.values.push_back("nobody");
  nobody.values.push_back(std::int32_t{5});  // no key, and no error
  amqp::BasicProperties properties;
  properties.headers = amqp::FieldTable{{"CC", nobody}, {"BCC", nobody}};
  client.publish(1, "", "missing", "x", true, properties);
  client.expect<amqp::BasicReturn>(1);
  auto decoded = amqp::decode_properties(client.expect_content().properties);
  ASSERT_TRUE(decoded && decoded->headers);
  EXPECT_TRUE(decoded->headers->contains("CC"));
  EXPECT_FALSE(decoded->headers->contains("BCC"));
}

// What came with it, how much later it is ready, and what is delivered.
TEST_F(Publish, ADelayIsReadFromItsHeaderAndTurnedRound) {
  struct Case {
    amqp::FieldValue given;
    std::uint64_t delay_ms;
    amqp::FieldValue delivered;
  };
  const std::int64_t long_time = 5'000'000'000;
  const std::vector<Case> cases{
      {std::int32_t{1500}, 1500, std::int32_t{-1500}},
      {std::uint8_t{200}, 200, std::int32_t{-200}},
      {long_time, 5'000'000'000, -long_time},
      {"2500", 2500, std::int32_t{-2500}},
      {2.9, 2, std::int32_t{-2}},
      {std::int32_t{0}, 0, std::int32_t{0}},
      {std::int32_t{-7}, 0, std::int32_t{-7}},
      {"soon", 0, "soon"},
      {1e300, 0, 1e300},
      {true, 0, true},
  };
  Client client(port());
  client.open();
  client.declare(1, "q");
  for (const Case& one : cases) {
    amqp::BasicProperties properties;
    properties.headers = amqp::FieldTable{{"a", "b"}, {"x-delay", one.given}};
    client.publish(1, "", "q", "x", false, properties);
  }
  client.sync(1);
  door_.run([&] {
    ASSERT_EQ(door_.publishes.size(), cases.size());
    for (std::size_t i = 0; i < cases.size(); ++i) {
      const queue::Publish& publish = door_.publishes[i];
      EXPECT_EQ(publish.delay_ms, cases[i].delay_ms) << "case " << i;
      auto delivered = amqp::decode_properties(publish.content.properties);
      ASSERT_TRUE(delivered && delivered->headers);
      EXPECT_EQ(*delivered->headers->find("x-delay"), cases[i].delivered) << "case " << i;
      EXPECT_EQ(delivered->headers->as_string("a"), "b");
    }
  });
}

TEST_F(Publish, AKeyOfDuplicatesIsItsHeadersWhateverItsType) {
  Client client(port());
  client.open();
  client.declare(1, "q");
  for (const amqp::Field& header :
       {amqp::Field{"x-deduplication-header", "order 7"},
        amqp::Field{"x-message-deduplication", "order 7"},
        amqp::Field{"x-deduplication-header", "order 8"},
        amqp::Field{"x-deduplication-header", std::int32_t{8}}, amqp::Field{"other", "order 7"}}) {
    amqp::BasicProperties properties;
    properties.headers = amqp::FieldTable{header};
    client.publish(1, "", "q", "x", false, properties);
  }
  client.sync(1);
  door_.run([&] {
    ASSERT_EQ(door_.publishes.size(), 5u);
    EXPECT_TRUE(door_.publishes[0].duplicate);
    EXPECT_EQ(door_.publishes[1].duplicate, door_.publishes[0].duplicate);
    EXPECT_NE(door_.publishes[2].duplicate, door_.publishes[0].duplicate);
    EXPECT_NE(door_.publishes[3].duplicate, door_.publishes[2].duplicate);
    EXPECT_FALSE(door_.publishes[4].duplicate);
  });
}

TEST_F(Publish, AMessageThatIsReturnedHasItsDelayAsItCame) {
  Client client(port());
  client.open();
  amqp::BasicProperties properties;
  properties.headers = amqp::FieldTable{{"x-delay", std::int32_t{1500}}};
  client.publish(1, "", "missing", "x", true, properties);
  client.expect<amqp::BasicReturn>(1);
  auto decoded = amqp::decode_properties(client.expect_content().properties);
  ASSERT_TRUE(decoded && decoded->headers);
  EXPECT_EQ(decoded->headers->as_integer("x-delay"), 1500);
}

TEST_F(Publish, ADelayedExchangeMustNameItsType) {
  Client client(port());
  client.open();
  amqp::ExchangeDeclare declare{0,     "later", "x-delayed-message", false, false, false, false,
                                false, {}};
  client.send(1, declare);
  client.expect_close(1, 406,
                      "PRECONDITION_FAILED - Invalid argument, 'x-delayed-type' must be an "
                      "existing exchange type");
  client.open_channel(1);
  declare.arguments = amqp::FieldTable{{"x-delayed-type", "fanout"}};
  client.send(1, declare);
  client.expect<amqp::ExchangeDeclareOk>(1);
  client.declare(1, "q");
  client.send(1, amqp::QueueBind{0, "q", "later", "", false, {}});
  client.expect<amqp::QueueBindOk>(1);
  client.publish(1, "later", "any", "x");
  client.sync(1);
  EXPECT_EQ(ready("q"), 1u);
}

TEST_F(Publish, ImmediateIsNotImplemented) {
  Client client(port());
  client.open();
  client.send_raw(Client::publish_frames(1, {0, "", "q", false, true}, "x"));
  client.expect_end(540, "NOT_IMPLEMENTED - immediate=true");
}

TEST_F(Publish, TooLargeAMessageClosesTheChannelOnly) {
  settings_.max_message_size = 10;
  Client client(port());
  client.open();
  client.open_channel(2);
  client.publish(1, "", "q", std::string(11, 'x'));
  client.expect_close(
      1, 406, "PRECONDITION_FAILED - message size 11 is larger than configured max size 10");
  client.sync(2);
}

TEST_F(Publish, CopiesReachCcAndBccAndBccIsStripped) {
  Client client(port());
  client.open();
  for (const char* name : {"a", "b", "c"})
    client.declare(1, name);
  amqp::FieldArray cc, bcc;
  cc.values.push_back("b");
  bcc.values.push_back("c");
  amqp::BasicProperties properties;
  properties.headers = amqp::FieldTable{{"CC", cc}, {"BCC", bcc}};
  client.publish(1, "", "a", "copy", false, properties);
  for (const char* name : {"a", "b", "c"}) {
    client.send(1, amqp::BasicGet{0, name, true});
    client.expect<amqp::BasicGetOk>(1);
    auto message = client.expect_content();
    auto decoded = amqp::decode_properties(message.properties);
    ASSERT_TRUE(decoded && decoded->headers);
    EXPECT_TRUE(decoded->headers->contains("CC"));
    EXPECT_FALSE(decoded->headers->contains("BCC"));
  }
}

TEST_F(Publish, AMessageWhoseCopyIsRoutedIsNotReturned) {
  Client client(port());
  client.open();
  client.declare(1, "b");
  amqp::FieldArray cc;
  cc.values.push_back("b");
  amqp::BasicProperties properties;
  properties.headers = amqp::FieldTable{{"CC", cc}};
  client.publish(1, "", "nowhere", "copy", true, properties);
  client.sync(1);
  EXPECT_EQ(ready("b"), 1u);
}

TEST_F(Publish, ChecksComeInRabbitMqsOrder) {
  Client client(port());
  client.open();
  amqp::BasicProperties properties;
  properties.expiration = "soon";
  properties.user_id = "somebody";
  properties.headers = amqp::FieldTable{{"BCC", "not an array"}};
  client.publish(1, "amq.rabbitmq.trace", "k", "x", false, properties);
  EXPECT_EQ(client.expect<amqp::ChannelClose>(1).reply_code, 403);
  client.send(1, amqp::ChannelCloseOk{});
  for (const char* first : {"invalid expiration", "invalid message", "user_id property"}) {
    client.open_channel(1);
    client.publish(1, "amq.direct", "k", "x", false, properties);
    EXPECT_THAT(client.expect<amqp::ChannelClose>(1).reply_text, testing::HasSubstr(first));
    client.send(1, amqp::ChannelCloseOk{});
    if (properties.expiration)
      properties.expiration.reset();
    else
      properties.headers.reset();
  }
  client.open_channel(1);
  properties.user_id = "guest";
  client.publish(1, "amq.direct", "k", "x", false, properties);
  client.sync(1);
}

TEST_F(Publish, ARandomExchangeGivesEachMessageToOneOfItsQueues) {
  Client client(port());
  client.open();
  client.send(1,
              amqp::ExchangeDeclare{0, "dice", "x-random", false, false, false, false, false, {}});
  client.expect<amqp::ExchangeDeclareOk>(1);
  for (const char* name : {"a", "b"}) {
    client.declare(1, name);
    client.send(1, amqp::QueueBind{0, name, "dice", "any", false, {}});
    client.expect<amqp::QueueBindOk>(1);
  }
  for (int i = 0; i < 100; ++i)
    client.publish(1, "dice", "the same", "x");
  client.sync(1);
  EXPECT_EQ(ready("a") + ready("b"), 100u);
  EXPECT_GT(ready("a"), 20u);
  EXPECT_GT(ready("b"), 20u);
}

TEST_F(Publish, ALargeBodyArrivesWholeAndIsReframed) {
  Client client(port());
  client.open();
  client.declare(1, "q");
  std::string body(3'000'000, 'a');
  for (std::size_t i = 0; i < body.size(); ++i)
    body[i] = static_cast<char>(i * 31);
  client.publish(1, "", "q", body);
  client.send(1, amqp::BasicGet{0, "q", true});
  client.expect<amqp::BasicGetOk>(1);
  EXPECT_TRUE(client.expect_content().body == body);
}

TEST_F(Publish, AnUnroutableMandatoryMessageComesBackBeforeItsAck) {
  Client client(port());
  client.open();
  client.send(1, amqp::ConfirmSelect{});
  client.expect<amqp::ConfirmSelectOk>(1);
  client.publish(1, "", "nowhere", "back", true);
  auto returned = client.expect<amqp::BasicReturn>(1);
  EXPECT_EQ(returned.reply_code, 312);
  EXPECT_EQ(returned.reply_text, "NO_ROUTE");
  EXPECT_EQ(returned.routing_key, "nowhere");
  EXPECT_EQ(client.expect_content().body, "back");
  EXPECT_EQ(client.expect<amqp::BasicAck>(1).delivery_tag, 1u);
  client.publish(1, "", "nowhere", "dropped");
  EXPECT_EQ(client.expect<amqp::BasicAck>(1).delivery_tag, 2u);
}

TEST_F(Confirming, AcksOfOneTurnAreOneMultipleAck) {
  Client client(port());
  open(client);
  door_.run([&] { door_.hold_outcomes = true; });
  for (int i = 0; i < 20; ++i)
    client.publish(1, "", "q", "x");
  client.sync(1);
  door_.run([&] { door_.release_outcomes(); });
  auto ack = client.expect<amqp::BasicAck>(1);
  EXPECT_EQ(ack.delivery_tag, 20u);
  EXPECT_TRUE(ack.multiple);
}

TEST_F(Confirming, OutcomesInAnyOrderAreEachAnsweredOnce) {
  Client client(port());
  open(client);
  door_.run([&] { door_.hold_outcomes = true; });
  for (int i = 0; i < 5; ++i)
    client.publish(1, "", "q", "x");
  client.sync(1);
  door_.run([&] { door_.release_outcomes(true); });
  EXPECT_EQ(client.expect<amqp::BasicAck>(1).delivery_tag, 5u);
}

TEST_F(Confirming, RejectedPublishesAreNacked) {
  Client client(port());
  open(client);
  door_.run([&] { door_.publish_outcome = queue::OutcomeCode::rejected; });
  client.publish(1, "", "q", "x");
  EXPECT_EQ(client.expect<amqp::BasicNack>(1).delivery_tag, 1u);
  door_.run([&] { door_.publish_outcome = queue::OutcomeCode::timed_out; });
  client.publish(1, "", "q", "x");
  EXPECT_EQ(client.expect<amqp::BasicNack>(1).delivery_tag, 2u);
  door_.run([&] { door_.publish_outcome = queue::OutcomeCode::queue_gone; });
  client.publish(1, "", "q", "x");
  EXPECT_EQ(client.expect<amqp::BasicAck>(1).delivery_tag, 3u);
}

TEST_F(Confirming, WithoutALeasePublishesAreHeldAndThenRouted) {
  Client client(port());
  open(client);
  door_.run([&] { door_.routable = false; });
  client.publish(1, "", "q", "held");
  client.sync(1);
  EXPECT_EQ(ready("q"), 0u);
  door_.run([&] { door_.set_routable(true); });
  EXPECT_EQ(client.expect<amqp::BasicAck>(1).delivery_tag, 1u);
  EXPECT_EQ(ready("q"), 1u);
}

TEST_F(Confirming, WithoutALeaseConfirmedPublishesAreNackedInTime) {
  settings_.publish_timeout = Milliseconds{50};
  Client client(port());
  open(client);
  door_.run([&] { door_.routable = false; });
  client.publish(1, "", "q", "held");
  EXPECT_EQ(client.expect<amqp::BasicNack>(1).delivery_tag, 1u);
}

TEST_F(Publish, WithoutALeaseTheBoundBlocksTheConnection) {
  settings_.publish_hold_octets = 1000;
  Client client(port());
  client.open();
  client.declare(1, "q");
  door_.run([&] { door_.routable = false; });
  for (int i = 0; i < 20; ++i)
    client.publish(1, "", "q", std::string(100, 'x'));
  client.expect<amqp::ConnectionBlocked>(0);
  door_.run([&] { door_.set_routable(true); });
  client.expect<amqp::ConnectionUnblocked>(0);
  client.sync(1);
  EXPECT_EQ(ready("q"), 20u);
}

TEST_F(Publish, CloseWaitsForWhatIsHeld) {
  Client client(port());
  client.open();
  client.declare(1, "q");
  door_.run([&] { door_.routable = false; });
  client.publish(1, "", "q", "last words");
  client.send(0, amqp::ConnectionClose{200, "", 0, 0});
  client.close();
  Client other(port());
  other.open();
  door_.run([&] { door_.set_routable(true); });
  other.send(1, amqp::BasicGet{0, "q", true});
  other.expect<amqp::BasicGetOk>(1);
}

TEST_F(Publish, AFullGroupStopsReadingUntilItIsWritable) {
  Client client(port());
  client.open();
  client.declare(1, "q");
  door_.run([&] { door_.writable_now = false; });
  client.publish(1, "", "q", "first");
  door_.run([&] {});
  while (ready("q") == 0) {
  }
  client.publish(1, "", "q", "second");
  Client other(port());
  other.open();
  EXPECT_EQ(ready("q"), 1u);
  door_.run([&] { door_.set_writable(true); });
  client.sync(1);
  EXPECT_EQ(ready("q"), 2u);
}

TEST_F(Publish, AnAlarmBlocksWhoPublishesOnly) {
  Client publisher(port());
  publisher.open();
  publisher.declare(1, "q");
  Client other(port());
  other.open();
  group_->set_alarm("low on memory");
  publisher.publish(1, "", "q", "x");
  EXPECT_EQ(publisher.expect<amqp::ConnectionBlocked>(0).reason, "low on memory");
  other.sync(1);
  group_->set_alarm("");
  publisher.expect<amqp::ConnectionUnblocked>(0);
  publisher.sync(1);
}

TEST_F(Publish, WhoBeginsToPublishDuringAnAlarmIsTold) {
  Client publisher(port());
  publisher.open();
  group_->set_alarm("low on disk");
  publisher.sync(1);
  publisher.publish(1, "", "q", "x");
  EXPECT_EQ(publisher.expect<amqp::ConnectionBlocked>(0).reason, "low on disk");
  group_->set_alarm("");
  publisher.expect<amqp::ConnectionUnblocked>(0);
}

TEST_F(Publish, ABlockedPublisherThatGoesIsNoticed) {
  Client publisher(port());
  publisher.open();
  group_->set_alarm("low on memory");
  publisher.sync(1);
  publisher.publish(1, "", "q", "x");
  publisher.expect<amqp::ConnectionBlocked>(0);
  publisher.close();
  while (group_->open_count() > 0) {
  }
}

TEST(Ttl, IsAnIntegerInAString) {
  amqp::PropertyScan scan;
  EXPECT_FALSE(ttl_of(scan).value());
  scan.expiration = "60000";
  EXPECT_EQ(ttl_of(scan).value(), 60000u);
  for (std::string_view bad : {"", "abc", "1.5", "-1", "315360000001", "99999999999999999999"}) {
    scan.expiration = bad;
    EXPECT_FALSE(ttl_of(scan)) << bad;
  }
}

}  // namespace
}  // namespace warren::frontend
