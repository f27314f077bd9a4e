// Transactions.
#include "tests/unit/broker/frontend/harness.h"

namespace warren::frontend {
namespace {

class Tx : public FrontendTest {
 protected:
  // Queue "q" is in the local group, "d" in a replicated one.
  void open(Client& client) {
    client.open();
    client.declare(1, "q");
    client.send(1, amqp::QueueDeclare{0, "d", false, true, false, false, false, {}});
    client.expect<amqp::QueueDeclareOk>(1);
    client.send(1, amqp::TxSelect{});
    client.expect<amqp::TxSelectOk>(1);
  }
  void commit(Client& client) {
    client.send(1, amqp::TxCommit{});
    client.expect<amqp::TxCommitOk>(1);
  }
  // Hands out one message of the queue.
  std::uint64_t get(Client& client, const std::string& queue) {
    client.send(1, amqp::BasicGet{0, queue, false});
    const std::uint64_t tag = client.expect<amqp::BasicGetOk>(1).delivery_tag;
    client.expect_content();
    return tag;
  }
  void fill(const std::string& queue, int count) {
    Client other(port());
    other.open();
    for (int i = 0; i < count; ++i)
      other.publish(1, "", queue, std::to_string(i));
    other.sync(1);
  }
  std::size_t settles() {
    std::size_t count = 0;
    door_.run([&] { count = door_.settles.size(); });
    return count;
  }
  std::size_t held(const std::string& queue) {
    std::size_t count = 0;
    door_.run([&] { count = door_.held(queue); });
    return count;
  }
  std::size_t uploads() {
    std::size_t count = 0;
    door_.run([&] { count = door_.uploads.size(); });
    return count;
  }
};

TEST_F(Tx, PublishesOfAGroupGoTogetherWhenTheyAreCommitted) {
  Client client(port());
  open(client);
  for (int i = 0; i < 5; ++i)
    client.publish(1, "", "q", "x");
  client.publish(1, "", "d", "x");
  client.publish(1, "", "d", "x");
  client.sync(1);
  EXPECT_EQ(ready("q") + ready("d"), 0u);
  commit(client);
  EXPECT_EQ(ready("q"), 5u);
  EXPECT_EQ(ready("d"), 2u);
  door_.run([&] {
    ASSERT_EQ(door_.whole.size(), 2u);
    EXPECT_EQ(door_.whole[0].second, 5u);
    EXPECT_EQ(door_.whole[1].second, 2u);
    EXPECT_NE(door_.whole[0].first, door_.whole[1].first);
  });
  commit(client);
  EXPECT_EQ(ready("q"), 5u) << "committed once";
}

TEST_F(Tx, SettlesGoOnceAllPublishesWereAcceptedAndOkOnceTheyAreSettled) {
  Client client(port());
  open(client);
  fill("q", 2);
  client.send(1, amqp::BasicAck{get(client, "q"), false});
  client.send(1, amqp::BasicReject{get(client, "q"), false});
  client.publish(1, "", "d", "a");
  client.publish(1, "", "q", "b");
  client.sync(1);
  EXPECT_EQ(settles(), 0u);
  door_.run([&] { door_.hold_outcomes = true; });
  client.send(1, amqp::TxCommit{});
  while (ready("q") == 0) {
  }
  EXPECT_EQ(settles(), 0u) << "no publish is known to be accepted";
  door_.run([&] { door_.release_outcomes(); });
  EXPECT_EQ(settles(), 2u);
  EXPECT_FALSE(client.read_frame(50)) << "no settle is known to be committed";
  door_.run([&] { door_.release_outcomes(); });
  client.expect<amqp::TxCommitOk>(1);
}

TEST_F(Tx, ARefusedPublishSettlesNothing) {
  Client client(port());
  open(client);
  fill("q", 1);
  client.send(1, amqp::BasicAck{get(client, "q"), false});
  client.publish(1, "", "d", "a");
  door_.run([&] { door_.publish_outcome = queue::OutcomeCode::rejected; });
  client.send(1, amqp::TxCommit{});
  client.expect_close(1, 406, "PRECONDITION_FAILED - partial tx completion");
  EXPECT_EQ(settles(), 0u);
  while (ready("q") == 0) {
  }
  client.open_channel(1);
  client.sync(1);
}

TEST_F(Tx, AQueueThatIsGoneByThenCountsAsAccepted) {
  Client client(port());
  open(client);
  client.publish(1, "", "d", "a");
  door_.run([&] { door_.publish_outcome = queue::OutcomeCode::queue_gone; });
  commit(client);
}

TEST_F(Tx, RollbackForgetsPublishesAndTakesSettlesBack) {
  Client client(port());
  open(client);
  fill("q", 4);
  std::uint64_t tags[4];
  for (std::uint64_t& tag : tags)
    tag = get(client, "q");
  client.send(1, amqp::BasicAck{tags[0], false});
  client.send(1, amqp::BasicNack{tags[2], false, true});
  client.publish(1, "", "d", "never");
  client.send(1, amqp::TxRollback{});
  client.expect<amqp::TxRollbackOk>(1);
  EXPECT_EQ(held("q"), 4u) << "nothing is requeued";
  EXPECT_EQ(settles(), 0u);
  commit(client);
  EXPECT_EQ(ready("d"), 0u);
  client.send(1, amqp::BasicAck{tags[2], true});  // the first three are unacknowledged again
  commit(client);
  EXPECT_EQ(held("q"), 1u);
  client.send(1, amqp::BasicAck{tags[3], false});
  commit(client);
  EXPECT_EQ(held("q"), 0u);
}

TEST_F(Tx, SettledTwiceIsAnErrorBeforeTheCommitToo) {
  Client client(port());
  open(client);
  fill("q", 1);
  const std::uint64_t tag = get(client, "q");
  client.send(1, amqp::BasicAck{tag, false});
  client.send(1, amqp::BasicAck{tag, false});
  client.expect_close(1, 406, "PRECONDITION_FAILED - unknown delivery tag 1");
  while (ready("q") == 0) {
  }
}

TEST_F(Tx, ModesExcludeEachOther) {
  Client client(port());
  client.open();
  client.send(1, amqp::TxCommit{});
  client.expect_close(1, 406, "PRECONDITION_FAILED - channel is not transactional");
  client.open_channel(1);
  client.send(1, amqp::TxRollback{});
  client.expect_close(1, 406, "PRECONDITION_FAILED - channel is not transactional");
  client.open_channel(1);
  client.send(1, amqp::ConfirmSelect{});
  client.expect<amqp::ConfirmSelectOk>(1);
  client.send(1, amqp::TxSelect{});
  client.expect_close(1, 406, "PRECONDITION_FAILED - cannot switch from confirm to tx mode");
  client.open_channel(1);
  for (int i = 0; i < 2; ++i) {
    client.send(1, amqp::TxSelect{});
    client.expect<amqp::TxSelectOk>(1);
  }
  client.send(1, amqp::ConfirmSelect{});
  client.expect_close(1, 406, "PRECONDITION_FAILED - cannot switch from tx to confirm mode");
}

TEST_F(Tx, WhatNoQueueTakesComesBackAtTheCommit) {
  Client client(port());
  open(client);
  client.publish(1, "", "nowhere", "back", true);
  client.publish(1, "", "nowhere", "dropped");
  client.sync(1);  // no return yet
  client.send(1, amqp::TxCommit{});
  EXPECT_EQ(client.expect<amqp::BasicReturn>(1).routing_key, "nowhere");
  EXPECT_EQ(client.expect_content().body, "back");
  client.expect<amqp::TxCommitOk>(1);
  client.publish(1, "", "nowhere", "never", true);
  client.send(1, amqp::TxRollback{});
  client.expect<amqp::TxRollbackOk>(1);
  commit(client);
}

TEST_F(Tx, PublishesAreCheckedWhenTheyCome) {
  Client client(port());
  open(client);
  client.publish(1, "", "q", "never");
  client.publish(1, "none", "q", "x");
  client.expect_close(1, 404, "NOT_FOUND - no exchange 'none' in vhost '/'");
  EXPECT_EQ(ready("q"), 0u);
}

TEST_F(Tx, ATransactionIsBounded) {
  settings_.tx_octets = 4'000;
  Client client(port());
  open(client);
  client.publish(1, "", "q", std::string(1'000, 'x'));
  client.publish(1, "", "q", std::string(1'000, 'x'));
  client.sync(1);
  client.publish(1, "", "q", std::string(1'000, 'x'));
  client.expect_close(1, 406, "PRECONDITION_FAILED - transaction is larger than 4000 bytes");
  EXPECT_EQ(ready("q"), 0u);
  client.open_channel(1);
  client.send(1, amqp::TxSelect{});
  client.expect<amqp::TxSelectOk>(1);
  for (int round = 0; round < 5; ++round) {
    client.publish(1, "", "q", std::string(2'000, 'x'));
    commit(client);
  }
  EXPECT_EQ(ready("q"), 5u);
}

TEST_F(Tx, LargeBodiesGoAheadEachByItself) {
  settings_.body_part_octets = 1'000;
  settings_.tx_octets = 200'000;  // of the two ends: the first frames go ahead
  Client client(port());
  open(client);
  const std::string one(200'000, '1'), two(190'000, '2');
  client.publish(1, "", "q", one);
  client.publish(1, "", "q", two);
  client.sync(1);
  EXPECT_EQ(uploads(), 2u);
  EXPECT_EQ(ready("q"), 0u);
  commit(client);
  EXPECT_EQ(uploads(), 0u);
  for (const std::string& body : {one, two}) {
    client.send(1, amqp::BasicGet{0, "q", true});
    client.expect<amqp::BasicGetOk>(1);
    EXPECT_TRUE(client.expect_content().body == body);
  }
}

TEST_F(Tx, RollbackAndCloseDropWhatWentAhead) {
  settings_.body_part_octets = 1'000;
  Client client(port());
  open(client);
  const std::string large(200'000, 'x');
  client.publish(1, "", "q", large);
  client.publish(1, "", "d", large);
  client.sync(1);
  EXPECT_EQ(uploads(), 2u);
  client.send(1, amqp::TxRollback{});
  client.expect<amqp::TxRollbackOk>(1);
  client.sync(1);
  EXPECT_EQ(uploads(), 0u);
  client.publish(1, "", "q", large);
  client.publish(1, "", "q", large);
  client.sync(1);
  EXPECT_EQ(uploads(), 2u);
  client.send(1, amqp::ChannelClose{200, "", 0, 0});
  client.expect<amqp::ChannelCloseOk>(1);
  EXPECT_EQ(uploads(), 0u);
}

TEST_F(Tx, WhatIsNotCommittedEndsWithItsChannel) {
  Client client(port());
  open(client);
  fill("q", 1);
  client.send(1, amqp::BasicAck{get(client, "q"), false});
  client.publish(1, "", "d", "never");
  client.send(1, amqp::ChannelClose{200, "", 0, 0});
  client.expect<amqp::ChannelCloseOk>(1);
  EXPECT_EQ(ready("q"), 1u) << "the ack was never given";
  EXPECT_EQ(ready("d"), 0u);
}

TEST_F(Tx, AMethodDuringTheCommitEndsTheConnection) {
  Client client(port());
  open(client);
  door_.run([&] { door_.hold_outcomes = true; });
  client.publish(1, "", "d", "x");
  client.send(1, amqp::TxCommit{});
  while (ready("d") == 0) {
  }
  client.send(1, amqp::BasicQos{0, 1, false});
  client.expect_end(504, "CHANNEL_ERROR - unexpected command while processing 'tx.commit'");
}

TEST_F(Tx, CloseWaitsForTheCommit) {
  Client client(port());
  open(client);
  fill("q", 1);
  client.send(1, amqp::BasicAck{get(client, "q"), false});
  client.publish(1, "", "d", "x");
  door_.run([&] { door_.hold_outcomes = true; });
  client.send(1, amqp::TxCommit{});
  client.send(1, amqp::ChannelClose{200, "", 0, 0});
  while (ready("d") == 0) {
  }
  door_.run([&] { door_.release_outcomes(); });
  while (settles() == 0) {
  }
  EXPECT_FALSE(client.read_frame(50));
  door_.run([&] { door_.release_outcomes(); });
  client.expect<amqp::TxCommitOk>(1);
  client.expect<amqp::ChannelCloseOk>(1);
  EXPECT_EQ(ready("q") + held("q"), 0u);
}

TEST_F(Tx, WithoutALeaseTheCommitWaits) {
  Client client(port());
  open(client);
  door_.run([&] { door_.routable = false; });
  client.publish(1, "", "d", "x");
  client.send(1, amqp::TxCommit{});
  EXPECT_FALSE(client.read_frame(50));
  door_.run([&] { door_.set_routable(true); });
  client.expect<amqp::TxCommitOk>(1);
  EXPECT_EQ(ready("d"), 1u);
  door_.run([&] { door_.routable = false; });
  client.publish(1, "", "d", "never");
  client.send(1, amqp::TxRollback{});
  client.expect<amqp::TxRollbackOk>(1);
  door_.run([&] { door_.set_routable(true); });
  commit(client);
  EXPECT_EQ(ready("d"), 1u);
}

TEST_F(Tx, ACommitThatNobodyAnswersIs541) {
  settings_.synchronous_timeout = Milliseconds{1000};
  Client client(port());
  open(client);
  door_.run([&] { door_.hold_outcomes = true; });
  client.publish(1, "", "d", "x");
  client.send(1, amqp::TxCommit{});
  client.expect_end(541, "INTERNAL_ERROR - tx.commit: the cluster did not answer in time");
}

TEST_F(Tx, RecoverIsNoPartOfIt) {
  Client client(port());
  open(client);
  fill("q", 2);
  const std::uint64_t first = get(client, "q");
  get(client, "q");
  client.send(1, amqp::BasicAck{first, false});
  client.send(1, amqp::BasicRecover{true});
  client.expect<amqp::BasicRecoverOk>(1);
  client.sync(1);
  EXPECT_EQ(held("q"), 1u);
  EXPECT_EQ(ready("q"), 1u);
  commit(client);
  EXPECT_EQ(held("q"), 0u);
}

TEST_F(Tx, DirectRepliesGoAtTheCommit) {
  Client asker(port()), server(port());
  asker.open();
  asker.declare(1, "rpc");
  asker.consume(1, "amq.rabbitmq.reply-to", "mine", true);
  amqp::BasicProperties properties;
  properties.reply_to = "amq.rabbitmq.reply-to";
  asker.publish(1, "", "rpc", "question", false, properties);
  asker.sync(1);
  open(server);
  server.send(1, amqp::BasicGet{0, "rpc", true});
  server.expect<amqp::BasicGetOk>(1);
  const std::string to = *amqp::decode_properties(server.expect_content().properties)->reply_to;
  server.publish(1, "", to, "never");
  server.send(1, amqp::TxRollback{});
  server.expect<amqp::TxRollbackOk>(1);
  server.publish(1, "", to, "answer");
  commit(server);
  asker.expect<amqp::BasicDeliver>(1);
  EXPECT_EQ(asker.expect_content().body, "answer");
  asker.send(1, amqp::BasicCancel{"mine", false});
  asker.expect<amqp::BasicCancelOk>(1);
  server.publish(1, "", to, "too late", true);
  server.send(1, amqp::TxCommit{});
  server.expect<amqp::BasicReturn>(1);
  EXPECT_EQ(server.expect_content().body, "too late");
  server.expect<amqp::TxCommitOk>(1);
}

TEST_F(Tx, IsListed) {
  Client client(port());
  open(client);
  EXPECT_TRUE(listings().at(0).channels.at(0).transactional);
}

}  // namespace
}  // namespace warren::frontend
