#include "broker/queue/dispatcher.h"

#include "tests/unit/broker/queue/world.h"

namespace warren::queue {
namespace {

class DispatcherTest : public testing::Test {
 protected:
  DispatcherTest() { world.start(); }
  World world;
};

TEST_F(DispatcherTest, HandsOutInPublishingOrder) {
  world.publish_many(orders, 5);
  world.consume(session_a, 1, orders);
  Poll all = world.run();
  ASSERT_EQ(all.consumes.size(), 1u);
  EXPECT_EQ(all.consumes[0].verdict, ConsumeVerdict::ok);
  EXPECT_EQ(ordinals_of(all.handouts), (std::vector<std::uint64_t>{0, 1, 2, 3, 4}));
  for (const Handout& handout : all.handouts)
    EXPECT_FALSE(handout.redelivered);
}

TEST_F(DispatcherTest, NothingGoesOutBeforeMarkAndTouchAreCommitted) {
  world.publish(orders);
  world.consume(session_a, 1, orders);
  Poll& first = world.poll();
  EXPECT_TRUE(first.handouts.empty());
  ASSERT_EQ(first.needs.marks.size(), 1u);
  EXPECT_EQ(first.needs.marks[0].below, Ordinal(1024));
  ASSERT_EQ(first.needs.touches.size(), 1u);
  Needs needs = first.needs;
  EXPECT_TRUE(world.poll().needs.empty()) << "each is asked for once";
  Needs mark_only;
  mark_only.marks = needs.marks;
  world.commit(mark_only);
  EXPECT_TRUE(world.poll().handouts.empty());
  needs.marks.clear();
  world.commit(needs);
  EXPECT_EQ(world.poll().handouts.size(), 1u);
}

TEST_F(DispatcherTest, MarkAndTouchRideInTheEnqueuesEntryWhenSomebodyWaits) {
  world.consume(session_a, 1, orders);
  world.run();
  world.publish(orders);
  EXPECT_EQ(world.poll().handouts.size(), 1u) << "no second commit";
  EXPECT_TRUE(world.last.needs.empty());
}

TEST_F(DispatcherTest, NobodyWaitsMeansThatNothingRides) {
  EnqueuePlan plan = world.dispatcher.plan_enqueue(orders, LevelNumber(0), 1);
  EXPECT_FALSE(plan.mark);
  EXPECT_TRUE(plan.touches.empty());
  world.consume(session_a, 1, orders, 1);
  world.publish(orders);
  world.run();
  EXPECT_FALSE(world.dispatcher.plan_enqueue(orders, LevelNumber(0), 1).mark)
      << "the only consumer is full";
}

TEST_F(DispatcherTest, TheMarkIsAskedForInStridesAheadOfNeed) {
  world.publish_many(orders, 1500);
  world.consume(session_a, 1, orders, 1);
  std::size_t marks = 0;
  for (int i = 0; i < 1500; ++i) {
    Poll all = world.run();
    ASSERT_EQ(all.handouts.size(), 1u);
    ASSERT_TRUE(world.settle(session_a, all.handouts[0]));
    Ordinal mark = world.machine.find(orders)->messages.mark(LevelNumber(0)).committed;
    EXPECT_LE(mark.value, all.handouts[0].ordinal.value + 1 + 1024);
    marks = mark.value;
  }
  EXPECT_GE(marks, 1500u);
}

TEST_F(DispatcherTest, AConsumerNeverHoldsMoreThanItsPrefetch) {
  world.publish_many(orders, 10);
  world.consume(session_a, 1, orders, 3);
  Poll all = world.run();
  ASSERT_EQ(all.handouts.size(), 3u);
  EXPECT_TRUE(world.settle(session_a, all.handouts[1]));
  EXPECT_EQ(ordinals_of(world.run().handouts), std::vector<std::uint64_t>{3});
}

TEST_F(DispatcherTest, AnAckFreesCreditBeforeItIsCommitted) {
  world.publish_many(orders, 2);
  world.consume(session_a, 1, orders, 1);
  Handout first = world.run().handouts.at(0);
  EXPECT_TRUE(world.dispatcher.resolve_settle(session_a, orders, first.held));
  EXPECT_EQ(ordinals_of(world.run().handouts), std::vector<std::uint64_t>{1});
  QueueCounts counts = world.dispatcher.counts(orders);
  EXPECT_EQ(counts.ready, 0u) << "a message being settled is neither ready";
  EXPECT_EQ(counts.unacknowledged, 1u) << "nor held";
  world.apply_settle(orders, first.held.message);
  EXPECT_EQ(world.dispatcher.counts(orders).unacknowledged, 1u);
}

TEST_F(DispatcherTest, EqualConsumersTakeTurns) {
  world.consume(session_a, 1, orders);
  world.consume(session_b, 2, orders);
  world.publish_many(orders, 4);
  std::vector<std::uint64_t> order;
  for (const Handout& handout : world.run().handouts)
    order.push_back(handout.consumer.value);
  EXPECT_EQ(order, (std::vector<std::uint64_t>{1, 2, 1, 2}));
}

TEST_F(DispatcherTest, ASecondSettleOfTheSameCheckoutIsDropped) {
  world.publish(orders);
  world.consume(session_a, 1, orders);
  Handout handout = world.run().handouts.at(0);
  EXPECT_TRUE(world.dispatcher.resolve_settle(session_a, orders, handout.held));
  EXPECT_FALSE(world.dispatcher.resolve_settle(session_a, orders, handout.held));
  world.apply_settle(orders, handout.held.message);
  EXPECT_FALSE(world.dispatcher.resolve_settle(session_a, orders, handout.held));
}

TEST_F(DispatcherTest, OnlyTheHoldersCurrentCheckoutIsAccepted) {
  world.publish(orders);
  world.consume(session_a, 1, orders);
  Handout handout = world.run().handouts.at(0);
  Held wrong = handout.held;
  wrong.checkout.counter += 1;
  EXPECT_FALSE(world.dispatcher.resolve_settle(session_a, orders, wrong));
  EXPECT_FALSE(world.dispatcher.resolve_settle(session_b, orders, handout.held));
  EXPECT_FALSE(world.dispatcher.resolve_settle(session_a, bills, handout.held));
  wrong.message.slot = Slot(9);
  EXPECT_FALSE(world.dispatcher.resolve_settle(session_a, orders, wrong));
  EXPECT_TRUE(world.dispatcher.resolve_settle(session_a, orders, handout.held));
}

TEST_F(DispatcherTest, AStaleSettleOfWhatSomebodyElseHoldsIsDropped) {
  world.publish(orders);
  world.consume(session_a, 1, orders, 1);
  Handout first = world.run().handouts.at(0);
  world.dispatcher.cancel_consumer(session_a, ConsumerNumber(1), world.now);
  world.consume(session_b, 2, orders, 1);
  EXPECT_TRUE(world.settle(session_a, first, SettleKind::requeue_nack));
  Handout second = world.run().handouts.at(0);
  EXPECT_EQ(second.session, session_b);
  EXPECT_FALSE(world.settle(session_a, first));
  EXPECT_TRUE(world.settle(session_b, second));
}

TEST_F(DispatcherTest, WhatComesBackKeepsItsPlaceAndIsRedelivered) {
  world.publish_many(orders, 5);
  world.consume(session_a, 1, orders, 3);
  Poll all = world.run();
  world.dispatcher.cancel_consumer(session_a, ConsumerNumber(1), world.now);
  for (std::size_t i : {2, 0})
    world.settle(session_a, all.handouts[i], SettleKind::requeue_nack);
  world.consume(session_b, 2, orders);
  Poll again = world.run();
  EXPECT_EQ(ordinals_of(again.handouts), (std::vector<std::uint64_t>{0, 2, 3, 4}));
  EXPECT_TRUE(again.handouts[0].redelivered);
  EXPECT_TRUE(again.handouts[1].redelivered);
  EXPECT_FALSE(again.handouts[2].redelivered);
  EXPECT_EQ(again.handouts[0].delivery_count, 0u);
}

TEST_F(DispatcherTest, FailedDeliveriesAreCountedInTheNextOne) {
  world.publish(orders);
  world.consume(session_a, 1, orders, 1);
  world.settle(session_a, world.run().handouts.at(0), SettleKind::requeue_lost);
  Handout again = world.run().handouts.at(0);
  EXPECT_EQ(again.delivery_count, 1u);
  EXPECT_TRUE(again.redelivered);
}

TEST_F(DispatcherTest, AReturnIsReadyOnlyWhenItIsApplied) {
  world.publish(orders);
  world.consume(session_a, 1, orders, 1);
  Handout handout = world.run().handouts.at(0);
  EXPECT_TRUE(world.dispatcher.resolve_settle(session_a, orders, handout.held));
  EXPECT_TRUE(world.run().handouts.empty());
  world.apply_settle(orders, handout.held.message, SettleKind::requeue_nack);
  EXPECT_EQ(world.run().handouts.size(), 1u);
}

TEST_F(DispatcherTest, CancelKeepsCheckoutsWithTheSession) {
  world.publish(orders);
  world.consume(session_a, 1, orders);
  Handout handout = world.run().handouts.at(0);
  world.dispatcher.cancel_consumer(session_a, ConsumerNumber(1), world.now);
  EXPECT_EQ(world.run().consumers_gone, std::vector{orders});
  EXPECT_EQ(world.dispatcher.counts(orders).unacknowledged, 1u);
  EXPECT_EQ(world.dispatcher.checkout_of(orders, handout.held.message), handout.held.checkout);
  EXPECT_TRUE(world.settle(session_a, handout));
  EXPECT_EQ(world.dispatcher.checkout_of(orders, handout.held.message), std::nullopt);
}

TEST_F(DispatcherTest, OnlyTheLastConsumersCancelIsReported) {
  world.consume(session_a, 1, orders);
  world.consume(session_b, 2, orders);
  world.dispatcher.cancel_consumer(session_a, ConsumerNumber(1), world.now);
  world.dispatcher.cancel_consumer(session_a, ConsumerNumber(77), world.now);
  EXPECT_TRUE(world.run().consumers_gone.empty());
  world.dispatcher.session_ended(session_b);
  EXPECT_EQ(world.run().consumers_gone, std::vector{orders});
}

TEST_F(DispatcherTest, ExclusiveMeansAlone) {
  Consumer alone;
  alone.number = ConsumerNumber(1), alone.queue = orders, alone.exclusive = true;
  world.dispatcher.add_consumer(session_a, alone);
  world.consume(session_b, 2, orders);
  world.dispatcher.cancel_consumer(session_a, ConsumerNumber(1), world.now);
  world.consume(session_b, 3, orders);
  alone.number = ConsumerNumber(4);
  world.dispatcher.add_consumer(session_a, alone);
  Poll all = world.run();
  std::vector<ConsumeVerdict> verdicts;
  for (const ConsumeAnswer& answer : all.consumes)
    verdicts.push_back(answer.verdict);
  EXPECT_EQ(verdicts, (std::vector{ConsumeVerdict::ok, ConsumeVerdict::exclusive_use,
                                   ConsumeVerdict::ok, ConsumeVerdict::exclusive_use}));
}

TEST_F(DispatcherTest, RegisteringTwiceIsOneConsumer) {
  world.consume(session_a, 1, orders);
  world.consume(session_a, 1, orders);
  EXPECT_EQ(world.run().consumes.size(), 2u);
  EXPECT_EQ(world.dispatcher.counts(orders).consumers, 1u);
}

TEST_F(DispatcherTest, ANoAckConsumerIsBoundedUntilItsFrontEndSettles) {
  DispatcherConfig config;
  config.no_ack_messages = 2;
  World bounded(config);
  bounded.start();
  bounded.publish_many(orders, 5);
  Consumer consumer;
  consumer.number = ConsumerNumber(1), consumer.queue = orders, consumer.no_ack = true;
  bounded.dispatcher.add_consumer(session_a, consumer);
  Poll all = bounded.run();
  ASSERT_EQ(all.handouts.size(), 2u);
  bounded.settle(session_a, all.handouts[0]);
  EXPECT_EQ(bounded.run().handouts.size(), 1u);
}

TEST_F(DispatcherTest, AGetTakesTheHeadAndTellsWhatIsLeft) {
  world.publish_many(orders, 3);
  world.get(session_a, orders, 7);
  Poll& first = world.poll();
  EXPECT_TRUE(first.gets.empty());
  ASSERT_EQ(first.needs.marks.size(), 1u);
  EXPECT_EQ(first.needs.marks[0].below, Ordinal(1)) << "no stride for a get";
  Needs needs = first.needs;
  world.commit(needs);
  Poll all = world.run();
  ASSERT_EQ(all.gets.size(), 1u);
  EXPECT_EQ(all.gets[0].verdict, GetVerdict::message);
  EXPECT_EQ(all.gets[0].ready_left, 2u);
  EXPECT_EQ(all.gets[0].request.origin.tag, 7u);
  EXPECT_EQ(all.gets[0].handout->ordinal, Ordinal(0));
  EXPECT_TRUE(world.settle(session_a, *all.gets[0].handout));
}

TEST_F(DispatcherTest, AGetOfAnEmptyQueueIsEmptyAtOnce) {
  world.get(session_a, orders);
  EXPECT_EQ(world.poll().gets.at(0).verdict, GetVerdict::empty);
  world.get(session_a, QueueId(555));
  EXPECT_EQ(world.poll().gets.at(0).verdict, GetVerdict::empty) << "not made yet: nothing in it";
}

TEST_F(DispatcherTest, WhoAsksForASealedOrRemovedQueueIsToldThatItIsGone) {
  world.machine.seal(orders, false, {}, world.effects);
  world.applied();
  world.get(session_a, orders);
  world.consume(session_a, 1, orders);
  world.machine.remove(bills, CatalogIndex(5), world.effects);
  world.applied();
  world.get(session_a, bills);
  world.consume(session_a, 2, bills);
  Poll all = world.run();
  for (const GetAnswer& get : all.gets)
    EXPECT_EQ(get.verdict, GetVerdict::queue_gone);
  for (const ConsumeAnswer& answer : all.consumes)
    EXPECT_EQ(answer.verdict, ConsumeVerdict::queue_gone);
  EXPECT_EQ(all.gets.size() + all.consumes.size(), 4u);
}

TEST_F(DispatcherTest, AConsumerMayComeBeforeItsQueuesFirstMessage) {
  world.consume(session_a, 1, bills);
  world.run();
  EnqueuePlan plan = world.dispatcher.plan_enqueue(bills, LevelNumber(0), 1);
  EXPECT_TRUE(plan.mark);
  world.machine.create(bills, Settings{}, world.effects);
  Needs needs;
  needs.marks.push_back(*plan.mark);
  needs.touches = plan.touches;
  world.commit(needs);
  world.publish(bills);
  EXPECT_EQ(world.run().handouts.size(), 1u);
}

TEST_F(DispatcherTest, PurgeSparesWhatIsHeldAndStopsTheQueueUntilApplied) {
  world.publish_many(orders, 5);
  world.consume(session_a, 1, orders, 1);
  Handout held = world.run().handouts.at(0);
  auto spared = world.dispatcher.resolve_purge(session_b, orders);
  EXPECT_EQ(spared, std::vector{held.held.message});
  world.consume(session_b, 2, orders);
  world.get(session_b, orders);
  Poll frozen = world.run();
  EXPECT_TRUE(frozen.handouts.empty() && frozen.gets.empty() && frozen.consumes.empty());
  EXPECT_EQ(world.machine.purge(orders, spared, world.effects).value, 4u);
  world.applied();
  Poll thawed = world.run();
  EXPECT_EQ(thawed.gets.at(0).verdict, GetVerdict::empty);
  EXPECT_EQ(thawed.consumes.at(0).verdict, ConsumeVerdict::ok);
  EXPECT_TRUE(world.settle(session_a, held));
  EXPECT_TRUE(world.machine.find(orders)->messages.empty());
}

TEST_F(DispatcherTest, PurgeTakesWhatCameBack) {
  world.publish_many(orders, 2);
  world.consume(session_a, 1, orders, 1);
  Handout handout = world.run().handouts.at(0);
  world.dispatcher.cancel_consumer(session_a, ConsumerNumber(1), world.now);
  world.settle(session_a, handout, SettleKind::requeue_nack);
  auto spared = world.dispatcher.resolve_purge(session_b, orders);
  EXPECT_TRUE(spared.empty());
  EXPECT_EQ(world.machine.purge(orders, spared, world.effects).value, 2u);
  world.applied();
  EXPECT_EQ(world.dispatcher.counts(orders).ready, 0u);
}

TEST_F(DispatcherTest, SealCancelsConsumersAndAnswersWhoWaits) {
  world.publish_many(orders, 3);
  world.consume(session_a, 1, orders, 1);
  Handout held = world.run().handouts.at(0);
  SealVerdict verdict = world.dispatcher.resolve_seal(session_b, orders, false);
  EXPECT_EQ(verdict.held, 1u);
  world.consume(session_b, 2, orders);
  world.get(session_b, orders);
  EXPECT_EQ(world.machine.seal(orders, false, verdict, world.effects),
            (Outcome{OutcomeCode::ok, 2}));
  world.applied();
  Poll all = world.run();
  EXPECT_EQ(all.cancelled.at(0).number, ConsumerNumber(1));
  EXPECT_EQ(all.consumes.at(0).verdict, ConsumeVerdict::queue_gone);
  EXPECT_EQ(all.gets.at(0).verdict, GetVerdict::queue_gone);
  EXPECT_TRUE(all.consumers_gone.empty()) << "it is going already";
  EXPECT_TRUE(world.settle(session_a, held));
  world.machine.remove(orders, CatalogIndex(500), world.effects);
  world.applied();
  EXPECT_EQ(world.dispatcher.counts(orders).consumers, 0u);
}

TEST_F(DispatcherTest, SealIfUnusedIsRefusedWhileThereIsAConsumer) {
  world.consume(session_a, 1, orders);
  world.run();
  SealVerdict verdict = world.dispatcher.resolve_seal(session_b, orders, true);
  EXPECT_TRUE(verdict.in_use);
  EXPECT_EQ(world.machine.seal(orders, false, verdict, world.effects).code, OutcomeCode::in_use);
  world.applied();
  world.publish(orders);
  EXPECT_EQ(world.run().handouts.size(), 1u) << "the queue goes on";
  world.dispatcher.cancel_consumer(session_a, ConsumerNumber(1), world.now);
  EXPECT_FALSE(world.dispatcher.resolve_seal(session_b, orders, true).in_use);
}

TEST_F(DispatcherTest, RemovingAQueueCancelsWhatIsLeft) {
  world.publish(orders);
  world.consume(session_a, 1, orders);
  Handout handout = world.run().handouts.at(0);
  world.machine.remove(orders, CatalogIndex(500), world.effects);
  world.applied();
  EXPECT_EQ(world.run().cancelled.size(), 1u);
  EXPECT_FALSE(world.settle(session_a, handout));
  EXPECT_EQ(world.dead_entries, std::vector{handout.held.message.entry});
}

TEST_F(DispatcherTest, APollIsBoundedAndQueuesShareIt) {
  world.machine.create(bills, Settings{}, world.effects);
  world.consume(session_a, 1, orders);
  world.consume(session_a, 2, bills);
  world.run();
  world.publish_many(orders, 200);
  world.publish_many(bills, 200);
  Poll& first = world.poll(128);
  EXPECT_EQ(first.handouts.size(), 128u);
  EXPECT_TRUE(first.more);
  auto of = [&](QueueId queue) {
    return std::count_if(first.handouts.begin(), first.handouts.end(),
                         [&](const Handout& handout) { return handout.queue == queue; });
  };
  EXPECT_EQ(of(orders), 64);
  EXPECT_EQ(of(bills), 64);
}

TEST_F(DispatcherTest, ALocalGroupNeedsNothingCommitted) {
  DispatcherConfig config;
  config.local = true;
  World local(config);
  local.start();
  local.publish(orders);
  local.consume(session_a, 1, orders, 1);
  Poll& polled = local.poll();
  EXPECT_EQ(polled.handouts.size(), 1u);
  EXPECT_TRUE(polled.needs.empty());
  EXPECT_FALSE(local.dispatcher.plan_enqueue(orders, LevelNumber(0), 1).mark);
}

TEST_F(DispatcherTest, TouchBitsOfTheIdleAreClearedLazily) {
  world.publish(orders);
  world.consume(session_a, 1, orders);
  Handout handout = world.run().handouts.at(0);
  world.dispatcher.cancel_consumer(session_a, ConsumerNumber(1), world.now);
  EXPECT_EQ(world.dispatcher.next_deadline(), world.now + Milliseconds(60'000));
  world.pass(60'000);
  EXPECT_TRUE(world.run().needs.untouches.empty());
  EXPECT_TRUE(world.machine.touched(session_a, orders)) << "it holds a message";
  world.settle(session_a, handout);
  world.pass(60'000);
  EXPECT_EQ(world.poll().needs.untouches.size(), 1u);
  Needs needs = world.last.needs;
  world.publish(orders);
  world.consume(session_a, 2, orders);
  Poll& waiting = world.poll();
  EXPECT_TRUE(waiting.handouts.empty()) << "a bit being cleared does not count";
  ASSERT_EQ(waiting.needs.touches.size(), 1u);
  needs.touches = waiting.needs.touches;
  world.commit(needs);
  EXPECT_EQ(world.run().handouts.size(), 1u);
}

TEST_F(DispatcherTest, ABitIsNotClearedUnderAConsumer) {
  world.consume(session_a, 1, orders);
  world.publish(orders);
  world.run();
  world.dispatcher.cancel_consumer(session_a, ConsumerNumber(1), world.now);
  world.consume(session_a, 2, orders);
  world.pass(120'000);
  EXPECT_TRUE(world.poll().needs.untouches.empty());
}

TEST_F(DispatcherTest, CountsAreOfReadyMessagesAndTheirOctets) {
  world.publish(orders, 100);
  world.publish(orders, 50);
  world.consume(session_a, 1, orders, 1);
  world.run();
  QueueCounts counts = world.dispatcher.counts(orders);
  EXPECT_EQ(counts.ready, 1u);
  EXPECT_EQ(counts.ready_bytes, 50u);
  EXPECT_EQ(counts.unacknowledged, 1u);
  EXPECT_EQ(counts.consumers, 1u);
  EXPECT_EQ(world.dispatcher.counts(QueueId(9)).ready, 0u);
  int seen = 0;
  world.dispatcher.for_each_consumer(orders, [&](SessionId, const Consumer&, bool active) {
    EXPECT_TRUE(active);
    ++seen;
  });
  EXPECT_EQ(seen, 1);
}

TEST_F(DispatcherTest, EndingATermDropsEverything) {
  world.publish(orders);
  world.consume(session_a, 1, orders);
  Handout handout = world.run().handouts.at(0);
  world.dispatcher.end_term();
  EXPECT_FALSE(world.dispatcher.leading());
  EXPECT_FALSE(world.dispatcher.has_work());
  EXPECT_FALSE(world.dispatcher.resolve_settle(session_a, orders, handout.held));
  world.publish(orders);
  EXPECT_TRUE(world.poll().handouts.empty());
}

using DispatcherDeathTest = DispatcherTest;

TEST_F(DispatcherDeathTest, OnlyAttachedSessionsMayAsk) {
  EXPECT_DEATH(world.consume(session_c, 1, orders), "not attached");
  EXPECT_DEATH(world.poll(0), "nothing");
  EXPECT_DEATH(world.dispatcher.begin_term(Term(0), world.now, Stamp()), "number");
}

}  // namespace
}  // namespace warren::queue
