// What an exchange of type x-recent-history gives to what is bound to it, as a client sees it.
#include "broker/frontend/history_replay.h"

#include <vector>

#include "tests/unit/broker/frontend/harness.h"

namespace warren::frontend {
namespace {

using Table = amqp::FieldTable;
using Bodies = std::vector<std::string>;

class History : public FrontendTest {
 protected:
  History() { settings_.body_part_octets = 10; }

  static void declare_exchange(Client& client, const std::string& name, const std::string& type) {
    client.send(1, amqp::ExchangeDeclare{0, name, type, false, true, false, false, false, {}});
    client.expect<amqp::ExchangeDeclareOk>(1);
  }
  // Exchange "h" has kept so many messages; queue "q" is there.
  void open(Client& client, int messages) {
    client.open();
    declare_exchange(client, "h", "x-recent-history");
    client.declare(1, "q");
    for (int i = 0; i < messages; ++i)
      client.publish(1, "h", "k" + std::to_string(i), std::to_string(i));
  }
  static amqp::QueueBind bind_method(const std::string& key = "") {
    return {0, "q", "h", key, false, {}};
  }
  static void bind(Client& client, const std::string& key = "") {
    client.send(1, bind_method(key));
    client.expect<amqp::QueueBindOk>(1);
  }
  static Bodies bodies(Client& client) {
    Bodies all;
    client.send(1, amqp::QueueDeclare{0, "q", true, false, false, false, false, {}});
    for (auto left = client.expect<amqp::QueueDeclareOk>(1).message_count; left > 0; --left) {
      client.send(1, amqp::BasicGet{0, "q", true});
      client.expect<amqp::BasicGetOk>(1);
      all.push_back(client.expect_content().body);
    }
    return all;
  }
  std::vector<queue::Publish> publishes() {
    std::vector<queue::Publish> all;
    door_.run([&] { all = door_.publishes; });
    return all;
  }
  std::size_t channels() {
    std::size_t count = 0;
    door_.run([&] { count = door_.open_channels(); });
    return count;
  }
  void await_publishes(std::size_t count) {
    while (publishes().size() < count) {
    }
  }
  static std::string large(const std::string& exchange, const std::string& body, bool mandatory) {
    amqp::OutputBuffer out;
    amqp::FrameWriter writer(out, 131072);
    writer.method(ChannelNumber{1}, amqp::BasicPublish{0, exchange, "", mandatory, false});
    writer.content_header(ChannelNumber{1}, {"\0\0", 2}, body.size());
    for (std::size_t at = 0; at < body.size(); at += 5)
      writer.body(ChannelNumber{1}, Bytes::copy_of(body.substr(at, 5)));
    return out.to_string();
  }

