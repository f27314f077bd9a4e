#include "tests/unit/broker/replica/link_fixture.h"

namespace warren::replica {
namespace {

TEST_F(Link, PublishIsConfirmedConsumedAndAcked) {
  publish("hello", 7);
  settle();
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].origin.tag, 7u);
  EXPECT_EQ(outcomes[0].outcome.code, OutcomeCode::ok);
  consume(10);
  ASSERT_TRUE(consumed && *consumed);
  ASSERT_EQ(deliveries.size(), 1u);
  EXPECT_EQ(deliveries[0].content.body, "hello");
  EXPECT_FALSE(deliveries[0].redelivered);
  ack(deliveries[0]);
  settle();
  EXPECT_EQ(unsettled(), 0u);
  EXPECT_TRUE(leader.host->dispatcher().broken_invariant().empty());
}

TEST_F(Link, ConsumerThatWaitsGetsMessagesInOrder) {
  consume(0);
  for (int i = 0; i < 100; ++i)
    publish(std::to_string(i));
  settle();
  ASSERT_EQ(deliveries.size(), 100u);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(deliveries[i].content.body, std::to_string(i));
}

// Architecture §9.1: its successor may have settled what it still takes for ready.
TEST_F(Link, ALeaderThatIsCutOffHandsOutNothingUntilAMajorityAnswers) {
  consume(0);
  leader.cut_off = true;
  now += 999ms;
  publish("in time");
  settle();
  EXPECT_EQ(deliveries.size(), 1u);
  now += 1ms;
  publish("too late");
  settle();
  EXPECT_EQ(deliveries.size(), 1u);
  leader.cut_off = false;
  settle();
  EXPECT_EQ(deliveries.size(), 2u);
}

TEST_F(Link, WhatWaitedForTheDiskIsNotHandedOutLaterThanTheRest) {
  publish("on its way");
  settle();
  leader.lead(Term(2), now);  // and nothing is cached
  client.connect(now);
  leader.slow_disk = true;
  consume(0);
  settle();
  ASSERT_FALSE(leader.reads.empty());
  leader.cut_off = true;
  now += 1000ms;
  leader.slow_disk = false;
  settle();
  EXPECT_TRUE(deliveries.empty());
  leader.cut_off = false;
  settle();
  EXPECT_EQ(deliveries.size(), 1u);
}

// Full when it was asked, and no more by its next turn: whoever waits is told all the same.
TEST_F(Link, WritableIsToldThoughTheRoomCameWithinTheTurn) {
  const std::string large(5u << 20, 'x');
  publish(large);
  client.turn(now);
  while (!to_host.empty()) {
    leader.host->on_message(std::move(to_host.front()), now);
    to_host.pop_front();
  }
  leader.turn(now);
  publish(large);
  ASSERT_FALSE(client.writable());
  while (!leader.to_client.empty()) {
    client.on_message(std::move(leader.to_client.front()), now);
    leader.to_client.pop_front();
  }
  ASSERT_TRUE(client.writable());
  client.turn(now);
  EXPECT_EQ(writable, 1);
}

TEST_F(Link, PrefetchBoundsWhatIsHeld) {
  consume(2);
  for (int i = 0; i < 5; ++i)
    publish("m");
  settle();
  EXPECT_EQ(deliveries.size(), 2u);
  ack(deliveries[0]);
  settle();
  EXPECT_EQ(deliveries.size(), 3u);
}

TEST_F(Link, APrefetchThatChangesReachesTheLeader) {
  const ConsumerNumber number = consume(1);
  for (int i = 0; i < 6; ++i)
    publish("m");
  settle();
  ASSERT_EQ(deliveries.size(), 1u);
  client.set_prefetch(number, 3, now);
  settle();
  EXPECT_EQ(deliveries.size(), 3u);
  client.set_prefetch(number, 2, now);
  ack(deliveries[0]);
  settle();
  EXPECT_EQ(deliveries.size(), 3u);
  client.set_prefetch(ConsumerNumber(77), 9, now);  // nobody's
  client.set_prefetch(number, 0, now);
  settle();
  EXPECT_EQ(deliveries.size(), 6u);
}

TEST_F(Link, AChangedPrefetchSurvivesAChangeOfLeader) {
  const ConsumerNumber number = consume(1);
  for (int i = 0; i < 6; ++i)
    publish("m");
  settle();
  client.set_prefetch(number, 2, now);
  settle();
  ASSERT_EQ(deliveries.size(), 2u);
  leader.lead(Term(2), now);
  settle();
  client.connect(now);
  settle();
  EXPECT_EQ(deliveries.size(), 2u);
  ack(deliveries[0]);
  settle();
  EXPECT_EQ(deliveries.size(), 3u);
}

