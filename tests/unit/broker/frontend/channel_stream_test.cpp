// Streams, as a channel reads them.
#include "tests/unit/broker/frontend/harness.h"

namespace warren::frontend {
namespace {

using Table = amqp::FieldTable;

class Stream : public FrontendTest {
 protected:
  void declare(Client& client, const std::string& name, Table arguments = {}) {
    arguments.add("x-queue-type", "stream");
    client.send(1, amqp::QueueDeclare{0, name, false, true, false, false, false, arguments});
    client.expect<amqp::QueueDeclareOk>(1);
  }
  // Stream "s" holds so many messages.
  void open(Client& client, int messages, std::uint16_t prefetch = 10) {
    client.open();
    declare(client, "s");
    for (int i = 0; i < messages; ++i)
      client.publish(1, "", "s", std::to_string(i));
    qos(client, prefetch, false);
  }
  static void qos(Client& client, std::uint16_t count, bool global) {
    client.send(1, amqp::BasicQos{0, count, global});
    client.expect<amqp::BasicQosOk>(1);
  }
  static amqp::BasicConsume consume_method(const std::string& tag, const Table& arguments = {},
                                           bool no_ack = false) {
    return {0, "s", tag, false, no_ack, false, false, arguments};
  }
  static std::string consume(Client& client, const std::string& tag, const Table& arguments = {}) {
    client.send(1, consume_method(tag, arguments));
    return client.expect<amqp::BasicConsumeOk>(1).consumer_tag;
  }
  static std::uint64_t next(Client& client, std::int64_t offset) {
    const std::uint64_t tag = client.expect<amqp::BasicDeliver>(1).delivery_tag;
    const Message message = client.expect_content();
    const auto headers = amqp::decode_properties(message.properties).value().headers;
    EXPECT_TRUE(headers);
    if (headers) EXPECT_EQ(headers->as_integer("x-stream-offset"), offset);
    EXPECT_EQ(message.body, std::to_string(offset));
    return tag;
  }
  std::vector<std::uint64_t> acknowledged() {
    std::vector<std::uint64_t> offsets;
    door_.run([&] {
      for (const auto& [consumer, some] : door_.acknowledged)
        for (Ordinal offset : some)
          offsets.push_back(offset.value);
    });
    return offsets;
  }
  std::size_t calls() {
    std::size_t count = 0;
    door_.run([&] { count = door_.acknowledge_calls; });
    return count;
  }
  std::size_t settles() {
    std::size_t count = 0;
    door_.run([&] { count = door_.settles.size(); });
    return count;
  }
  std::optional<queue::StreamReading> asked() {
    std::optional<queue::StreamReading> reading;
    door_.run([&] { reading = door_.last_reading; });
    return reading;
  }
};

using Offsets = std::vector<std::uint64_t>;

TEST_F(Stream, DeliveriesTellTheirOffsetAmongTheHeadersOfThePublisher) {
  Client client(port());
  open(client, 0);
  amqp::BasicProperties properties;
  properties.correlation_id = "42";
  properties.headers = Table{{"x-stream-offset", std::int64_t{99}}, {"n", std::int64_t{7}}};
  client.publish(1, "", "s", "", false, properties);
  consume(client, "c");
  client.expect<amqp::BasicDeliver>(1);
  properties.headers = Table{{"n", std::int64_t{7}}, {"x-stream-offset", std::int64_t{0}}};
  EXPECT_EQ(amqp::decode_properties(client.expect_content().properties).value(), properties);
}

TEST_F(Stream, AckNackAndRejectAllMakeRoomAndSettleNothing) {
  Client client(port());
  open(client, 6, 3);
  consume(client, "c");
  next(client, 0);
  const std::uint64_t second = next(client, 1), third = next(client, 2);
  client.send(1, amqp::BasicReject{third, true});
  next(client, 3);
  client.send(1, amqp::BasicNack{second, true, true});
  next(client, 4);
  const std::uint64_t last = next(client, 5);
  client.send(1, amqp::BasicAck{last, true});
  client.sync(1);
  EXPECT_EQ(acknowledged(), (Offsets{2, 0, 1, 3, 4, 5}));
  EXPECT_EQ(settles(), 0u);
}

TEST_F(Stream, AcksOfATurnGoInOneCall) {
  Client client(port());
  open(client, 10);
  consume(client, "c");
  std::string acks;
  for (int i = 0; i < 10; ++i)
    acks += Client::frame(1, amqp::BasicAck{next(client, i), false});
  client.send_raw(acks);
  client.sync(1);
  EXPECT_EQ(acknowledged().size(), 10u);
  EXPECT_EQ(calls(), 1u);
}

TEST_F(Stream, RecoverCountsAsReadToo) {
  Client client(port());
  open(client, 2);
  consume(client, "c");
  next(client, 0);
  next(client, 1);
  client.send(1, amqp::BasicRecover{true});
  client.expect<amqp::BasicRecoverOk>(1);
  client.sync(1);
  EXPECT_EQ(acknowledged(), (Offsets{0, 1}));
  EXPECT_EQ(settles(), 0u);
}

TEST_F(Stream, ATransactionAcknowledgesWithItsCommit) {
  Client client(port());
  open(client, 2);
  client.send(1, amqp::TxSelect{});
  client.expect<amqp::TxSelectOk>(1);
  consume(client, "c");
  const std::uint64_t first = next(client, 0);
  next(client, 1);
  client.send(1, amqp::BasicAck{first, false});
  client.send(1, amqp::TxRollback{});
  client.expect<amqp::TxRollbackOk>(1);
  EXPECT_TRUE(acknowledged().empty());
  client.send(1, amqp::BasicAck{first, false});
  client.send(1, amqp::TxCommit{});
  client.expect<amqp::TxCommitOk>(1);
  client.sync(1);
  EXPECT_EQ(acknowledged(), Offsets{0});
  EXPECT_EQ(settles(), 0u);
}

TEST_F(Stream, NothingIsGivenBackWhenAConsumerOrItsChannelEnds) {
  Client client(port());
  open(client, 4, 2);
  consume(client, "c");
  const std::uint64_t tag = next(client, 0);
  next(client, 1);
  client.send(1, amqp::BasicCancel{"c", false});
  client.expect<amqp::BasicCancelOk>(1);
  client.send(1, amqp::BasicAck{tag, false});
  client.send(1, amqp::ChannelClose{200, "bye", 0, 0});
  client.expect<amqp::ChannelCloseOk>(1);
  EXPECT_EQ(acknowledged(), Offsets{0}) << "what was read may be acknowledged after the cancel";
  EXPECT_EQ(settles(), 0u);
}

TEST_F(Stream, AReaderThatDoesNotAcknowledgeInTimeIsCancelled) {
  settings_.consumer_timeout = Milliseconds(100);
  Client client(port());
  open(client, 1);
  consume(client, "late");
  const std::uint64_t tag = next(client, 0);
  EXPECT_EQ(client.expect<amqp::BasicCancel>(1).consumer_tag, "late");
  client.send(1, amqp::BasicAck{tag, false});
  client.sync(1);
  EXPECT_TRUE(acknowledged().empty());
  EXPECT_EQ(settles(), 0u);
}

TEST_F(Stream, TheQueueIsToldWhatTheReaderAsksFor) {
  Client client(port());
  open(client, 0);
  declare(client, "shared", {{"x-single-active-consumer", true}});
  consume(client, "a", {{"x-stream-offset", std::int64_t{5}}, {"x-stream-filter", "f"}});
  queue::StreamReading expected;
  expected.from = queue::StreamPoint::offset;
  expected.at = 5;
  expected.filters = {"f"};
  EXPECT_EQ(asked(), expected);
  consume(client, "b");
  EXPECT_TRUE(asked()->tracked);
  EXPECT_TRUE(consume(client, "").starts_with("amq.ctag-"));
  EXPECT_FALSE(asked()->tracked);
  client.send(1, amqp::BasicConsume{0, "shared", "", false, false, false, false, {}});
  client.expect<amqp::BasicConsumeOk>(1);
  EXPECT_TRUE(asked()->tracked);
  client.declare(1, "q");
  client.consume(1, "q", "d");
  EXPECT_EQ(asked(), std::nullopt);
}

TEST_F(Stream, AReaderNeedsAPrefetchOfItsOwn) {
  Client client(port());
  open(client, 0, 0);
  client.send(1, consume_method("c"));
  client.expect_close(
      1, 406,
      "PRECONDITION_FAILED - consumer prefetch count is not set for 'queue 's' in vhost '/''");
}

TEST_F(Stream, AutomaticAcksAreRefused) {
  Client client(port());
  open(client, 0);
  client.send(1, consume_method("c", {}, true));
  client.expect_end(540,
                    "NOT_IMPLEMENTED - automatic acknowledgement not supported by stream queues "
                    "queue 's' in vhost '/'");
}

TEST_F(Stream, AReaderUnderAPrefetchOfTheChannelIsRefused) {
  Client client(port());
  open(client, 0);
  qos(client, 5, true);
  client.send(1, consume_method("c"));
  client.expect_end(540, "NOT_IMPLEMENTED - queue 's' in vhost '/' does not support global qos");
}

TEST_F(Stream, APrefetchOfTheChannelThatComesLaterIsForQueuesOnly) {
  Client client(port());
  open(client, 2, 3);
  consume(client, "c");
  next(client, 0);
  next(client, 1);
  qos(client, 1, true);
  client.publish(1, "", "s", "2");
  next(client, 2);
  client.declare(1, "q");
  client.publish(1, "", "q", "x");
  client.consume(1, "q", "d");
  EXPECT_EQ(client.expect<amqp::BasicDeliver>(1).consumer_tag, "d")
      << "what was read does not count";
}

TEST_F(Stream, ABadOffsetIsRefused) {
  Client client(port());
  open(client, 0);
  client.send(1, consume_method("c", {{"x-stream-offset", "yesterday"}}));
  client.expect_close(1, 406,
                      "PRECONDITION_FAILED - invalid arg 'x-stream-offset' for queue 's' in vhost "
                      "'/': {invalid_stream_offset_arg,{longstr,<<\"yesterday\">>}}");
}

TEST_F(Stream, GetIsRefused) {
  Client client(port());
  open(client, 1);
  client.send(1, amqp::BasicGet{0, "s", false});
  client.expect_end(
      540, "NOT_IMPLEMENTED - basic.get not supported by stream queues queue 's' in vhost '/'");
}

TEST_F(Stream, PurgeIsRefused) {
  Client client(port());
  open(client, 1);
  client.send(1, amqp::QueuePurge{0, "s", false});
  client.expect_end(
      540, "NOT_IMPLEMENTED - queue.purge not supported by stream queues queue 's' in vhost '/'");
}

TEST_F(Stream, NeedsANameOfItsOwn) {
  Client client(port());
  client.open();
  client.send(
      1, amqp::QueueDeclare{0, "", false, true, false, false, false, {{"x-queue-type", "stream"}}});
  client.expect_close(1, 406,
                      "PRECONDITION_FAILED - Cannot declare a server-named queue for type "
                      "rabbit_stream_queue");
}

}  // namespace
}  // namespace warren::frontend
