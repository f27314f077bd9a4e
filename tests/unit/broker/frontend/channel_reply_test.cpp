// Direct reply-to.
#include "tests/unit/broker/frontend/harness.h"

namespace warren::frontend {
namespace {

constexpr const char* pseudo = "amq.rabbitmq.reply-to";

class Replies : public FrontendTest {
 protected:
  // What the server of a request to queue "rpc" is told to answer to.
  std::string request(Client& asker, Client& server) {
    amqp::BasicProperties properties;
    properties.reply_to = pseudo;
    properties.correlation_id = "7";
    asker.publish(1, "", "rpc", "question", false, properties);
    asker.sync(1);
    server.send(1, amqp::BasicGet{0, "rpc", true});
    server.expect<amqp::BasicGetOk>(1);
    auto got = amqp::decode_properties(server.expect_content().properties);
    EXPECT_EQ(got->correlation_id, "7");
    return got->reply_to.value_or("");
  }
  void open(Client& asker, Client& server) {
    asker.open();
    server.open();
    server.declare(1, "rpc");
    asker.consume(1, pseudo, "mine", true);
  }
};

TEST_F(Replies, GoStraightToWhoAsked) {
  Client asker(port()), server(port());
  open(asker, server);
  const std::string to = request(asker, server);
  EXPECT_TRUE(to.starts_with("amq.rabbitmq.reply-to."));
  amqp::BasicProperties properties;
  properties.correlation_id = "7";
  server.publish(1, "", to, "answer", false, properties);
  auto delivered = asker.expect<amqp::BasicDeliver>(1);
  EXPECT_EQ(delivered.consumer_tag, "mine");
  EXPECT_EQ(delivered.delivery_tag, 1u);
  EXPECT_FALSE(delivered.redelivered);
  EXPECT_EQ(delivered.exchange, "");
  EXPECT_EQ(delivered.routing_key, to);
  Message answer = asker.expect_content();
  EXPECT_EQ(answer.body, "answer");
  EXPECT_EQ(amqp::decode_properties(answer.properties)->correlation_id, "7");
  EXPECT_EQ(request(asker, server), to) << "one address a consumer";
  door_.run([&] { EXPECT_EQ(door_.publishes.size(), 2u) << "replies are no publishes to queues"; });
}

// Each tells the tag of the next delivery, which gets it all the same.
TEST_F(Replies, TakeNoDeliveryTag) {
  Client asker(port()), server(port());
  open(asker, server);
  const std::string to = request(asker, server);
  asker.declare(1, "work");
  asker.consume(1, "work", "worker");
  auto tag_of_next = [&](std::string_view body) {
    const std::uint64_t tag = asker.expect<amqp::BasicDeliver>(1).delivery_tag;
    EXPECT_EQ(asker.expect_content().body, body);
    return tag;
  };
  for (int i = 0; i < 2; ++i) {
    server.publish(1, "", to, "answer");
    EXPECT_EQ(tag_of_next("answer"), 1u);
  }
  asker.publish(1, "", "work", "to do");
  EXPECT_EQ(tag_of_next("to do"), 1u);
  server.publish(1, "", to, "answer");
  EXPECT_EQ(tag_of_next("answer"), 2u);
}

TEST_F(Replies, ConsumingIsCheckedInRabbitMqsOrder) {
  Client client(port());
  client.open();
  client.send(1, amqp::BasicConsume{0, pseudo, "t", false, false, false, false, {}});
  client.expect_close(1, 406, "PRECONDITION_FAILED - reply consumer cannot acknowledge");
  client.open_channel(1);
  client.consume(1, pseudo, "t", true);
  client.send(1, amqp::BasicConsume{0, pseudo, "t", false, false, false, false, {}});
  client.expect_close(1, 406, "PRECONDITION_FAILED - reply consumer cannot acknowledge");
  client.open_channel(1);
  client.consume(1, pseudo, "t", true);
  client.send(1, amqp::BasicConsume{0, pseudo, "other", false, true, false, false, {}});
  client.expect_close(1, 406, "PRECONDITION_FAILED - reply consumer already set");
  client.open_channel(1);
  client.declare(1, "q");
  client.consume(1, "q", "t");
  client.send(1, amqp::BasicConsume{0, pseudo, "t", false, false, false, false, {}});
  client.expect_end(530, "NOT_ALLOWED - attempt to reuse consumer tag 't'");
}

TEST_F(Replies, ARequestWithoutAConsumerIsRefusedAfterItsExchange) {
  Client client(port());
  client.open();
  amqp::BasicProperties properties;
  properties.reply_to = pseudo;
  properties.expiration = "never";
  client.publish(1, "none", "rpc", "x", false, properties);
  client.expect_close(1, 404, "NOT_FOUND - no exchange 'none' in vhost '/'");
  client.open_channel(1);
  client.publish(1, "", "rpc", "x", false, properties);
  client.expect_close(1, 406, "PRECONDITION_FAILED - fast reply consumer does not exist");
  // Another channel's consumer is none of this one's.
  client.open_channel(2);
  client.consume(2, pseudo, "t", true);
  client.open_channel(1);
  client.publish(1, "", "rpc", "x", false, properties);
  client.expect_close(1, 406, "PRECONDITION_FAILED - fast reply consumer does not exist");
}

TEST_F(Replies, OtherReplyTosStayAsTheyAre) {
  Client asker(port()), server(port());
  open(asker, server);
  amqp::BasicProperties properties;
  properties.reply_to = "my.own.queue";
  asker.publish(1, "", "rpc", "question", false, properties);
  asker.sync(1);
  server.send(1, amqp::BasicGet{0, "rpc", true});
  server.expect<amqp::BasicGetOk>(1);
  EXPECT_EQ(amqp::decode_properties(server.expect_content().properties)->reply_to, "my.own.queue");
}

TEST_F(Replies, DeclareAsksWhetherSomebodyWaits) {
  Client asker(port()), server(port());
  open(asker, server);
  const std::string to = request(asker, server);
  for (bool passive : {false, true}) {
    server.send(1, amqp::QueueDeclare{0, to, passive, false, false, false, false, {}});
    auto ok = server.expect<amqp::QueueDeclareOk>(1);
    EXPECT_EQ(ok.queue, to);
    EXPECT_EQ(ok.message_count, 0u);
    EXPECT_EQ(ok.consumer_count, 1u);
  }
  server.declare(1, pseudo);
  asker.send(1, amqp::BasicCancel{"mine", false});
  asker.expect<amqp::BasicCancelOk>(1);
  server.send(1, amqp::QueueDeclare{0, to, false, false, false, false, false, {}});
  server.expect_close(1, 404, "NOT_FOUND - no queue '" + to + "' in vhost '/'");
  server.open_channel(1);
  server.send(1, amqp::QueueDeclare{
                     0, std::string(pseudo) + ".rubbish", true, false, false, false, false, {}});
  server.expect_close(1, 404, "NOT_FOUND - no queue 'amq.rabbitmq.reply-to.rubbish' in vhost '/'");
}

TEST_F(Replies, NothingIsBoundToAReplyQueue) {
  Client client(port());
  client.open();
  client.send(1, amqp::QueueBind{0, pseudo, "amq.direct", "k", false, {}});
  EXPECT_EQ(client.expect<amqp::ChannelClose>(1).reply_code, 403);
}

TEST_F(Replies, WhoIsGoneIsAsUnroutableAsAnyQueue) {
  Client asker(port()), server(port());
  open(asker, server);
  const std::string to = request(asker, server);
  server.send(1, amqp::ConfirmSelect{});
  server.expect<amqp::ConfirmSelectOk>(1);
  server.publish(1, "", to, "in time", true);
  EXPECT_EQ(server.expect<amqp::BasicAck>(1).delivery_tag, 1u);
  asker.expect<amqp::BasicDeliver>(1);
  asker.expect_content();
  asker.send(1, amqp::ChannelClose{200, "", 0, 0});
  asker.expect<amqp::ChannelCloseOk>(1);
  server.publish(1, "", to, "too late");
  EXPECT_EQ(server.expect<amqp::BasicAck>(1).delivery_tag, 2u);
  server.publish(1, "", to, "too late", true);
  auto returned = server.expect<amqp::BasicReturn>(1);
  EXPECT_EQ(returned.reply_code, 312);
  EXPECT_EQ(returned.routing_key, to);
  EXPECT_EQ(server.expect_content().body, "too late");
  EXPECT_EQ(server.expect<amqp::BasicAck>(1).delivery_tag, 3u);
}

TEST_F(Replies, AddressOfAnEarlierConsumerIsVoid) {
  Client asker(port()), server(port());
  open(asker, server);
  const std::string before = request(asker, server);
  asker.send(1, amqp::BasicCancel{"mine", false});
  asker.expect<amqp::BasicCancelOk>(1);
  asker.consume(1, pseudo, "again", true);
  const std::string now = request(asker, server);
  EXPECT_NE(now, before);
  server.publish(1, "", before, "to nobody", true);
  server.expect<amqp::BasicReturn>(1);
  server.expect_content();
  server.publish(1, "", now, "to somebody");
  EXPECT_EQ(asker.expect<amqp::BasicDeliver>(1).consumer_tag, "again");
}

TEST_F(Replies, ACopyMayBeAReply) {
  Client asker(port()), server(port());
  open(asker, server);
  amqp::FieldArray cc;
  cc.values.push_back(request(asker, server));
  amqp::BasicProperties properties;
  properties.headers = amqp::FieldTable{{"CC", cc}};
  server.send(1, amqp::ConfirmSelect{});
  server.expect<amqp::ConfirmSelectOk>(1);
  server.publish(1, "", "rpc", "to both", false, properties);
  server.expect<amqp::BasicAck>(1);
  asker.expect<amqp::BasicDeliver>(1);
  EXPECT_EQ(asker.expect_content().body, "to both");
  EXPECT_EQ(ready("rpc"), 1u);
}

TEST_F(Replies, ALargeReplyArrivesWhole) {
  settings_.body_part_octets = 1000;
  Client asker(port()), server(port());
  open(asker, server);
  const std::string to = request(asker, server);
  std::string body;
  for (int i = 0; i < 300'000; ++i)
    body.push_back(static_cast<char>(i * 7));
  server.send(1, amqp::ConfirmSelect{});
  server.expect<amqp::ConfirmSelectOk>(1);
  server.publish(1, "", to, body);
  server.expect<amqp::BasicAck>(1);
  asker.expect<amqp::BasicDeliver>(1);
  EXPECT_TRUE(asker.expect_content().body == body);
  asker.send(1, amqp::BasicCancel{"mine", false});
  asker.expect<amqp::BasicCancelOk>(1);
  server.publish(1, "", to, body, true);
  server.expect<amqp::BasicReturn>(1);
  EXPECT_TRUE(server.expect_content().body == body);
}

TEST_F(Replies, ALargeRequestNamesTheChannelToo) {
  settings_.body_part_octets = 1000;
  Client asker(port()), server(port());
  open(asker, server);
  amqp::BasicProperties properties;
  properties.reply_to = pseudo;
  asker.publish(1, "", "rpc", std::string(300'000, 'q'), false, properties);
  asker.sync(1);
  server.send(1, amqp::BasicGet{0, "rpc", true});
  server.expect<amqp::BasicGetOk>(1);
  auto got = amqp::decode_properties(server.expect_content().properties);
  EXPECT_TRUE(got->reply_to->starts_with("amq.rabbitmq.reply-to."));
}

TEST_F(Replies, ASlowAskerTakesNoMoreThanItsSocketsRoom) {
  settings_.output_octets = 100'000;
  Client asker(port()), server(port());
  open(asker, server);
  const std::string to = request(asker, server);
  server.send(1, amqp::ConfirmSelect{});
  server.expect<amqp::ConfirmSelectOk>(1);
  const std::string body(90'000, 'x');
  int returned = 0;
  for (std::uint64_t sent = 1; sent <= 400 && returned == 0; ++sent) {
    server.publish(1, "", to, body, true);
    auto frame = server.read_frame();
    ASSERT_TRUE(frame);
    const auto method = amqp::decode_method(frame->payload);
    if (std::holds_alternative<amqp::BasicReturn>(*method)) {
      ++returned;
      EXPECT_EQ(server.expect_content().body.size(), body.size());
      server.expect<amqp::BasicAck>(1);
    }
  }
  EXPECT_EQ(returned, 1) << "36 MB cannot all be in the kernel's buffers";
}

TEST_F(Replies, ALostIncarnationCancelsTheConsumer) {
  Client asker(port()), server(port());
  open(asker, server);
  door_.run([&] { door_.lose_incarnation(); });
  auto cancelled = asker.expect<amqp::BasicCancel>(1);
  EXPECT_EQ(cancelled.consumer_tag, "mine");
  EXPECT_TRUE(cancelled.no_wait);
}

TEST_F(Replies, RequestsThatWaitForALeaseNameTheConsumerOfTheirTime) {
  Client asker(port()), server(port());
  open(asker, server);
  door_.run([&] { door_.routable = false; });
  amqp::BasicProperties properties;
  properties.reply_to = pseudo;
  asker.publish(1, "", "rpc", "held", false, properties);
  asker.send(1, amqp::BasicCancel{"mine", false});
  asker.expect<amqp::BasicCancelOk>(1);
  door_.run([&] { door_.set_routable(true); });
  asker.sync(1);
  EXPECT_EQ(ready("rpc"), 1u);
}

}  // namespace
}  // namespace warren::frontend