// What was asked of a stream that broke is asked of the next one too, and comes behind its claims.
TEST_F(Link, TheLastPrefetchCountsWhereverTheStreamBroke) {
  const ConsumerNumber number = consume(1);
  for (int i = 0; i < 6; ++i)
    publish("m");
  settle();
  connected = false;
  client.set_prefetch(number, 2, now);
  settle();
  client.disconnect(NodeId());
  client.set_prefetch(number, 4, now);
  settle();
  to_host.clear();
  leader.host->on_stream_lost({NodeId(1), fixture.incarnation()}, now);
  connected = true;
  client.connect(now);
  settle();
  EXPECT_EQ(deliveries.size(), 4u);
  ack(deliveries[0]);
  settle();
  EXPECT_EQ(deliveries.size(), 5u);
}

TEST_F(Link, HoldingsSurviveAChangeOfLeader) {
  consume(10);
  publish("kept");
  settle();
  ASSERT_EQ(deliveries.size(), 1u);
  leader.lead(Term(2), now);
  settle();
  EXPECT_EQ(seeks, 1);
  client.connect(now);
  settle();
  EXPECT_TRUE(refused.empty());
  EXPECT_EQ(deliveries.size(), 1u);  // not handed out again
  ack(deliveries[0]);                // by the checkout of the former leader
  settle();
  EXPECT_EQ(unsettled(), 0u);
  publish("next");
  settle();
  ASSERT_EQ(deliveries.size(), 2u);
  EXPECT_EQ(deliveries[1].content.body, "next");
}

TEST_F(Link, WhatWasSentIntoTheVoidIsSentAgain) {
  connected = false;
  publish("lost", 3);
  settle();
  to_host.clear();
  EXPECT_TRUE(outcomes.empty());
  connected = true;
  leader.lead(Term(2), now);
  client.connect(now);
  settle();
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(unsettled(), 1u);
}

TEST_F(Link, AckOnItsWayAtAResetCountsOnce) {
  consume(1);
  publish("a");
  publish("b");
  settle();
  ASSERT_EQ(deliveries.size(), 1u);
  connected = false;
  ack(deliveries[0]);
  settle();
  to_host.clear();
  connected = true;
  leader.host->on_stream_lost({NodeId(1), fixture.incarnation()}, now);
  client.connect(now);
  settle();
  ASSERT_EQ(deliveries.size(), 2u);
  EXPECT_EQ(deliveries[1].content.body, "b");
  EXPECT_FALSE(deliveries[1].redelivered);
  EXPECT_EQ(unsettled(), 1u);
}

TEST_F(Link, AckMadeWhileTheNewLeaderIsAttachedToCounts) {
  consume(1);
  publish("a");
  settle();
  ASSERT_EQ(deliveries.size(), 1u);
  leader.lead(Term(2), now);
  settle();
  ack(deliveries[0]);  // waits: there is no stream
  client.connect(now);
  settle();
  EXPECT_EQ(unsettled(), 0u);
  EXPECT_EQ(leader.host->dispatcher().counts(q).unacknowledged, 0u);
}

TEST_F(Link, PublishThatNobodyDecidesTimesOutOnceAndItsTruthIsIgnored) {
  leader.refuse = true;
  publish("slow", 5);
  settle();
  now += 15s;
  settle();
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].outcome.code, OutcomeCode::timed_out);
  leader.refuse = false;
  settle();
  EXPECT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(unsettled(), 1u);
}

TEST_F(Link, GetTakesOneAndTellsWhatIsLeft) {
  publish("1");
  publish("2");
  settle();
  std::optional<Result<GetReply>> got;
  client.get({{1, 9}, q, false}, [&](Result<GetReply> r) { got = std::move(r); }, now);
  settle();
  ASSERT_TRUE(got && *got && (*got)->delivery);
  EXPECT_EQ((*got)->delivery->content.body, "1");
  EXPECT_EQ((*got)->origin.tag, 9u);
  EXPECT_EQ((*got)->ready_left, 1u);
}

TEST_F(Link, RequestsWithoutALeaderAnswer541) {
  client.disconnect(NodeId());
  std::optional<Result<QueueCounts>> counts;
  client.counts(q, [&](Result<QueueCounts> r) { counts = r; }, now);
  settle();
  EXPECT_FALSE(counts);
  now += 15s;
  settle();
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->error().code, ReplyCode::internal_error);
}

TEST_F(Link, ClosingAChannelReturnsWhatItHeld) {
  consume(10);
  publish("x");
  settle();
  ASSERT_EQ(deliveries.size(), 1u);
  bool closed = false;
  client.close_channel(1, [&] { closed = true; }, now);
  settle();
  EXPECT_TRUE(closed);
  EXPECT_EQ(unsettled(), 1u);
  EXPECT_TRUE(client.idle());
  consume(1);
  ASSERT_EQ(deliveries.size(), 2u);
  EXPECT_TRUE(deliveries[1].redelivered);
  EXPECT_EQ(deliveries[1].delivery_count, 1u);
}

