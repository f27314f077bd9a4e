#include "tests/unit/broker/frontend/harness.h"

namespace warren::frontend {
namespace {

using Topology = FrontendTest;
using amqp::ExchangeDeclare;
using amqp::FieldTable;
using amqp::QueueDeclare;

TEST_F(Topology, ExchangeErrorsAreRabbitMqs) {
  Client client(port());
  client.open();
  struct Case {
    ExchangeDeclare method;
    std::uint16_t code;
    std::string text;
  };
  const std::vector<Case> cases{
      {{0, "e", "x-none", false, true, false, false, false, {}},
       406,
       "PRECONDITION_FAILED - unknown exchange type 'x-none'"},
      {{0, "amq.mine", "direct", false, true, false, false, false, {}},
       403,
       "ACCESS_REFUSED - exchange name 'amq.mine' contains reserved prefix 'amq.*'"},
      {{0, "", "direct", false, true, false, false, false, {}},
       403,
       "ACCESS_REFUSED - operation not permitted on the default exchange"},
      {{0, "none", "", true, false, false, false, false, {}},
       404,
       "NOT_FOUND - no exchange 'none' in vhost '/'"},
      {{0, "amq.direct", "direct", false, false, false, false, false, {}},
       406,
       "PRECONDITION_FAILED - inequivalent arg 'durable' for exchange 'amq.direct' in vhost '/': "
       "received 'false' but current is 'true'"}};
  for (const Case& c : cases) {
    client.send(1, c.method);
    client.expect_close(1, c.code, c.text);
    client.open_channel(1);
  }
  client.send(1, amqp::ExchangeDelete{0, "amq.topic", false, false});
  client.expect_close(1, 403,
                      "ACCESS_REFUSED - deletion of system exchange 'amq.topic' in vhost '/' not "
                      "allowed");
}

TEST_F(Topology, DeletingWhatIsMissingIsOk) {
  Client client(port());
  client.open();
  client.send(1, amqp::ExchangeDelete{0, "none", false, false});
  client.expect<amqp::ExchangeDeleteOk>(1);
  client.send(1, amqp::QueueDelete{0, "none", false, false, false});
  EXPECT_EQ(client.expect<amqp::QueueDeleteOk>(1).message_count, 0u);
}

TEST_F(Topology, ServerNamesAQueueAndRemembersIt) {
  Client client(port());
  client.open();
  const std::string name = client.declare(1, "", true);
  EXPECT_TRUE(name.starts_with("amq.gen-"));
  EXPECT_EQ(name.size(), 30u);
  client.send(1, amqp::QueueBind{0, "", "amq.direct", "", false, {}});
  client.expect<amqp::QueueBindOk>(1);
  client.publish(1, "amq.direct", name, "to the name itself");
  client.send(1, amqp::BasicGet{0, "", true});
  client.expect<amqp::BasicGetOk>(1);
  EXPECT_EQ(client.expect_content().body, "to the name itself");
}

TEST_F(Topology, NoQueueDeclaredYetIsNotFound) {
  Client client(port());
  client.open();
  client.send(1, amqp::QueuePurge{0, "", false});
  client.expect_close(1, 404, "NOT_FOUND - no previously declared queue");
}

TEST_F(Topology, APassiveDeclareWithoutANameMeansNoQueue) {
  Client client(port());
  client.open();
  client.declare(1, "", true);
  client.send(1, amqp::QueueDeclare{0, "", true, false, false, false, false, {}});
  client.expect_close(1, 404, "NOT_FOUND - no queue '' in vhost '/'");
}

TEST_F(Topology, ConsumersOfADeletedQueueAreToldBehindDeleteOk) {
  Client client(port());
  client.open();
  client.declare(1, "q");
  client.consume(1, "q", "c");
  client.send(1, amqp::QueueDelete{0, "q", false, false, false});
  client.expect<amqp::QueueDeleteOk>(1);
  EXPECT_EQ(client.expect<amqp::BasicCancel>(1).consumer_tag, "c");
}

TEST_F(Topology, QueueErrorsAreRabbitMqs) {
  Client client(port());
  client.open();
  client.declare(1, "q");
  struct Case {
    QueueDeclare method;
    std::uint16_t code;
    std::string text;
  };
  const std::vector<Case> cases{
      {{0, "amq.mine", false, true, false, false, false, {}},
       403,
       "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'"},
      {{0, "none", true, false, false, false, false, {}},
       404,
       "NOT_FOUND - no queue 'none' in vhost '/'"},
      {{0, "q", false, true, false, false, false, {}},
       406,
       "PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'q' in vhost '/': received "
       "'true' but current is 'false'"},
      {{0, "new", false, true, false, false, false, FieldTable{{"x-expires", std::int32_t{0}}}},
       406,
       "PRECONDITION_FAILED - invalid arg 'x-expires' for queue 'new' in vhost '/': "
       "{value_zero,0}"},
      {{0, "q", false, false, false, false, false, FieldTable{{"x-message-ttl", std::int64_t{2}}}},
       406,
       "PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/': "
       "received the value '2' of type 'long' but current is none"}};
  for (const Case& c : cases) {
    client.send(1, c.method);
    client.expect_close(1, c.code, c.text);
    client.open_channel(1);
  }
}

TEST_F(Topology, LineEndsAreDroppedFromNames) {
  Client client(port());
  client.open();
  EXPECT_EQ(client.declare(1, "a\r\nb"), "ab");
}

TEST_F(Topology, PassiveDeclareCountsWhatIsReady) {
  Client client(port());
  client.open();
  client.declare(1, "q");
  client.publish(1, "", "q", "one");
  client.publish(1, "", "q", "two");
  client.send(1, QueueDeclare{0, "q", true, false, false, false, false, {}});
  auto ok = client.expect<amqp::QueueDeclareOk>(1);
  EXPECT_EQ(ok.message_count, 2u);
  EXPECT_EQ(ok.consumer_count, 0u);
  client.send(1, amqp::QueuePurge{0, "q", false});
  EXPECT_EQ(client.expect<amqp::QueuePurgeOk>(1).message_count, 2u);
}

TEST_F(Topology, ConditionsOfDeleteAreKept) {
  Client client(port());
  client.open();
  client.declare(1, "q");
  client.publish(1, "", "q", "one");
  client.send(1, amqp::QueueDelete{0, "q", false, true, false});
  client.expect_close(1, 406, "PRECONDITION_FAILED - queue 'q' in vhost '/' not empty");
  client.open_channel(1);
  client.open_channel(2);
  client.consume(2, "q", "c");
  client.expect<amqp::BasicDeliver>(2);
  client.expect_content();
  client.send(1, amqp::QueueDelete{0, "q", true, false, false});
  client.expect_close(1, 406, "PRECONDITION_FAILED - queue 'q' in vhost '/' in use");
}

TEST_F(Topology, ExclusiveQueuesAreLockedAndGoWithTheirConnection) {
  Client owner(port());
  owner.open();
  owner.declare(1, "mine", true);
  Client other(port());
  other.open();
  const std::string locked =
      "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'mine' in vhost '/'. It "
      "could be originally declared on another connection or the exclusive property value does not "
      "match that of the original declaration.";
  other.send(1, amqp::BasicGet{0, "mine", true});
  other.expect_close(1, 405, locked);
  other.open_channel(1);
  other.send(1, QueueDeclare{0, "mine", false, false, true, false, false, {}});
  other.expect_close(1, 405, locked);
  other.open_channel(1);
  owner.send(0, amqp::ConnectionClose{200, "", 0, 0});
  owner.expect<amqp::ConnectionCloseOk>(0);
  other.send(1, QueueDeclare{0, "mine", true, false, false, false, false, {}});
  other.expect_close(1, 404, "NOT_FOUND - no queue 'mine' in vhost '/'");
}

TEST_F(Topology, AnAutoDeleteQueueGoesWithItsLastConsumer) {
  Client client(port());
  client.open();
  client.declare(1, "q", false, true);
  client.consume(1, "q", "a");
  client.consume(1, "q", "b");
  client.send(1, amqp::BasicCancel{"a", false});
  client.expect<amqp::BasicCancelOk>(1);
  client.send(1, QueueDeclare{0, "q", true, false, false, false, false, {}});
  EXPECT_EQ(client.expect<amqp::QueueDeclareOk>(1).consumer_count, 1u);
  client.send(1, amqp::BasicCancel{"b", false});
  client.expect<amqp::BasicCancelOk>(1);
  client.send(1, QueueDeclare{0, "q", true, false, false, false, false, {}});
  client.expect_close(1, 404, "NOT_FOUND - no queue 'q' in vhost '/'");
}

TEST_F(Topology, BindingsNeedBothEnds) {
  Client client(port());
  client.open();
  client.declare(1, "q");
  client.send(1, amqp::QueueBind{0, "q", "none", "k", false, {}});
  client.expect_close(1, 404, "NOT_FOUND - no exchange 'none' in vhost '/'");
  client.open_channel(1);
  client.send(1, amqp::QueueBind{0, "none", "amq.direct", "k", false, {}});
  client.expect_close(1, 404, "NOT_FOUND - no queue 'none' in vhost '/'");
  client.open_channel(1);
  client.send(1, amqp::QueueBind{0, "q", "", "k", false, {}});
  client.expect_close(1, 403, "ACCESS_REFUSED - operation not permitted on the default exchange");
  client.open_channel(1);
  client.send(1, amqp::QueueUnbind{0, "q", "amq.direct", "never bound", {}});
  client.expect<amqp::QueueUnbindOk>(1);
}

TEST_F(Topology, ANowaitDeclareThatFailsStillClosesTheChannel) {
  Client client(port());
  client.open();
  client.declare(1, "q");
  client.send(1, QueueDeclare{0, "q", false, true, false, false, true, {}});
  EXPECT_EQ(client.expect<amqp::ChannelClose>(1).reply_code, 406);
}

TEST_F(Topology, NowaitMethodsAreNotAnswered) {
  Client client(port());
  client.open();
  client.send(1, QueueDeclare{0, "q", false, false, false, false, true, {}});
  client.send(1, ExchangeDeclare{0, "e", "fanout", false, true, false, false, true, {}});
  client.send(1, amqp::QueueBind{0, "q", "e", "", true, {}});
  client.publish(1, "e", "", "through");
  client.send(1, amqp::BasicGet{0, "q", true});
  client.expect<amqp::BasicGetOk>(1);
  EXPECT_EQ(client.expect_content().body, "through");
}

TEST_F(Topology, PermissionsAreCheckedByOperation) {
  door_.run([&] { door_.apply(catalog::PutUser{"limited", "x", "x", {}}); });
  door_.run(
      [&] { door_.apply(catalog::PutPermission{"/", "limited", "^mine", "^mine", "^mine"}); });
  Client client(port());
  client.open(0, "limited");
  client.declare(1, "mine.1");
  client.send(1, QueueDeclare{0, "other", false, false, false, false, false, {}});
  client.expect_close(
      1, 403,
      "ACCESS_REFUSED - configure access to queue 'other' in vhost '/' refused for user 'limited'");
  client.open_channel(1);
  client.send(1, amqp::QueueBind{0, "mine.1", "amq.direct", "k", false, {}});
  client.expect_close(1, 403,
                      "ACCESS_REFUSED - read access to exchange 'amq.direct' in vhost '/' refused "
                      "for user 'limited'");
  client.open_channel(1);
  client.publish(1, "", "mine.1", "x");
  client.expect_close(
      1, 403,
      "ACCESS_REFUSED - write access to exchange 'amq.default' in vhost '/' refused "
      "for user 'limited'");
}

TEST_F(Topology, APassiveDeclareNeedsAnyPermission) {
  door_.run([&] { door_.apply(catalog::PutUser{"limited", "x", "x", {}}); });
  door_.run(
      [&] { door_.apply(catalog::PutPermission{"/", "limited", "", "amq.direct", "^mine"}); });
  Client guest(port());
  guest.open();
  guest.declare(1, "mine");
  guest.declare(1, "other");
  Client client(port());
  client.open(0, "limited");
  client.send(1, QueueDeclare{0, "mine", true, false, false, false, false, {}});
  client.expect<amqp::QueueDeclareOk>(1);
  client.send(1, ExchangeDeclare{0, "amq.direct", "", true, false, false, false, false, {}});
  client.expect<amqp::ExchangeDeclareOk>(1);
  for (const std::string name : {"other", "none"}) {
    client.send(1, QueueDeclare{0, name, true, false, false, false, false, {}});
    client.expect_close(
        1, 403,
        "ACCESS_REFUSED - access to queue '" + name + "' in vhost '/' refused for user 'limited'");
    client.open_channel(1);
    client.send(1, ExchangeDeclare{0, name, "", true, false, false, false, false, {}});
    client.expect_close(1, 403,
                        "ACCESS_REFUSED - access to exchange '" + name +
                            "' in vhost '/' refused for user 'limited'");
    client.open_channel(1);
  }
}

}  // namespace
}  // namespace warren::frontend
