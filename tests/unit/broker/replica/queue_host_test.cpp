// What a host keeps and forgets over terms, sessions and catalogs.
#include "broker/replica/queue_host.h"

#include "tests/unit/broker/replica/link_fixture.h"

namespace warren::replica {
namespace {

using QueueHostTest = Link;

// A node restarts with a catalog from before a delete that every member had seen, and leads.
TEST_F(QueueHostTest, QueueThatIsGoneAndForgottenIsNotMadeAgainByAnOlderCatalog) {
  publish("m");
  settle();
  auto before = fixture.snapshot();
  catalog::Effects effects;
  effects.queues_gone.push_back({q, GroupId(1)});
  fixture.run(catalog::DeleteQueue{q});
  leader.set_catalog(fixture.snapshot(), effects);
  settle();
  EXPECT_TRUE(leader.state.machine().was_removed(q));
  leader.host->set_catalog_floor(fixture.index());
  leader.host->set_catalog_floor(CatalogIndex(1));  // of a member that has just restarted
  publish("to make an entry");
  settle();
  ASSERT_FALSE(leader.state.machine().was_removed(q));
  outcomes.clear();

  leader.set_catalog(before, {});
  leader.lead(Term(2), now);
  settle();
  client.connect(now);
  publish("late");
  settle();
  EXPECT_TRUE(outcomes.empty());
  EXPECT_EQ(leader.state.machine().find(q), nullptr);
  leader.set_catalog(fixture.snapshot(), {});
  settle();
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].outcome.code, OutcomeCode::queue_gone);
  EXPECT_EQ(leader.state.machine().find(q), nullptr);
}

TEST_F(QueueHostTest, WhatComesWhileEntriesAreUnderWayGathersInOne) {
  leader.slow_log = true;
  for (int i = 0; i < 10; ++i) {
    publish("m");
    settle();
  }
  EXPECT_EQ(leader.proposed.size(), leader.config.entries_in_flight);
  leader.slow_log = false;
  settle();
  EXPECT_EQ(outcomes.size(), 10u);
  EXPECT_EQ(unsettled(), 10u);
}

TEST_F(QueueHostTest, AFullEntryDoesNotWaitForThoseUnderWay) {
  leader.slow_log = true;
  for (int i = 0; i < 10; ++i) {
    publish(std::string(leader.config.full_entry, 'x'));
    settle();
  }
  EXPECT_EQ(leader.proposed.size(), 10u);
}

TEST_F(QueueHostTest, AFullLogIsAskedAgainOnlyOnceItHasChanged) {
  leader.refuse = true;
  publish(std::string(leader.config.entry_bytes, 'x'));
  settle();
  publish(std::string(leader.config.entry_bytes, 'x'));
  settle();
  publish("behind");
  client.turn(now);
  leader.host->on_message(std::move(to_host.front()), now);
  to_host.clear();
  EXPECT_FALSE(leader.host->turn(now)) << "it would turn for ever";
  leader.refuse = false;
  settle();
  EXPECT_EQ(unsettled(), 3u);
}

TEST_F(QueueHostTest, AnAckFreesCreditWhileItsEntryWaits) {
  consume(1);
  for (int i = 0; i < 3; ++i)
    publish("m");
  settle();
  ASSERT_EQ(deliveries.size(), 1u);
  leader.slow_log = true;
  for (std::size_t i = 0; i < leader.config.entries_in_flight; ++i) {
    publish("under way");
    settle();
  }
  ack(deliveries[0]);
  settle();
  EXPECT_EQ(deliveries.size(), 2u);
  EXPECT_EQ(unsettled(), 3u);
  leader.slow_log = false;
  settle();
  EXPECT_EQ(unsettled(), 2 + leader.config.entries_in_flight);
  EXPECT_EQ(leader.host->dispatcher().broken_invariant(), "");
}

// As of a newer node: no replica may read it otherwise than another, and its entry must be applied.
TEST_F(QueueHostTest, ABatchThatItCannotReadIsRefusedAndStopsNothing) {
  publish("first");
  settle();
  publish("of a newer build");
  client.turn(now);
  ASSERT_EQ(to_host.size(), 1u);
  auto& batch = std::get<session::Batch>(to_host.front().body);
  std::string octets(batch.payload.view());
  octets[5] = 100;  // the version
  batch.payload = Bytes(octets);
  settle();
  ASSERT_EQ(outcomes.size(), 2u);
  EXPECT_NE(outcomes[1].outcome.code, OutcomeCode::ok);
  publish("behind");
  settle();
  ASSERT_EQ(outcomes.size(), 3u);
  EXPECT_EQ(outcomes[2].outcome.code, OutcomeCode::ok);
  EXPECT_EQ(unsettled(), 2u);
}