TEST_F(Link, ClosingAChannelWaitsForWhatIsOnItsWayToIt) {
  consume(10);
  for (int i = 0; i < 5; ++i)
    publish("x");
  client.turn(now);
  while (!to_host.empty()) {
    leader.host->on_message(std::move(to_host.front()), now);
    to_host.pop_front();
  }
  leader.turn(now);
  ASSERT_EQ(leader.host->dispatcher().counts(q).unacknowledged, 5u);
  std::optional<std::uint64_t> ready;
  client.close_channel(1, [&] { ready = leader.host->dispatcher().counts(q).ready; }, now);
  settle();
  EXPECT_EQ(ready, 5u);
  EXPECT_TRUE(client.idle());
}

// No leader answers: it is closed all the same, and the next one is told nothing of its consumers.
TEST_F(Link, ClosingAChannelWithoutALeaderEndsInTime) {
  consume(10);
  connected = false;
  bool closed = false;
  client.close_channel(1, [&] { closed = true; }, now);
  settle();
  EXPECT_FALSE(closed);
  now += 15s;
  settle();
  EXPECT_TRUE(closed);
}

TEST_F(Link, ConsumingAQueueThatIsGoneIs404) {
  q = QueueId(99999);
  consume(1);
  ASSERT_TRUE(consumed);
  EXPECT_EQ(consumed->error().code, ReplyCode::not_found);
  publish("nowhere");
  settle();
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].outcome.code, OutcomeCode::queue_gone);
}

TEST_F(Link, ConsumerThatIsCancelledBeforeItsAnswerWithoutAStreamIsNoMore) {
  client.disconnect(NodeId());
  ConsumerNumber number = consume(1);
  bool told = false;
  client.cancel(number, [&] { told = true; }, now);
  settle();
  EXPECT_TRUE(told);
  client.connect(now);
  settle();
  EXPECT_TRUE(consumed);
  publish("m");
  settle();
  EXPECT_TRUE(deliveries.empty());
  EXPECT_EQ(leader.host->dispatcher().counts(q).consumers, 0u);
  EXPECT_TRUE(client.idle());
}

TEST_F(Link, SealCancelsConsumersAndTellsTheOwner) {
  consume(1);
  client.submit({ClientCommand(Seal{{1, 2}, q, false, false})}, now);
  settle();
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].outcome.code, OutcomeCode::ok);
  EXPECT_EQ(leader.sealed, std::vector<QueueId>{q});
  EXPECT_EQ(cancelled.size(), 1u);
}

TEST_F(Link, EndedIncarnationDecidesEverything) {
  consume(1);
  leader.refuse = true;
  publish("undecided");
  settle();
  leader.refuse = false;
  catalog::Effects effects;
  effects.incarnations_ended.push_back({NodeId(1), fixture.incarnation()});
  leader.host->on_catalog(fixture.snapshot(), effects);
  settle();
  EXPECT_EQ(ended, 1);
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(leader.host->streams(), 0u);
}

TEST_F(Link, CatalogThatCameAsASnapshotIsComparedWhole) {
  consume(1);
  publish("m");
  settle();
  fixture.run(catalog::NodeDead{NodeId(1), fixture.incarnation()});
  catalog::Effects effects;
  effects.unknown = true;
  leader.host->on_catalog(fixture.snapshot(), effects);
  settle();
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(leader.host->dispatcher().counts(q).unacknowledged, 0u);
}

TEST_F(Link, SessionThatIsMetAfterItsEndIsEnded) {
  fixture.run(catalog::NodeDead{NodeId(1), fixture.incarnation()});
  Leader late(fixture.snapshot());
  late.lead(Term(1), now);
  late.host->on_message(
      {{NodeId(1), fixture.incarnation()}, session::StreamEpoch(1), session::Open{}}, now);
  late.turn(now);
  EXPECT_TRUE(late.state.ledger().ended({NodeId(1), fixture.incarnation()}));
}

TEST_F(Link, SnapshotRestoresByteIdentically) {
  consume(1);
  for (int i = 0; i < 10; ++i)
    publish("m");
  settle();
  QueueState other;
  const auto digest = leader.state.digest();
  auto parts = leader.state.take_parts(true);
  for (const StatePart& part : parts)
    ASSERT_TRUE(other.restore(part.key, *part.octets));
  EXPECT_EQ(other.digest(), digest);
  auto again = other.take_parts(true);
  ASSERT_EQ(again.size(), parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i)
    EXPECT_EQ(again[i].octets, parts[i].octets);
}

}  // namespace
}  // namespace warren::replica
