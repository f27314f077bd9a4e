#include "broker/queue/machine.h"

#include "tests/unit/broker/queue/world.h"

namespace warren::queue {
namespace {

class MachineTest : public testing::Test {
 protected:
  MachineTest() {
    machine.on_new_term(Term(1), EntryIndex(1));
    machine.create(orders, Settings{}, effects);
    machine.create(bills, Settings{}, effects);
  }
  ~MachineTest() override { EXPECT_EQ(broken_invariant(machine), ""); }

  Outcome put(std::uint64_t entry, std::uint32_t slot, std::vector<QueueId> queues) {
    return machine.enqueue({id(entry, slot), 100, 0, Stamp(), queues}, effects);
  }
  static MessageId id(std::uint64_t entry, std::uint32_t slot = 0) {
    return {EntryIndex(entry), Slot(slot)};
  }
  std::uint64_t size(QueueId queue) const { return machine.find(queue)->messages.size(); }
  Outcome settle(QueueId queue, SettleKind kind, std::vector<MessageId> ids) {
    return machine.settle(queue, kind, ids, effects);
  }

  Machine machine;
  Effects effects;
};

TEST_F(MachineTest, OneBodyServesSeveralQueuesAndDiesWithTheLast) {
  EXPECT_EQ(put(5, 0, {orders, bills}).code, OutcomeCode::ok);
  EXPECT_EQ(effects.grown, (std::vector{orders, bills}));
  settle(orders, SettleKind::ack, {id(5)});
  EXPECT_TRUE(machine.names_entry(EntryIndex(5)));
  EXPECT_TRUE(effects.dead_entries.empty());
  settle(bills, SettleKind::reject, {id(5)});
  EXPECT_FALSE(machine.names_entry(EntryIndex(5)));
  EXPECT_EQ(effects.dead_entries, std::vector{EntryIndex(5)});
}

TEST_F(MachineTest, PublishToNoLivingQueueIsQueueGone) {
  EXPECT_EQ(put(5, 0, {QueueId(999)}), (Outcome{OutcomeCode::queue_gone, 0}));
  EXPECT_EQ(put(5, 1, {QueueId(999), orders}).code, OutcomeCode::ok);
  machine.seal(bills, false, {}, effects);
  EXPECT_EQ(put(6, 0, {bills}).code, OutcomeCode::queue_gone);
  machine.remove(bills, CatalogIndex(200), effects);
  EXPECT_EQ(put(7, 0, {bills}).code, OutcomeCode::queue_gone);
}

TEST_F(MachineTest, CreateIsDoneOnce) {
  put(5, 0, {orders});
  machine.create(orders, Settings{false, true, true}, effects);
  EXPECT_EQ(size(orders), 1u);
  EXPECT_EQ(machine.find(orders)->settings, Settings{});
}

TEST_F(MachineTest, ARemovedQueueIsNeverMadeAgainUntilItsDeleteIsForgotten) {
  put(5, 0, {orders});
  machine.remove(orders, CatalogIndex(200), effects);
  EXPECT_EQ(effects.removed, std::vector{orders});
  EXPECT_EQ(effects.dead_entries, std::vector{EntryIndex(5)});
  machine.create(orders, Settings{}, effects);
  EXPECT_EQ(machine.find(orders), nullptr);
  machine.forget_removed(CatalogIndex(199));
  EXPECT_TRUE(machine.was_removed(orders));
  machine.forget_removed(CatalogIndex(200));
  EXPECT_FALSE(machine.was_removed(orders));
  machine.forget_removed(CatalogIndex(100));
  EXPECT_EQ(machine.forgotten(), CatalogIndex(200)) << "never falls";
  EXPECT_EQ(copy_by_snapshot(machine).forgotten(), CatalogIndex(200));
}

TEST_F(MachineTest, RemoveOfAQueueNeverSeenIsRememberedToo) {
  machine.remove(QueueId(500), CatalogIndex(600), effects);
  EXPECT_TRUE(effects.removed.empty());
  machine.create(QueueId(500), Settings{}, effects);
  EXPECT_EQ(machine.find(QueueId(500)), nullptr);
}

TEST_F(MachineTest, SettlingWhatIsGoneDoesNothing) {
  put(5, 0, {orders});
  EXPECT_EQ(settle(orders, SettleKind::ack, {id(5), id(5), id(9)}).code, OutcomeCode::ok);
  EXPECT_EQ(effects.settled.size(), 1u);
  EXPECT_EQ(settle(QueueId(999), SettleKind::ack, {id(5)}).code, OutcomeCode::ok);
  settle(orders, SettleKind::requeue_nack, {id(5)});
  EXPECT_TRUE(effects.returned.empty());
}

TEST_F(MachineTest, RejectAndLossCountAsFailedDeliveriesNackDoesNot) {
  put(5, 0, {orders});
  settle(orders, SettleKind::requeue_nack, {id(5)});
  EXPECT_EQ(machine.failed_deliveries(orders, Ordinal(0)), 0u);
  settle(orders, SettleKind::requeue_reject, {id(5)});
  EXPECT_EQ(machine.failed_deliveries(orders, Ordinal(0)), 1u);
  settle(orders, SettleKind::requeue_lost, {id(5)});
  EXPECT_EQ(machine.failed_deliveries(orders, Ordinal(0)), 2u);
  EXPECT_EQ(effects.returned.size(), 3u);
  settle(orders, SettleKind::ack, {id(5)});
  EXPECT_EQ(machine.failed_deliveries(orders, Ordinal(0)), 0u);
  EXPECT_EQ(machine.failed_deliveries(QueueId(999), Ordinal(0)), 0u);
}

TEST_F(MachineTest, PurgeSparesWhatIsHeldAndItsCounts) {
  for (std::uint64_t i = 5; i < 10; ++i)
    put(i, 0, {orders});
  settle(orders, SettleKind::requeue_lost, {id(6), id(7)});
  std::vector held{id(8), id(6)};
  EXPECT_EQ(machine.purge(orders, held, effects), (Outcome{OutcomeCode::ok, 3}));
  EXPECT_EQ(size(orders), 2u);
  EXPECT_EQ(machine.failed_deliveries(orders, Ordinal(1)), 1u);
  EXPECT_EQ(machine.failed_deliveries(orders, Ordinal(2)), 0u);
  EXPECT_EQ(effects.dead_entries.size(), 3u);
  EXPECT_EQ(effects.purged, std::vector{orders});
}

TEST_F(MachineTest, PurgeOfAQueueThatIsGoneSaysSo) {
  EXPECT_EQ(machine.purge(QueueId(999), {}, effects).code, OutcomeCode::queue_gone);
  machine.seal(orders, false, {}, effects);
  EXPECT_EQ(machine.purge(orders, {}, effects).code, OutcomeCode::queue_gone);
  EXPECT_EQ(effects.purged.size(), 2u);
}

TEST_F(MachineTest, SealIfEmptyCountsReadyMessagesOnly) {
  put(5, 0, {orders});
  put(6, 0, {orders});
  EXPECT_EQ(machine.seal(orders, true, {false, 1}, effects), (Outcome{OutcomeCode::not_empty, 1}));
  EXPECT_EQ(effects.seal_refused, std::vector{orders});
  EXPECT_EQ(machine.seal(orders, true, {false, 2}, effects), (Outcome{OutcomeCode::ok, 0}));
  EXPECT_EQ(effects.sealed, std::vector{orders});
}

TEST_F(MachineTest, SealIfUnusedFollowsTheLeadersVerdict) {
  EXPECT_EQ(machine.seal(orders, false, {true, 0}, effects).code, OutcomeCode::in_use);
  EXPECT_EQ(machine.seal(orders, true, {true, 0}, effects).code, OutcomeCode::in_use);
  put(5, 0, {orders});
  EXPECT_EQ(machine.seal(orders, true, {true, 0}, effects).code, OutcomeCode::not_empty);
  EXPECT_TRUE(machine.takes_messages(orders));
}

TEST_F(MachineTest, SealingTwiceOrNothingIsQueueGone) {
  put(5, 0, {orders});
  EXPECT_EQ(machine.seal(orders, false, {}, effects), (Outcome{OutcomeCode::ok, 1}));
  EXPECT_EQ(machine.seal(orders, false, {}, effects).code, OutcomeCode::queue_gone);
  EXPECT_EQ(machine.seal(QueueId(999), false, {}, effects).code, OutcomeCode::queue_gone);
  EXPECT_FALSE(machine.takes_messages(orders));
  EXPECT_EQ(settle(orders, SettleKind::ack, {id(5)}).code, OutcomeCode::ok);
  EXPECT_EQ(size(orders), 0u);
}

TEST_F(MachineTest, AMarkNeverMovesBack) {
  machine.mark(orders, LevelNumber(0), Ordinal(10), effects);
  machine.mark(orders, LevelNumber(0), Ordinal(5), effects);
  EXPECT_EQ(machine.find(orders)->messages.mark(LevelNumber(0)).committed, Ordinal(10));
  machine.mark(QueueId(999), LevelNumber(0), Ordinal(5), effects);
  machine.mark(orders, LevelNumber(7), first_of(LevelNumber(7)).next(50), effects);
  EXPECT_EQ(machine.find(orders)->messages.mark(LevelNumber(0)).committed, Ordinal(10));
}

TEST_F(MachineTest, ANewTermCutsTheMarkToWhatExists) {
  for (std::uint64_t i = 5; i < 8; ++i)
    put(i, 0, {orders});
  machine.mark(orders, LevelNumber(0), Ordinal(1000), effects);
  machine.mark(bills, LevelNumber(0), Ordinal(0), effects);
  machine.on_new_term(Term(2), EntryIndex(9));
  EXPECT_EQ(machine.find(orders)->messages.mark(LevelNumber(0)), (Mark{Ordinal(3), Ordinal(3)}));
  put(10, 0, {orders});
  machine.mark(orders, LevelNumber(0), Ordinal(4), effects);
  EXPECT_EQ(machine.find(orders)->messages.mark(LevelNumber(0)), (Mark{Ordinal(4), Ordinal(3)}));
  machine.on_new_term(Term(3), EntryIndex(12));
  EXPECT_EQ(machine.find(orders)->messages.mark(LevelNumber(0)), (Mark{Ordinal(4), Ordinal(4)}));
}

TEST_F(MachineTest, AMarkBelowWhatExistsStaysAndFlagsNoMore) {
  for (std::uint64_t i = 5; i < 10; ++i)
    put(i, 0, {orders});
  machine.mark(orders, LevelNumber(0), Ordinal(2), effects);
  machine.on_new_term(Term(2), EntryIndex(11));
  EXPECT_EQ(machine.find(orders)->messages.mark(LevelNumber(0)), (Mark{Ordinal(2), Ordinal(2)}));
}

TEST_F(MachineTest, TouchBitsAreSetClearedAndEndedWithTheirNode) {
  SessionId old{NodeId(1), Incarnation(5)};
  machine.touch(old, orders, effects);
  machine.touch(session_a, orders, effects);
  machine.touch(session_a, orders, effects);
  machine.touch(session_a, bills, effects);
  machine.touch(session_b, orders, effects);
  EXPECT_TRUE(machine.touched(session_a, orders));
  machine.untouch(session_a, bills, effects);
  machine.untouch(session_a, bills, effects);
  EXPECT_FALSE(machine.touched(session_a, bills));
  machine.end_session(session_a, effects);
  EXPECT_FALSE(machine.touched(session_a, orders));
  EXPECT_FALSE(machine.touched(old, orders));
  EXPECT_TRUE(machine.touched(session_b, orders));
  EXPECT_EQ(effects.ended, std::vector{session_a});
  machine.touch(session_a, QueueId(999), effects);
  machine.untouch(session_a, QueueId(999), effects);
}

TEST_F(MachineTest, EndingASessionSparesItsNodesNewerIncarnation) {
  SessionId newer{NodeId(1), Incarnation(11)};
  machine.touch(newer, orders, effects);
  machine.end_session(session_a, effects);
  EXPECT_TRUE(machine.touched(newer, orders));
}

TEST_F(MachineTest, OnlyChangedQueuesAreInTheNextSnapshot) {
  machine.clear_changed();
  put(5, 0, {orders});
  EXPECT_EQ(machine.changed(), std::set{orders});
  machine.clear_changed();
  settle(orders, SettleKind::requeue_nack, {id(5)});
  EXPECT_TRUE(machine.changed().empty());
  settle(orders, SettleKind::requeue_lost, {id(5)});
  EXPECT_EQ(machine.changed(), std::set{orders});
  machine.clear_changed();
  machine.remove(bills, CatalogIndex(300), effects);
  EXPECT_EQ(machine.changed(), std::set{bills});
  EXPECT_FALSE(machine.queue_octets(bills));
}

TEST_F(MachineTest, ASnapshotComesBackOctetForOctet) {
  put(5, 0, {orders, bills});
  put(5, 1, {orders});
  machine.mark(orders, LevelNumber(0), Ordinal(40), effects);
  machine.touch(session_a, orders, effects);
  settle(orders, SettleKind::requeue_lost, {id(5)});
  machine.remove(QueueId(77), CatalogIndex(90), effects);
  machine.seal(bills, false, {}, effects);
  Machine copy = copy_by_snapshot(machine);
  EXPECT_EQ(snapshot_of(copy), snapshot_of(machine));
  EXPECT_EQ(broken_invariant(copy), "");
  copy.on_new_term(Term(2), EntryIndex(9));
  machine.on_new_term(Term(2), EntryIndex(9));
  EXPECT_EQ(snapshot_of(copy), snapshot_of(machine));
}

TEST_F(MachineTest, RefusesTruncatedAndDoubledChunks) {
  put(5, 0, {orders});
  machine.touch(session_a, orders, effects);
  settle(orders, SettleKind::requeue_lost, {id(5)});
  machine.remove(bills, CatalogIndex(90), effects);
  std::string group = machine.group_octets(), queue = *machine.queue_octets(orders);
  for (std::size_t cut = 0; cut < group.size(); ++cut) {
    Machine copy;
    EXPECT_FALSE(copy.restore_group(group.substr(0, cut)));
  }
  for (std::size_t cut = 0; cut < queue.size(); ++cut) {
    Machine copy;
    EXPECT_FALSE(copy.restore_queue(queue.substr(0, cut)));
  }
  Machine copy;
  EXPECT_TRUE(copy.restore_group(group));
  EXPECT_FALSE(copy.restore_queue(queue + "x"));
  EXPECT_TRUE(copy.restore_queue(queue));
  EXPECT_FALSE(copy.restore_queue(queue));
}

TEST_F(MachineTest, RefusesChunksOfAnUnknownVersion) {
  std::string group = machine.group_octets(), queue = *machine.queue_octets(orders);
  group[0] = queue[0] = 99;
  Machine copy;
  EXPECT_FALSE(copy.restore_group(group));
  Machine other;
  EXPECT_FALSE(other.restore_queue(queue));
}

TEST_F(MachineTest, AMillionMessagesInSingleEntriesStayUnderTenMegabytes) {
  for (std::uint64_t i = 0; i < 1'000'000; ++i) {
    put(100 + i, 0, {orders});
    if (effects.grown.size() > 1000) effects.clear();
  }
  EXPECT_LT(machine.memory_octets(), 10u << 20);
}

TEST(MachineDeathTest, ATermNeverGoesBack) {
  Machine machine;
  machine.on_new_term(Term(3), EntryIndex(1));
  EXPECT_DEATH(machine.on_new_term(Term(2), EntryIndex(2)), "term 2 after 3");
}

// --- Bodies that go ahead of their messages.

class LargeBodiesTest : public MachineTest {
 protected:
  static constexpr SessionId session{NodeId(1), Incarnation(10)};
  static constexpr UploadKey key{session, UploadId(7)};

