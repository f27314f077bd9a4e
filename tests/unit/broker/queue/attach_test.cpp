// Terms, streams and claims: what the dispatcher does across failovers and lost streams.
#include "tests/unit/broker/queue/world.h"

namespace warren::queue {
namespace {

class AttachTest : public testing::Test {
 protected:
  AttachTest() { world.start(); }

  static Claim claim(std::uint64_t number, const std::vector<Handout>& held,
                     std::uint32_t prefetch = 0) {
    Claim made;
    made.consumer.number = ConsumerNumber(number);
    made.consumer.queue = orders;
    made.consumer.prefetch = prefetch;
    made.queue = orders;
    for (const Handout& handout : held)
      made.held.push_back(handout.held);
    return made;
  }
  // Session a consumes under number 1 and holds `count` messages.
  std::vector<Handout> hold(int count) {
    world.consume(session_a, 1, orders, static_cast<std::uint32_t>(count));
    world.publish_many(orders, count);
    auto held = world.run().handouts;
    EXPECT_EQ(held.size(), static_cast<std::size_t>(count));
    return held;
  }

  World world;
};

TEST_F(AttachTest, ANewLeaderHandsOutNothingUntilTheHolderAttaches) {
  auto held = hold(2);
  world.publish(orders);
  world.lead(2);
  world.attach(session_b);
  world.consume(session_b, 9, orders);
  world.get(session_b, orders);
  Poll waiting = world.run();
  EXPECT_TRUE(waiting.handouts.empty() && waiting.consumes.empty() && waiting.gets.empty());
  world.attach(session_a, {claim(1, held, 2)});
  EXPECT_EQ(world.reply.renewed.size(), 2u);
  EXPECT_TRUE(world.reply.refused.empty());
  Poll all = world.run();
  EXPECT_EQ(all.consumes.size(), 1u);
  EXPECT_EQ(all.gets.at(0).handout->ordinal, Ordinal(2));
  EXPECT_EQ(world.dispatcher.counts(orders).unacknowledged, 3u);
}

TEST_F(AttachTest, AQueueThatNobodyTouchedIsServedAtOnce) {
  world.publish(orders);
  world.lead(2);
  world.attach(session_b);
  world.consume(session_b, 9, orders);
  EXPECT_EQ(world.run().handouts.size(), 1u);
}

TEST_F(AttachTest, TheGraceEndsTheWaitAndWhatWasUnclaimedIsRedelivered) {
  hold(2);
  world.lead(2);
  world.attach(session_b);
  world.consume(session_b, 9, orders);
  EXPECT_EQ(world.dispatcher.next_deadline(), world.now + Milliseconds(2000));
  world.pass(1999);
  EXPECT_TRUE(world.run().handouts.empty());
  world.pass(1);
  Poll all = world.run();
  EXPECT_EQ(ordinals_of(all.handouts), (std::vector<std::uint64_t>{0, 1}));
  EXPECT_TRUE(all.handouts[0].redelivered && all.handouts[1].redelivered);
  EXPECT_EQ(world.dispatcher.next_deadline(), std::nullopt);
}

TEST_F(AttachTest, RenewedCheckoutsSettleAndOldOnesDoNot) {
  auto held = hold(1);
  world.lead(2);
  world.attach(session_a, {claim(1, held, 1)});
  ASSERT_EQ(world.reply.renewed.size(), 1u);
  auto renewed = world.reply.renewed[0];
  EXPECT_EQ(renewed.before, held[0].held.checkout);
  EXPECT_EQ(renewed.now.term, Term(2));
  EXPECT_FALSE(world.settle(session_a, orders, {renewed.message, renewed.before}));
  EXPECT_TRUE(world.settle(session_a, orders, {renewed.message, renewed.now}));
}

TEST_F(AttachTest, AClaimWhoseAnswerWasLostIsRenewedAgain) {
  auto held = hold(1);
  world.lead(2);
  world.attach(session_a, {claim(1, held, 1)});
  ASSERT_EQ(world.reply.renewed.size(), 1u);
  CheckoutId now = world.reply.renewed[0].now;
  world.attach(session_a, {claim(1, held, 1)});
  EXPECT_TRUE(world.reply.refused.empty());
  ASSERT_EQ(world.reply.renewed.size(), 1u);
  EXPECT_EQ(world.reply.renewed[0].now, now);
  EXPECT_TRUE(world.run().handouts.empty());
  EXPECT_TRUE(world.settle(session_a, orders, {held[0].held.message, now}));
}

TEST_F(AttachTest, ClaimedMessagesUseTheConsumersCredit) {
  auto held = hold(2);
  world.publish(orders);
  world.lead(2);
  world.attach(session_a, {claim(1, held, 2)});
  EXPECT_TRUE(world.run().handouts.empty());
  world.settle(session_a, orders, {world.reply.renewed[0].message, world.reply.renewed[0].now});
  EXPECT_EQ(ordinals_of(world.run().handouts), std::vector<std::uint64_t>{2});
}

TEST_F(AttachTest, AReSentSettleOfAnOlderTermIsAcceptedWhileNobodyHoldsIt) {
  auto held = hold(2);
  world.lead(2);
  EXPECT_TRUE(world.settle(session_a, held[0])) << "re-sent before the attach";
  world.attach(session_a, {claim(1, {held[1]}, 2)});
  EXPECT_EQ(world.reply.renewed.size(), 1u);
  world.run();
  EXPECT_EQ(world.machine.find(orders)->messages.size(), 1u);
}

TEST_F(AttachTest, AClaimOfWhatIsBeingSettledIsRefused) {
  auto held = hold(1);
  world.lead(2);
  EXPECT_TRUE(world.dispatcher.resolve_settle(session_a, orders, held[0].held));
  world.attach(session_a, {claim(1, held, 1)});
  EXPECT_EQ(world.reply.refused, std::vector{held[0].held});
  world.apply_settle(orders, held[0].held.message);
  EXPECT_EQ(world.dispatcher.counts(orders).ready, 0u);
}

TEST_F(AttachTest, AnOlderSettleOfWhatSomebodyHoldsNowIsDropped) {
  auto held = hold(1);
  world.lead(2);
  world.attach(session_b);
  world.consume(session_b, 9, orders);
  world.pass(2000);
  EXPECT_EQ(world.run().handouts.size(), 1u);
  EXPECT_FALSE(world.settle(session_a, held[0]));
  world.attach(session_a, {claim(1, held, 1)});
  EXPECT_EQ(world.reply.refused, std::vector{held[0].held});
}

TEST_F(AttachTest, AnOlderSettleOfWhatNoLeaderCanHaveHandedOutIsDropped) {
  world.publish(orders);
  MessageId message = world.machine.find(orders)->messages.top().messages.first()->id;
  world.lead(2);
  EXPECT_FALSE(world.settle(session_a, orders, {message, CheckoutId{Term(1), 5}}));
  world.attach(session_a, {[&] {
                 Claim made = claim(1, {});
                 made.held.push_back({message, CheckoutId{Term(1), 5}});
                 return made;
               }()});
  EXPECT_EQ(world.reply.refused.size(), 1u);
  Handout handout = world.run().handouts.at(0);
  EXPECT_FALSE(handout.redelivered);
}

TEST_F(AttachTest, OnlyWhatWasBelowTheMarkIsFlaggedAfterAFailover) {
  world.publish_many(orders, 3);
  world.get(session_a, orders);
  Poll all = world.run();  // the mark of a get is exact
  world.lead(2);
  world.attach(session_b);
  world.pass(2000);
  world.consume(session_b, 9, orders);
  std::vector<bool> flags;
  for (const Handout& handout : world.run().handouts)
    flags.push_back(handout.redelivered);
  EXPECT_EQ(flags, (std::vector{true, false, false}));
}

TEST_F(AttachTest, ALostStreamKeepsItsHoldingsForTheGraceWhileOthersAreServed) {
  auto held = hold(2);
  world.dispatcher.session_detached(session_a, world.now);
  world.consume(session_b, 9, orders);
  world.publish(orders);
  EXPECT_EQ(ordinals_of(world.run().handouts), std::vector<std::uint64_t>{2});
  world.pass(1000);
  world.attach(session_a, {claim(1, held, 2)});
  EXPECT_TRUE(world.reply.refused.empty());
  EXPECT_TRUE(world.reply.renewed.empty()) << "checkouts are as they were";
  EXPECT_TRUE(world.settle(session_a, held[0]));
  world.pass(5000);
  EXPECT_EQ(world.dispatcher.counts(orders).unacknowledged, 2u);
}

TEST_F(AttachTest, AfterTheGraceTheHoldingsGoBackAndTheConsumerStaysRegistered) {
  auto held = hold(2);
  world.dispatcher.session_detached(session_a, world.now);
  world.consume(session_b, 9, orders);
  world.run();
  world.pass(2000);
  Poll all = world.run();
  EXPECT_EQ(ordinals_of(all.handouts), (std::vector<std::uint64_t>{0, 1}));
  EXPECT_TRUE(all.handouts[0].redelivered);
  EXPECT_TRUE(all.consumers_gone.empty());
  EXPECT_EQ(world.dispatcher.counts(orders).consumers, 2u);
  EXPECT_FALSE(world.settle(session_a, held[0]));
}

TEST_F(AttachTest, WhatWasTakenBackAndIsStillReadyMayBeClaimedAgain) {
  auto held = hold(1);
  world.dispatcher.session_detached(session_a, world.now);
  world.pass(2000);
  world.run();
  EXPECT_EQ(world.dispatcher.counts(orders).ready, 1u);
  world.attach(session_a, {claim(1, held, 1)});
  ASSERT_EQ(world.reply.renewed.size(), 1u);
  EXPECT_TRUE(world.settle(session_a, orders,
                           {world.reply.renewed[0].message, world.reply.renewed[0].now}));
}

TEST_F(AttachTest, NothingIsTakenBackBeforeTheLapseIsCommitted) {
  auto held = hold(1);
  world.dispatcher.session_detached(session_a, world.now);
  world.consume(session_b, 9, orders);
  world.run();
  world.pass(2000);
  Needs needs = world.poll().needs;
  ASSERT_EQ(needs.lapses.size(), 1u);
  EXPECT_TRUE(world.last.handouts.empty());
  EXPECT_EQ(world.dispatcher.counts(orders).unacknowledged, 1u);
  // Who comes back in between keeps it, by a checkout that does not lapse.
  world.attach(session_a, {claim(1, held, 1)});
  ASSERT_EQ(world.reply.renewed.size(), 1u);
  world.commit(needs);
  EXPECT_TRUE(world.run().handouts.empty());
  Held renewed{held[0].held.message, world.reply.renewed[0].now};
  EXPECT_TRUE(world.settle(session_a, orders, renewed));
}

TEST_F(AttachTest, ALaterLeaderRefusesWhatHasLapsed) {
  auto held = hold(2);
  world.dispatcher.session_detached(session_a, world.now);
  world.consume(session_b, 9, orders, 1);
  world.pass(2000);
  Poll all = world.run();
  ASSERT_EQ(ordinals_of(all.handouts), std::vector<std::uint64_t>{0});
  world.lead(2);
  EXPECT_FALSE(world.settle(session_a, held[0])) << "it may be somebody else's";
  EXPECT_FALSE(world.settle(session_a, held[1]));
  world.attach(session_a, {claim(1, held, 2)});
  EXPECT_EQ(world.reply.refused.size(), 2u);
  world.attach(session_b, {claim(9, all.handouts, 1)});
  EXPECT_EQ(world.reply.renewed.size(), 1u);
}

TEST_F(AttachTest, WhatNobodyClaimedInTimeIsRefusedByTheLeaderAfter) {
  auto held = hold(1);
  world.lead(2);
  world.attach(session_b);
  world.consume(session_b, 9, orders);
  world.pass(2000);
  EXPECT_EQ(world.run().handouts.size(), 1u);
  world.lead(3);
  world.attach(session_a, {claim(1, held, 1)});
  EXPECT_EQ(world.reply.refused.size(), 1u);
}

TEST_F(AttachTest, ALapseIsRememberedUntilItsSessionHasSurelyBeenTold) {
  hold(1);
  world.dispatcher.cancel_consumer(session_a, ConsumerNumber(1), world.now);
  world.dispatcher.session_detached(session_a, world.now);
  world.pass(2'000);
  world.run();
  EXPECT_NE(world.machine.lapsed(session_a, orders), CheckoutId{});
  world.pass(59'000);
  world.run();
  EXPECT_TRUE(world.machine.touched(session_a, orders)) << "it is still away";
  world.attach(session_a);
  world.run();
  world.pass(59'000);
  world.run();
  EXPECT_TRUE(world.machine.touched(session_a, orders)) << "it may not have heard";
  world.pass(60'000);
  world.run();
  EXPECT_FALSE(world.machine.touched(session_a, orders));
}

TEST_F(AttachTest, AnEndedSessionTakesItsLapsesAlong) {
  hold(1);
  world.dispatcher.session_detached(session_a, world.now);
  world.pass(2'000);
  world.run();
  world.machine.end_session(session_a, world.effects);
  world.applied();
  EXPECT_EQ(world.machine.lapsed(session_a, orders), CheckoutId{});
}

// It re-sent a settle to a leader that it never attached to.
TEST_F(AttachTest, WhatAnEndedSessionWasSettlingIsReadyAgain) {
  auto held = hold(1);
  world.lead(2);
  world.attach(session_b);
  world.consume(session_b, 9, orders);
  EXPECT_TRUE(world.dispatcher.resolve_settle(session_a, orders, held[0].held));
  world.machine.end_session(session_a, world.effects);
  world.applied();
  EXPECT_EQ(world.run().handouts.size(), 1u);
}

// A leader writes another when a member that lost its tail comes back.
TEST_F(AttachTest, ASecondNoOpOfATermStopsNobody) {
  world.consume(session_a, 1, orders);
  world.publish(orders);
  EXPECT_EQ(world.run().handouts.size(), 1u);
  world.machine.on_new_term(Term(1), ++world.entry);
  world.publish(orders);
  EXPECT_EQ(world.run().handouts.size(), 1u);
}

TEST_F(AttachTest, AnEndedSessionThatNeverCameIsNotWaitedFor) {
  hold(1);
  world.lead(2);
  world.attach(session_b);
  world.consume(session_b, 9, orders);
  world.machine.end_session(session_a, world.effects);
  world.applied();
  EXPECT_EQ(world.run().handouts.size(), 1u);
}

TEST_F(AttachTest, DeliveriesThatTheFrontEndNeverSawGoBack) {
  auto held = hold(3);
  world.attach(session_a, {claim(1, {held[0]}, 3)});
  EXPECT_EQ(world.dispatcher.counts(orders).unacknowledged, 1u);
  Poll all = world.run();
  EXPECT_EQ(ordinals_of(all.handouts), (std::vector<std::uint64_t>{1, 2}));
  EXPECT_TRUE(all.handouts[0].redelivered);
}

TEST_F(AttachTest, AConsumerThatIsNotClaimedIsGone) {
  hold(1);
  world.attach(session_a);
  EXPECT_EQ(world.run().consumers_gone, std::vector{orders});
  EXPECT_EQ(world.dispatcher.counts(orders).ready, 1u);
}

TEST_F(AttachTest, HoldingsOfGetsAndCancelledConsumersAreClaimedWithoutThem) {
  auto held = hold(2);
  world.lead(2);
  Claim cancelled = claim(1, {held[0]});
  cancelled.cancelled = true;
  Claim got = claim(0, {held[1]});
  world.attach(session_a, {cancelled, got});
  EXPECT_EQ(world.reply.renewed.size(), 2u);
  EXPECT_EQ(world.dispatcher.counts(orders).consumers, 0u);
  EXPECT_EQ(world.dispatcher.counts(orders).unacknowledged, 2u);
}

TEST_F(AttachTest, ConsumersOfAQueueThatIsGoneAreCancelled) {
  auto held = hold(1);
  world.machine.seal(orders, false, {}, world.effects);
  world.applied();
  world.lead(2);
  world.attach(session_a, {claim(1, held, 1)});
  EXPECT_EQ(world.reply.cancelled, std::vector{ConsumerNumber(1)});
  world.machine.remove(orders, CatalogIndex(900), world.effects);
  world.applied();
  world.attach(session_a, {claim(1, held, 1)});
  EXPECT_EQ(world.reply.cancelled, std::vector{ConsumerNumber(1)});
  EXPECT_EQ(world.reply.refused.size(), 1u);
}

TEST_F(AttachTest, AConsumerClaimedBesideAnExclusiveOneIsCancelled) {
  world.lead(2);
  Claim alone = claim(1, {});
  alone.consumer.exclusive = true;
  world.attach(session_a, {alone});
  world.attach(session_b, {claim(2, {})});
  EXPECT_EQ(world.reply.cancelled, std::vector{ConsumerNumber(2)});
}

TEST_F(AttachTest, ConsumersAttachInOrderOfTheirNumbers) {
  world.publish_many(orders, 3);
  world.lead(2);
  world.attach(session_a, {claim(7, {}), claim(2, {}), claim(5, {})});
  std::vector<std::uint64_t> order;
  for (const Handout& handout : world.run().handouts)
    order.push_back(handout.consumer.value);
  EXPECT_EQ(order, (std::vector<std::uint64_t>{2, 5, 7}));
}

TEST_F(AttachTest, AnEndedSessionGivesEverythingBackInOrder) {
  hold(3);
  world.consume(session_b, 9, orders);
  world.run();
  world.dispatcher.session_ended(session_a);
  Poll all = world.run();
  EXPECT_EQ(ordinals_of(all.handouts), (std::vector<std::uint64_t>{0, 1, 2}));
  EXPECT_EQ(all.handouts[0].delivery_count, 0u) << "a node that is lost fails nothing";
  EXPECT_EQ(world.dispatcher.counts(orders).consumers, 1u);
  world.dispatcher.session_ended(session_a);
}

TEST_F(AttachTest, ACommittedEndReturnsWhatTheSessionWasSettlingAndThawsItsQueues) {
  auto held = hold(2);
  world.dispatcher.resolve_settle(session_a, orders, held[0].held);
  world.dispatcher.resolve_purge(session_a, orders);
  world.consume(session_b, 9, orders);
  EXPECT_TRUE(world.run().handouts.empty());
  world.machine.end_session(session_a, world.effects);
  world.applied();
  EXPECT_EQ(ordinals_of(world.run().handouts), (std::vector<std::uint64_t>{0, 1}));
  EXPECT_FALSE(world.machine.touched(session_a, orders));
}

TEST_F(AttachTest, AnEndedSessionIsNotWaitedFor) {
  hold(1);
  world.lead(2);
  world.attach(session_b);
  world.consume(session_b, 9, orders);
  world.dispatcher.session_ended(session_a);
  EXPECT_EQ(world.run().handouts.size(), 1u);
}

TEST_F(AttachTest, PurgeDuringTheWaitSparesWhatMayBeHeld) {
  auto held = hold(2);
  world.lead(2);
  world.publish_many(orders, 2);
  auto spared = world.dispatcher.resolve_purge(session_b, orders);
  EXPECT_EQ(spared.size(), 2u);
  EXPECT_EQ(world.machine.purge(orders, spared, world.effects).value, 2u);
  world.applied();
  world.attach(session_a, {claim(1, held, 2)});
  EXPECT_EQ(world.reply.renewed.size(), 2u);
}

TEST_F(AttachTest, SealIfUnusedDuringTheWaitIsRefused) {
  hold(1);
  world.lead(2);
  EXPECT_TRUE(world.dispatcher.resolve_seal(session_b, orders, true).in_use);
}

TEST_F(AttachTest, AClaimOfWhatAPurgeInFlightTakesIsLost) {
  auto held = hold(1);
  world.dispatcher.session_detached(session_a, world.now);
  world.pass(2000);
  world.run();
  auto spared = world.dispatcher.resolve_purge(session_b, orders);
  world.attach(session_a, {claim(1, held, 1)});
  EXPECT_EQ(world.reply.renewed.size(), 1u);
  world.machine.purge(orders, spared, world.effects);
  world.applied();
  EXPECT_EQ(world.dispatcher.counts(orders).unacknowledged, 0u);
  world.publish(orders);
  EXPECT_EQ(world.run().handouts.size(), 1u) << "its credit is free";
}

TEST_F(AttachTest, ClaimsAheadOfTheCursorAreNotHandedOutTwice) {
  auto held = hold(5);
  world.lead(2);
  world.attach(session_a, {claim(1, {held[1], held[3]}, 2)});
  world.attach(session_b);
  world.consume(session_b, 9, orders);
  EXPECT_EQ(ordinals_of(world.run().handouts), (std::vector<std::uint64_t>{0, 2, 4}));
}

TEST_F(AttachTest, WhatALostStreamAskedForIsForgotten) {
  world.publish(orders);
  world.dispatcher.resolve_purge(session_b, orders);
  world.consume(session_a, 1, orders);
  world.get(session_a, orders);
  world.dispatcher.session_detached(session_a, world.now);
  world.machine.purge(orders, {}, world.effects);
  world.applied();
  Poll all = world.run();
  EXPECT_TRUE(all.gets.empty() && all.consumes.empty());
}

}  // namespace
}  // namespace warren::queue