TEST_F(QueueHostTest, WhatIsDelayedComesWhenItIsDueThoughNothingElseHappens) {
  consume(10);
  publish("later", 0, 500);
  publish("soon", 0, 200);
  settle();
  EXPECT_EQ(leader.host->next_deadline(), now + 200ms);
  now += 199ms;
  settle();
  EXPECT_TRUE(deliveries.empty());
  now += 1ms;
  settle();
  ASSERT_EQ(deliveries.size(), 1u);
  EXPECT_EQ(deliveries[0].content.body, "soon");
  EXPECT_FALSE(deliveries[0].redelivered);
  now += 300ms;
  settle();
  ASSERT_EQ(deliveries.size(), 2u);
  EXPECT_EQ(deliveries[1].content.body, "later");
  ack(deliveries[0]);
  ack(deliveries[1]);
  settle();
  EXPECT_EQ(unsettled(), 0u);
  EXPECT_EQ(leader.host->dispatcher().broken_invariant(), "");
}

TEST_F(QueueHostTest, WhatIsDueIsAskedForOnceWhileItsEntryIsUnderWay) {
  publish("m", 0, 200);
  settle();
  leader.slow_log = true;
  now += 200ms;
  settle();
  EXPECT_EQ(leader.proposed.size(), 1u);
  EXPECT_FALSE(leader.host->next_deadline()) << "it would turn for ever";
  leader.slow_log = false;
  settle();
  EXPECT_EQ(unsettled(), 1u);
  EXPECT_EQ(leader.host->dispatcher().counts(q).delayed, 0u);
}

TEST_F(QueueHostTest, ANewLeaderGoesOnWithTheDelays) {
  publish("m", 0, 500);
  settle();
  now += 300ms;
  publish("makes an entry of now");
  settle();
  leader.lead(Term(2), now);
  client.connect(now);
  settle();
  EXPECT_EQ(unsettled(), 1u);
  now += 200ms;
  settle();
  EXPECT_EQ(unsettled(), 2u);
}

// A batch of them, in entries of a bounded number, in order.
TEST_F(QueueHostTest, ManyThatAreDueAtOnceAllComeInOrder) {
  constexpr std::uint64_t many = 20'000;
  for (std::uint64_t i = 0; i < many; ++i) {
    publish("m", 0, 300);
    if (i % 500 == 0) settle();
  }
  settle();
  EXPECT_EQ(leader.host->dispatcher().counts(q).delayed, many);
  now += 300ms;
  settle();
  EXPECT_GT(unsettled(), 0u);
  EXPECT_LT(unsettled(), many) << "not all in one entry";
  for (int i = 0; i < 5; ++i, now += 1ms)
    settle();
  EXPECT_EQ(unsettled(), many);
  MessageId last;
  leader.state.machine().find(q)->messages.for_each([&](const Message& message) {
    EXPECT_LT(last, message.id);
    last = message.id;
    return true;
  });
}

TEST_F(QueueHostTest, EndedSessionThatAsksAgainIsToldSoAndLeavesNothing) {
  catalog::Effects effects;
  effects.incarnations_ended.push_back({NodeId(1), fixture.incarnation()});
  leader.host->on_catalog(fixture.snapshot(), effects);
  leader.turn(now);
  leader.to_client.clear();
  leader.host->on_message(
      {{NodeId(1), fixture.incarnation()}, session::StreamEpoch(9), session::Open{}}, now);
  ASSERT_EQ(leader.to_client.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<session::Ended>(leader.to_client.front().body));
  EXPECT_EQ(leader.host->streams(), 0u);
}

TEST_F(QueueHostTest, AutoDeleteQueueGoesThoughLeaderAndConsumerAreLostTogether) {
  q = fixture.declare("mine", true);
  leader.set_catalog(fixture.snapshot(), {});
  client.set_catalog_index(fixture.index());
  consume(1);
  ASSERT_TRUE(consumed && *consumed);
  EXPECT_TRUE(leader.unused.empty());
  connected = false;
  leader.lead(Term(2), now);
  settle();
  EXPECT_TRUE(leader.unused.empty());
  now += 2s;
  settle();
  EXPECT_EQ(leader.unused, std::vector<QueueId>{q});
}

}  // namespace
}  // namespace warren::replica
