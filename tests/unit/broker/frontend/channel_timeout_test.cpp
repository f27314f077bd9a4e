#include "tests/unit/broker/frontend/harness.h"

namespace warren::frontend {
namespace {

using Table = amqp::FieldTable;

class ConsumerTimeout : public FrontendTest {
 protected:
  ConsumerTimeout() { settings_.consumer_timeout = Milliseconds(100); }

  void open(Client& client, const Table& queue_arguments = {}) {
    client.open();
    amqp::QueueDeclare declare;
    declare.queue = "q";
    declare.arguments = queue_arguments;
    client.send(1, declare);
    client.expect<amqp::QueueDeclareOk>(1);
    client.publish(1, "", "q", "first");
    client.publish(1, "", "q", "second");
  }
};

TEST_F(ConsumerTimeout, CancelsTheConsumerAndGivesBackWhatItHeld) {
  Client client(port());
  open(client);
  client.consume(1, "q", "late");
  client.expect<amqp::BasicDeliver>(1);
  client.expect_content();
  client.expect<amqp::BasicDeliver>(1);
  client.expect_content();
  EXPECT_EQ(client.expect<amqp::BasicCancel>(1).consumer_tag, "late");
  client.consume(1, "q", "next");
  auto again = client.expect<amqp::BasicDeliver>(1);
  EXPECT_EQ(again.consumer_tag, "next");
  EXPECT_TRUE(again.redelivered);
  EXPECT_EQ(client.expect_content().body, "first");
}

TEST_F(ConsumerTimeout, AnAckThatComesTooLateDoesNothing) {
  Client client(port());
  open(client);
  client.consume(1, "q", "late");
  const std::uint64_t tag = client.expect<amqp::BasicDeliver>(1).delivery_tag;
  client.expect_content();
  client.expect<amqp::BasicDeliver>(1);
  client.expect_content();
  client.expect<amqp::BasicCancel>(1);
  client.send(1, amqp::BasicAck{tag, false});
  client.sync(1);
  EXPECT_EQ(ready("q"), 2u);
}

TEST_F(ConsumerTimeout, AGetThatIsNotAcknowledgedCostsTheChannel) {
  Client client(port());
  open(client);
  amqp::BasicGet get;
  get.queue = "q";
  client.send(1, get);
  client.expect<amqp::BasicGetOk>(1);
  client.expect_content();
  auto close = client.expect<amqp::ChannelClose>(1);
  EXPECT_EQ(close.reply_code, 406);
  EXPECT_TRUE(close.reply_text.starts_with(
      "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used: "
      "100 ms."))
      << close.reply_text;
}

TEST_F(ConsumerTimeout, AnArgumentOfTheQueueComesFirst) {
  Client client(port());
  open(client, Table{{"x-consumer-timeout", std::int64_t{60'000}}});
  client.consume(1, "q", "patient");
  client.expect<amqp::BasicDeliver>(1);
  client.expect_content();
  client.expect<amqp::BasicDeliver>(1);
  client.expect_content();
  std::this_thread::sleep_for(Milliseconds(250));
  client.sync(1);  // and no basic.cancel came
}

TEST(UnackedTable, LooksForTheOverdueWellWithinTheShortestTimeout) {
  UnackedTable table;
  const auto at = [](std::int64_t ms) { return BootTime(Milliseconds(ms)); };
  const auto second = [](const Handed&) { return Milliseconds(1000); };
  table.expect_within(Milliseconds(1000));
  table.add({DeliveryTag(1), GroupId(1), QueueId(1), {}, ConsumerNumber(7), at(0)});
  table.add({DeliveryTag(2), GroupId(1), QueueId(1), {}, ConsumerNumber(8), at(500)});
  EXPECT_FALSE(table.overdue(at(900), second));
  EXPECT_FALSE(table.overdue(at(1100), second)) << "it has just looked";
  auto late = table.overdue(at(1150), second);
  ASSERT_TRUE(late);
  EXPECT_EQ(late->consumer, ConsumerNumber(7));
  table.refuse(ConsumerNumber(7), [](const Handed&) {});
  EXPECT_FALSE(table.overdue(at(1150), second));
  EXPECT_FALSE(table.overdue(at(99999), [](const Handed&) { return Milliseconds(0); })) << "never";
}

}  // namespace
}  // namespace warren::frontend