  Outcome part(std::uint64_t entry, std::uint32_t size, UploadKey upload = key) {
    return machine.add_part(upload, {id(entry), size}, effects);
  }
  Outcome commit(std::uint64_t entry, std::uint64_t octets, std::vector<QueueId> queues) {
    return machine.enqueue({id(entry), 5, 0, Stamp(), queues, key, octets}, effects);
  }
};

TEST_F(LargeBodiesTest, PartsAreInvisibleUntilTheirMessageNamesThem) {
  part(5, 1000);
  part(6, 500);
  EXPECT_EQ(size(orders), 0u);
  EXPECT_TRUE(effects.grown.empty());
  EXPECT_TRUE(machine.names_entry(EntryIndex(5)));
  EXPECT_EQ(commit(7, 1500, {orders}).code, OutcomeCode::ok);
  EXPECT_EQ(machine.find(orders)->messages.top().messages.first()->size, 1505u);
  const auto* parts = machine.large_bodies().parts_of(id(7));
  ASSERT_NE(parts, nullptr);
  EXPECT_EQ(*parts, (LargeBodies::Parts{{id(5), 1000}, {id(6), 500}}));
  EXPECT_EQ(machine.large_bodies().upload_count(), 0u);
}

TEST_F(LargeBodiesTest, PartsLiveUntilTheLastQueueHasSettledTheirMessage) {
  part(5, 1000);
  commit(6, 1000, {orders, bills});
  settle(orders, SettleKind::ack, {id(6)});
  EXPECT_TRUE(effects.dead_entries.empty());
  EXPECT_TRUE(machine.names_entry(EntryIndex(5)));
  machine.purge(bills, {}, effects);
  EXPECT_EQ(effects.dead_entries, (std::vector{EntryIndex(6), EntryIndex(5)}));
  EXPECT_EQ(machine.large_bodies().parts_of(id(6)), nullptr);
}

TEST_F(LargeBodiesTest, AMessageWhosePartsAreNotAllThereIsRefused) {
  part(5, 1000);
  EXPECT_EQ(commit(6, 1500, {orders}).code, OutcomeCode::rejected);
  EXPECT_EQ(size(orders), 0u);
  EXPECT_EQ(effects.dead_entries, std::vector{EntryIndex(5)});
  EXPECT_EQ(commit(7, 1000, {orders}).code, OutcomeCode::rejected) << "it is over";
}

TEST_F(LargeBodiesTest, AMessageThatNoQueueTakesLeavesNoParts) {
  part(5, 1000);
  EXPECT_EQ(commit(6, 1000, {QueueId(999)}).code, OutcomeCode::queue_gone);
  EXPECT_EQ(effects.dead_entries, std::vector{EntryIndex(5)});
}

TEST_F(LargeBodiesTest, ADroppedUploadLeavesNothing) {
  part(5, 1000);
  part(5, 1000, {session, UploadId(8)});
  machine.drop_upload(key, effects);
  EXPECT_TRUE(effects.dead_entries.empty()) << "another upload has octets in that entry";
  machine.drop_upload({session, UploadId(8)}, effects);
  EXPECT_EQ(effects.dead_entries, std::vector{EntryIndex(5)});
  EXPECT_EQ(machine.drop_upload(key, effects).code, OutcomeCode::ok);
}

TEST_F(LargeBodiesTest, ASessionsEndDropsTheUploadsOfItAndOfEarlierOnes) {
  part(5, 1, {{NodeId(1), Incarnation(9)}, UploadId(1)});
  part(6, 1, {{NodeId(1), Incarnation(10)}, UploadId(1)});
  part(7, 1, {{NodeId(1), Incarnation(11)}, UploadId(1)});
  part(8, 1, {{NodeId(2), Incarnation(3)}, UploadId(1)});
  machine.end_session(session, effects);
  EXPECT_EQ(effects.dead_entries, (std::vector{EntryIndex(5), EntryIndex(6)}));
  EXPECT_EQ(machine.large_bodies().upload_count(), 2u);
}

TEST_F(LargeBodiesTest, DeletingAQueueFreesItsLargeMessages) {
  part(5, 1000);
  commit(6, 1000, {orders});
  machine.remove(orders, CatalogIndex(200), effects);
  EXPECT_FALSE(machine.names_entry(EntryIndex(5)));
  EXPECT_FALSE(machine.large_bodies().keeps_any());
}

TEST_F(LargeBodiesTest, SnapshotsOfTheVersionsBeforeHaveNone) {
  std::string octets = Machine().group_octets();
  ASSERT_EQ(octets.substr(octets.size() - 4), std::string(4, '\0'));
  octets[0] = 2;
  Machine without_parts;
  EXPECT_TRUE(without_parts.restore_group(octets.substr(0, octets.size() - 4)));
  octets[0] = 3;
  Machine without_letters;
  EXPECT_TRUE(without_letters.restore_group(octets.substr(0, octets.size() - 2)));
  octets[0] = 5;
  Machine newer;
  EXPECT_FALSE(newer.restore_group(octets));
}

}  // namespace
}  // namespace warren::queue