  const std::string body_ = "0123456789abcdefghijKLMNOPQRSTuvw";  // three parts, and three octets
};

TEST_F(History, IsGivenOldestFirstBeforeBindOk) {
  Client client(port());
  open(client, 5);
  bind(client);
  EXPECT_EQ(ready("q"), 5u);
  const queue::Publish given = publishes().back();
  EXPECT_EQ(given.content.exchange, "h");
  EXPECT_EQ(given.content.routing_key, "k4") << "as it was published";
  EXPECT_EQ(given.queues.size(), 1u) << "the history itself does not get it again";
  EXPECT_EQ(bodies(client), (Bodies{"0", "1", "2", "3", "4"}));
  client.publish(1, "h", "", "5");
  EXPECT_EQ(bodies(client), (Bodies{"5"})) << "by the binding";
  EXPECT_EQ(channels(), 1u) << "the replay's own is closed";
}

TEST_F(History, ComesWithABindingThatIsNewAndWithNoOther) {
  Client client(port());
  open(client, 2);
  bind(client, "one");
  bind(client, "one");
  EXPECT_EQ(bodies(client), (Bodies{"0", "1"}));
  bind(client, "two");
  EXPECT_EQ(bodies(client), (Bodies{"0", "1"})) << "another binding of the same queue";
  client.send(1, amqp::QueueUnbind{0, "q", "h", "two", {}});
  client.expect<amqp::QueueUnbindOk>(1);
  EXPECT_EQ(bodies(client), Bodies{});
  bind(client, "two");
  EXPECT_EQ(bodies(client), (Bodies{"0", "1"}));
}

TEST_F(History, LeavesOutWhatIsNotToBeStored) {
  Client client(port());
  open(client, 1);
  amqp::BasicProperties properties;
  properties.headers = Table{{"x-recent-history-no-store", true}};
  client.publish(1, "h", "", "secret", false, properties);
  properties.headers = Table{{"x-recent-history-no-store", "true"}};
  client.publish(1, "h", "", "no bool", false, properties);
  bind(client);
  EXPECT_EQ(bodies(client), (Bodies{"0", "no bool"}));
}

TEST_F(History, IsPublishedWithItsProperties) {
  Client client(port());
  open(client, 0);
  amqp::BasicProperties properties;
  properties.delivery_mode = 2;
  properties.priority = 7;
  properties.expiration = "60000";
  properties.headers = Table{{"x-deduplication-header", "once"}};
  client.publish(1, "h", "", "x", false, properties);
  bind(client);
  const auto all = publishes();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_TRUE(all[1].persistent);
  EXPECT_EQ(all[1].priority, 7);
  EXPECT_EQ(all[1].ttl_ms, 60'000u) << "begins anew";
  EXPECT_EQ(all[1].duplicate, all[0].duplicate);
  EXPECT_EQ(all[1].content.properties, all[0].content.properties);
}

TEST_F(History, OfALargeBodyIsGivenWhole) {
  Client client(port());
  open(client, 1);
  client.send_raw(large("h", body_, false));
  client.publish(1, "h", "", "end");
  bind(client);
  EXPECT_EQ(publishes().at(4).upload_octets, 30u);
  EXPECT_EQ(bodies(client), (Bodies{"0", body_, "end"}));
}

TEST_F(History, ThatLostALargeBodyMeanwhileGoesOnWithTheNext) {
  Client client(port());
  open(client, 1);
  client.send_raw(large("h", body_, false));
  client.publish(1, "h", "", "end");
  client.sync(1);
  door_.run([&] { door_.forget_parts(); });
  bind(client);
  EXPECT_EQ(bodies(client), (Bodies{"0", "end"}));
}

TEST_F(History, IsRoutedByAnExchangeThatIsTheDestination) {
  Client client(port());
  open(client, 3);
  declare_exchange(client, "topic", "topic");
  client.send(1, amqp::QueueBind{0, "q", "topic", "k1", false, {}});
  client.expect<amqp::QueueBindOk>(1);
  client.send(1, amqp::ExchangeBind{0, "topic", "h", "", false, {}});
  client.expect<amqp::ExchangeBindOk>(1);
  EXPECT_EQ(bodies(client), (Bodies{"1"}));

  declare_exchange(client, "other", "x-recent-history");
  client.send(1, amqp::ExchangeBind{0, "other", "h", "", false, {}});
  client.expect<amqp::ExchangeBindOk>(1);
  client.send(1, amqp::QueueBind{0, "q", "other", "", false, {}});
  client.expect<amqp::QueueBindOk>(1);
  EXPECT_EQ(bodies(client), (Bodies{"0", "1", "2"})) << "a history has it, too";
}

TEST_F(History, HoldsBindOkBackUntilAllIsDecided) {
  Client client(port());
  open(client, 3);
  client.sync(1);
  client.open_channel(2);
  door_.run([&] { door_.hold_outcomes = true; });
  client.send(1, bind_method());
  client.sync(2);
  EXPECT_EQ(publishes().size(), 3u) << "not read before the leader is known to lead";
  door_.run([&] { door_.release_outcomes(); });
  await_publishes(6);
  client.sync(2);
  door_.run([&] { door_.release_outcomes(); });
  client.expect<amqp::QueueBindOk>(1);
}

TEST_F(History, WaitsForRoomAndForTheLease) {
  Client client(port());
  open(client, 3);
  client.sync(1);
  client.open_channel(2);
  door_.run([&] { door_.set_routable(false); });
  client.send(1, bind_method());
  client.sync(2);
  door_.run([&] { door_.set_writable(false); });
  door_.run([&] { door_.set_routable(true); });
  client.sync(2);
  EXPECT_EQ(publishes().size(), 3u);
  door_.run([&] { door_.set_writable(true); });
  client.expect<amqp::QueueBindOk>(1);
  EXPECT_EQ(bodies(client), (Bodies{"0", "1", "2"}));
}

TEST_F(History, ThatCannotBeReadOrGivenEndsTheConnection) {
  for (const bool reads : {false, true}) {
    Client client(port());
    open(client, 3);
    client.sync(1);
    door_.run([&] {
      door_.no_leader = !reads;
      if (reads) door_.publish_outcome = queue::OutcomeCode::timed_out;
    });
    client.send(1, bind_method(reads ? "second" : "first"));
    EXPECT_EQ(client.expect<amqp::ConnectionClose>(0).reply_code, 541);
  }
}

TEST_F(History, DoesNotMindAQueueThatIsFull) {
  Client client(port());
  open(client, 3);
  client.sync(1);
  door_.run([&] { door_.publish_outcome = queue::OutcomeCode::rejected; });
  bind(client);
}

TEST_F(History, ThatNobodyAnswersForIsLetGo) {
  settings_.synchronous_timeout = Milliseconds{100};
  Client client(port());
  open(client, 3);
  client.sync(1);
  door_.run([&] { door_.hold_outcomes = true; });
  client.send(1, bind_method());
  while (channels() < 2) {
  }
  EXPECT_EQ(client.expect<amqp::ConnectionClose>(0).reply_code, 541);
  client.close();
  while (channels() > 0) {
  }
  door_.run([&] { door_.release_outcomes(); });
  EXPECT_EQ(publishes().size(), 3u);
}

TEST_F(History, IsNoQueueThatAMandatoryMessageFinds) {
  Client client(port());
  open(client, 0);
  client.send(1, amqp::ConfirmSelect{false});
  client.expect<amqp::ConfirmSelectOk>(1);
  client.publish(1, "h", "k", "x", true);
  EXPECT_EQ(client.expect<amqp::BasicReturn>(1).reply_code, 312);
  EXPECT_EQ(client.expect_content().body, "x");
  EXPECT_EQ(client.expect<amqp::BasicAck>(1).delivery_tag, 1u);
  client.send_raw(large("h", body_, true));
  client.expect<amqp::BasicReturn>(1);
  EXPECT_EQ(client.expect_content().body, body_);
  EXPECT_EQ(client.expect<amqp::BasicAck>(1).delivery_tag, 2u);
  bind(client);
  EXPECT_EQ(bodies(client), (Bodies{"x", body_})) << "stored all the same";
  client.publish(1, "h", "k", "y", true);
  EXPECT_EQ(client.expect<amqp::BasicAck>(1).delivery_tag, 3u);
}

TEST_F(History, StoresWhatATransactionReturns) {
  Client client(port());
  open(client, 0);
  client.send(1, amqp::TxSelect{});
  client.expect<amqp::TxSelectOk>(1);
  client.publish(1, "h", "k", "x", true);
  client.send_raw(large("h", body_, true));
  client.send(1, amqp::TxCommit{});
  for (const std::string& body : {std::string("x"), body_}) {
    client.expect<amqp::BasicReturn>(1);
    EXPECT_EQ(client.expect_content().body, body);
  }
  client.expect<amqp::TxCommitOk>(1);
  bind(client);
  EXPECT_EQ(bodies(client), (Bodies{"x", body_}));
}

TEST_F(History, NobodyCanNameItsQueue) {
  Client client(port());
  open(client, 1);
  client.publish(1, "", "", "lost", true);
  EXPECT_EQ(client.expect<amqp::BasicReturn>(1).reply_code, 312);
  client.expect_content();
  EXPECT_EQ(listings().size(), 1u);
  client.send(1, amqp::QueueDeclare{0, "", true, false, false, false, false, {}});
  client.expect_close(1, 404, "NOT_FOUND - no queue '' in vhost '/'");
}

}  // namespace
}  // namespace warren::frontend
