#include "tests/unit/broker/frontend/harness.h"

namespace warren::frontend {
namespace {

class Consume : public FrontendTest {
 protected:
  void open(Client& client, int messages) {
    client.open();
    client.declare(1, "q");
    for (int i = 0; i < messages; ++i)
      client.publish(1, "", "q", std::to_string(i));
  }
  static std::uint64_t next(Client& client, std::string_view body, bool redelivered = false) {
    auto deliver = client.expect<amqp::BasicDeliver>(1);
    EXPECT_EQ(deliver.redelivered, redelivered);
    EXPECT_EQ(client.expect_content().body, body);
    return deliver.delivery_tag;
  }
  std::size_t settled() {
    std::size_t count = 0;
    door_.run([&] {
      for (const queue::Settle& settle : door_.settles)
        count += settle.messages.size();
    });
    return count;
  }
};

TEST_F(Consume, DeliveriesFollowConsumeOkInOrder) {
  Client client(port());
  open(client, 3);
  client.consume(1, "q", "c");
  EXPECT_EQ(next(client, "0"), 1u);
  EXPECT_EQ(next(client, "1"), 2u);
  EXPECT_EQ(next(client, "2"), 3u);
  client.send(1, amqp::BasicAck{3, true});
  client.sync(1);
  EXPECT_EQ(settled(), 3u);
}

TEST_F(Consume, DeliveriesKeepEnvelopeAndProperties) {
  Client client(port());
  open(client, 0);
  amqp::BasicProperties properties;
  properties.correlation_id = "42";
  properties.headers = amqp::FieldTable{{"n", std::int64_t{7}}};
  client.publish(1, "", "q", "", false, properties);
  client.consume(1, "q", "c");
  auto deliver = client.expect<amqp::BasicDeliver>(1);
  EXPECT_EQ(deliver.consumer_tag, "c");
  EXPECT_EQ(deliver.exchange, "");
  EXPECT_EQ(deliver.routing_key, "q");
  auto message = client.expect_content();
  EXPECT_EQ(amqp::decode_properties(message.properties).value(), properties);
  EXPECT_EQ(message.body, "");
}

TEST_F(Consume, PrefetchBoundsWhatAConsumerHolds) {
  Client client(port());
  open(client, 3);
  client.send(1, amqp::BasicQos{0, 1, false});
  client.expect<amqp::BasicQosOk>(1);
  client.consume(1, "q", "c");
  const std::uint64_t tag = next(client, "0");
  client.sync(1);
  client.send(1, amqp::BasicAck{tag, false});
  next(client, "1");
}

TEST_F(Consume, GlobalPrefetchIsSharedByTheChannel) {
  Client client(port());
  open(client, 5);
  client.send(1, amqp::BasicQos{0, 2, true});
  client.expect<amqp::BasicQosOk>(1);
  client.consume(1, "q", "a");
  next(client, "0");
  next(client, "1");
  client.consume(1, "q", "b");
  client.sync(1);
  client.send(1, amqp::BasicAck{1, false});
  auto deliver = client.expect<amqp::BasicDeliver>(1);
  EXPECT_EQ(deliver.delivery_tag, 3u);
  client.expect_content();
  client.sync(1);
}

TEST_F(Consume, GlobalPrefetchHoldsBackNobodyWhoDoesNotAck) {
  Client client(port());
  open(client, 3);
  client.declare(1, "other");
  client.publish(1, "", "other", "free");
  client.send(1, amqp::BasicQos{0, 1, true});
  client.expect<amqp::BasicQosOk>(1);
  client.consume(1, "q", "a");
  next(client, "0");
  client.consume(1, "q", "b");  // lent what it may not have yet
  client.consume(1, "other", "c", true);
  next(client, "free");
  client.sync(1);
  client.send(1, amqp::BasicAck{1, false});
  next(client, "1");
}

TEST_F(Consume, GlobalPrefetchIsLiveForConsumersThatAreThere) {
  Client client(port());
  open(client, 6);
  client.send(1, amqp::BasicQos{0, 1, true});
  client.expect<amqp::BasicQosOk>(1);
  client.consume(1, "q", "a");
  next(client, "0");
  client.send(1, amqp::BasicQos{0, 3, true});
  client.expect<amqp::BasicQosOk>(1);
  next(client, "1");
  next(client, "2");
  client.sync(1);
  client.send(1, amqp::BasicQos{0, 2, true});
  client.expect<amqp::BasicQosOk>(1);
  client.send(1, amqp::BasicAck{1, false});
  client.sync(1);
  client.send(1, amqp::BasicQos{0, 0, true});
  client.expect<amqp::BasicQosOk>(1);
  for (const char* body : {"3", "4", "5"})
    next(client, body);
}

TEST_F(Consume, ALiftedGlobalPrefetchLeavesAConsumerItsOwn) {
  Client client(port());
  open(client, 4);
  client.send(1, amqp::BasicQos{0, 2, false});
  client.expect<amqp::BasicQosOk>(1);
  client.send(1, amqp::BasicQos{0, 1, true});
  client.expect<amqp::BasicQosOk>(1);
  client.consume(1, "q", "a");
  next(client, "0");
  client.sync(1);
  client.send(1, amqp::BasicQos{0, 0, true});
  client.expect<amqp::BasicQosOk>(1);
  next(client, "1");
  client.sync(1);
  EXPECT_EQ(listings().at(0).channels.at(0).consumers.at(0).prefetch, 2u);
}

TEST_F(Consume, PrefetchSizeIsNotImplemented) {
  Client client(port());
  client.open();
  client.send(1, amqp::BasicQos{1, 0, false});
  EXPECT_EQ(client.expect<amqp::ConnectionClose>(0).reply_code, 540);
}

TEST_F(Consume, AutomaticAcksSettleWhatTheSocketTook) {
  Client client(port());
  open(client, 4);
  client.consume(1, "q", "c", true);
  for (int i = 0; i < 4; ++i)
    next(client, std::to_string(i));
  while (settled() < 4) {
  }
  client.send(1, amqp::BasicAck{1, false});
  client.expect_close(1, 406, "PRECONDITION_FAILED - unknown delivery tag 1");
}

TEST_F(Consume, UnknownTagsCloseTheChannelAndReturnTheRest) {
  Client client(port());
  open(client, 2);
  client.consume(1, "q", "c");
  next(client, "0");
  next(client, "1");
  client.send(1, amqp::BasicAck{1, false});
  client.send(1, amqp::BasicAck{1, false});
  client.expect_close(1, 406, "PRECONDITION_FAILED - unknown delivery tag 1");
  client.open_channel(1);
  EXPECT_EQ(ready("q"), 1u);
  client.send(1, amqp::BasicAck{0, true});
  client.sync(1);
  client.send(1, amqp::BasicAck{0, false});
  client.expect_close(1, 406, "PRECONDITION_FAILED - unknown delivery tag 0");
}

// Whoever reads it may look for them at once, on any channel.
TEST_F(Consume, AnErrorIsToldOnceWhatTheChannelHeldIsBack) {
  Client client(port());
  open(client, 1);
  client.open_channel(2);
  client.consume(1, "q", "c");
  next(client, "0");
  door_.run([&] { door_.stall = true; });
  client.send(1, amqp::BasicAck{9, false});
  client.send(1, amqp::BasicQos{});  // dropped, as is whatever comes behind the error
  client.sync(2);                    // which has nothing to tell yet
  door_.run([&] { door_.unstall(); });
  client.expect_close(1, 406, "PRECONDITION_FAILED - unknown delivery tag 9");
  client.open_channel(1);
}

TEST_F(Consume, ACloseThatCrossesAnErrorIsAnsweredBehindIt) {
  Client client(port());
  open(client, 1);
  client.open_channel(2);
  client.consume(1, "q", "c");
  next(client, "0");
  door_.run([&] { door_.stall = true; });
  client.send(1, amqp::BasicAck{9, false});
  client.send(1, amqp::ChannelClose{200, "bye", 0, 0});
  client.sync(2);
  door_.run([&] { door_.unstall(); });
  EXPECT_EQ(client.expect<amqp::ChannelClose>(1).reply_code, 406);
  client.expect<amqp::ChannelCloseOk>(1);
  client.send(1, amqp::ChannelCloseOk{});
  client.open_channel(1);
}

TEST_F(Consume, AConnectionCloseWaitsForWhatAnErrorReturns) {
  Client client(port());
  open(client, 1);
  client.open_channel(2);
  client.consume(1, "q", "c");
  next(client, "0");
  door_.run([&] { door_.stall = true; });
  client.send(1, amqp::BasicAck{9, false});
  client.sync(2);
  client.send(0, amqp::ConnectionClose{200, "bye", 0, 0});
  door_.run([&] { door_.unstall(); });
  client.expect_close(1, 406, "PRECONDITION_FAILED - unknown delivery tag 9");
  client.expect<amqp::ConnectionCloseOk>(0);
}

TEST_F(Consume, NackAndRejectReturnToTheQueue) {
  Client client(port());
  open(client, 2);
  client.send(1, amqp::BasicQos{0, 2, false});
  client.expect<amqp::BasicQosOk>(1);
  client.consume(1, "q", "c");
  next(client, "0");
  next(client, "1");
  client.send(1, amqp::BasicNack{1, false, true});
  EXPECT_EQ(next(client, "0", true), 3u);
  client.send(1, amqp::BasicReject{2, true});
  auto deliver = client.expect<amqp::BasicDeliver>(1);
  EXPECT_TRUE(deliver.redelivered);
  EXPECT_FALSE(amqp::decode_properties(client.expect_content().properties)->headers);
}

TEST_F(Consume, OnlyQuorumQueuesTellHowOftenAMessageCameBack) {
  Client client(port());
  client.open();
  client.send(1, amqp::QueueDeclare{0, "quorum", false, true, false, false, false,
                                    amqp::FieldTable{{"x-queue-type", "quorum"}}});
  client.expect<amqp::QueueDeclareOk>(1);
  client.publish(1, "", "quorum", "x");
  client.consume(1, "quorum", "c");
  next(client, "x");
  client.send(1, amqp::BasicReject{1, true});
  EXPECT_TRUE(client.expect<amqp::BasicDeliver>(1).redelivered);
  auto headers = amqp::decode_properties(client.expect_content().properties)->headers;
  ASSERT_TRUE(headers);
  EXPECT_EQ(headers->as_integer("x-delivery-count"), 1);
}

TEST_F(Consume, RecoverReturnsEverything) {
  Client client(port());
  open(client, 2);
  client.consume(1, "q", "c");
  next(client, "0");
  next(client, "1");
  client.send(1, amqp::BasicRecover{true});
  client.expect<amqp::BasicRecoverOk>(1);
  next(client, "0", true);
  next(client, "1", true);
  client.send(1, amqp::BasicRecover{false});
  client.expect_end(540, "NOT_IMPLEMENTED - requeue=false");
}

TEST_F(Consume, ARefusedHoldingIsSettledSilently) {
  Client client(port());
  open(client, 1);
  client.consume(1, "q", "c");
  next(client, "0");
  door_.run([&] { door_.refuse_holdings("q"); });
  client.send(1, amqp::BasicAck{1, false});
  client.sync(1);
  EXPECT_EQ(settled(), 0u);
}

TEST_F(Consume, ATagIsUsedOnce) {
  Client client(port());
  open(client, 0);
  client.consume(1, "q", "c");
  client.send(1, amqp::BasicConsume{0, "q", "c", false, false, false, false, {}});
  client.expect_end(530, "NOT_ALLOWED - attempt to reuse consumer tag 'c'");
}

TEST_F(Consume, TheServerNamesAConsumer) {
  Client client(port());
  open(client, 0);
  client.send(1, amqp::BasicConsume{0, "q", "", false, false, false, false, {}});
  auto tag = client.expect<amqp::BasicConsumeOk>(1).consumer_tag;
  EXPECT_TRUE(tag.starts_with("amq.ctag-"));
  EXPECT_EQ(tag.size(), 31u);
}

TEST_F(Consume, ErrorsAreRabbitMqs) {
  Client client(port());
  open(client, 0);
  client.send(1, amqp::BasicConsume{0, "none", "c", false, false, false, false, {}});
  client.expect_close(1, 404, "NOT_FOUND - no queue 'none' in vhost '/'");
  client.open_channel(1);
  client.send(1, amqp::BasicConsume{0, "q", "c", false, false, false, false,
                                    amqp::FieldTable{{"x-priority", "high"}}});
  client.expect_close(1, 406,
                      "PRECONDITION_FAILED - invalid arg 'x-priority' for queue 'q' in vhost '/': "
                      "\"expected integer, got longstr\"");
  client.open_channel(1);
  client.consume(1, "q", "first");
  client.open_channel(2);
  client.send(2, amqp::BasicConsume{0, "q", "c", false, false, true, false, {}});
  client.expect_close(2, 403, "ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use");
}

TEST_F(Consume, CancelOkIsTheLastThatAConsumerSees) {
  Client client(port());
  open(client, 0);
  client.consume(1, "q", "c");
  client.send(1, amqp::BasicCancel{"c", false});
  EXPECT_EQ(client.expect<amqp::BasicCancelOk>(1).consumer_tag, "c");
  client.send(1, amqp::BasicCancel{"never", false});
  EXPECT_EQ(client.expect<amqp::BasicCancelOk>(1).consumer_tag, "never");
  client.publish(1, "", "q", "x");
  client.sync(1);
  EXPECT_EQ(ready("q"), 1u);
}

TEST_F(Consume, ConsumersHearThatTheirQueueIsGone) {
  Client client(port());
  open(client, 0);
  client.consume(1, "q", "c");
  client.open_channel(2);
  client.send(2, amqp::QueueDelete{0, "q", false, false, false});
  auto cancel = client.expect<amqp::BasicCancel>(1);
  EXPECT_EQ(cancel.consumer_tag, "c");
  EXPECT_TRUE(cancel.no_wait);
  client.expect<amqp::QueueDeleteOk>(2);
}

TEST_F(Consume, GetCountsWhatIsLeft) {
  Client client(port());
  open(client, 2);
  client.send(1, amqp::BasicGet{0, "q", false});
  auto got = client.expect<amqp::BasicGetOk>(1);
  EXPECT_EQ(got.delivery_tag, 1u);
  EXPECT_EQ(got.message_count, 1u);
  EXPECT_EQ(client.expect_content().body, "0");
  client.send(1, amqp::BasicGet{0, "q", true});
  EXPECT_EQ(client.expect<amqp::BasicGetOk>(1).message_count, 0u);
  client.expect_content();
  client.send(1, amqp::BasicGet{0, "q", true});
  client.expect<amqp::BasicGetEmpty>(1);
  client.send(1, amqp::BasicNack{1, false, true});
  client.send(1, amqp::BasicGet{0, "q", true});
  EXPECT_TRUE(client.expect<amqp::BasicGetOk>(1).redelivered);
  EXPECT_EQ(client.expect_content().body, "0");
}

TEST_F(Consume, ALostConnectionReturnsWhatItHolds) {
  {
    Client client(port());
    open(client, 2);
    client.consume(1, "q", "c");
    next(client, "0");
    next(client, "1");
  }
  Client other(port());
  other.open();
  other.consume(1, "q", "c");
  next(other, "0", true);
  next(other, "1", true);
}

TEST_F(Consume, ASlowConsumerIsBoundedByItsSocket) {
  settings_.output_octets = 100'000;
  Client client(port());
  open(client, 0);
  const std::string body(50'000, 'x');
  for (int i = 0; i < 400; ++i)
    client.publish(1, "", "q", body);
  client.consume(1, "q", "c", true);
  auto all = listings();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_LT(all[0].send_pending, 300'000u);
  for (int i = 0; i < 400; ++i)
    next(client, body);
  while (settled() < 400) {
  }
}

TEST_F(Consume, TheLeaderIsToldWhatTheSocketTookWithoutAcks) {
  Client client(port());
  open(client, 0);
  for (int i = 0; i < 30; ++i)
    client.publish(1, "", "q", std::string(20'000, 'x'));
  client.consume(1, "q", "c");
  for (int i = 0; i < 30; ++i)
    next(client, std::string(20'000, 'x'));
  std::uint64_t taken = 0;
  while (taken < 30)
    door_.run([&] { taken = door_.taken_messages; });
  EXPECT_EQ(taken, 30u);
}

}  // namespace
}  // namespace warren::frontend
