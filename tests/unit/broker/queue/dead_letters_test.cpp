// The dead letters of a group, by themselves and as the machine makes them.
#include "broker/queue/dead_letters.h"

#include "tests/unit/broker/queue/world.h"

namespace warren::queue {
namespace {

const DeadLettering route{"/", "orders", "dlx", std::nullopt, false};

MessageId message(std::uint64_t entry, std::uint32_t slot = 0) {
  return {EntryIndex(entry), Slot(slot)};
}

std::string octets_of(const DeadLetters& letters) {
  ByteWriter out;
  letters.encode(out);
  return out.take();
}

TEST(DeadLetters, AreDoneInAnyOrder) {
  DeadLetters letters;
  for (std::uint64_t entry : {5, 3, 9})
    letters.add(orders, route, {{}, message(entry), Stamp(entry), DeathReason::expired, 10});
  EXPECT_EQ(letters.finish(orders, DeadLetterNumber(2)), message(3));
  EXPECT_EQ(letters.finish(orders, DeadLetterNumber(2)), std::nullopt);
  EXPECT_EQ(letters.finish(bills, DeadLetterNumber(1)), std::nullopt);
  EXPECT_EQ(letters.next(orders, DeadLetterNumber(2))->message, message(9));
  EXPECT_EQ(letters.finish(orders, DeadLetterNumber(1)), message(5));
  EXPECT_EQ(letters.size(), 1u);
  EXPECT_EQ(letters.finish(orders, DeadLetterNumber(3)), message(9));
  EXPECT_TRUE(letters.empty());
  EXPECT_EQ(letters.next(orders, DeadLetterNumber(1)), nullptr);
}

TEST(DeadLetters, ANumberIsNeverUsedAgain) {
  DeadLetters letters;
  letters.add(orders, route, {{}, message(5), Stamp(1), DeathReason::expired, 10});
  letters.finish(orders, DeadLetterNumber(1));
  DeadLetters after;
  const std::string octets = octets_of(letters);
  ByteReader in(octets);
  ASSERT_TRUE(after.decode(in));
  after.add(orders, route, {{}, message(6), Stamp(1), DeathReason::expired, 10});
  EXPECT_EQ(after.next(orders, DeadLetterNumber(1))->number, DeadLetterNumber(2));
}

TEST(DeadLetters, ComeBackAsTheyWereWritten) {
  DeadLetters letters;
  const DeadLettering other{"v", "bills", "", "graveyard", true};
  letters.add(orders, route, {{}, message(500, 7), Stamp(9000), DeathReason::maxlen, 10});
  letters.add(bills, other, {{}, message(2, 1), Stamp(100), DeathReason::delivery_limit, 10});
  letters.add(orders, route, {{}, message(4), Stamp(8000), DeathReason::rejected, 10});
  letters.add(orders, route, {{}, message(4, 1), Stamp(8000), DeathReason::expired, 10});
  letters.finish(orders, DeadLetterNumber(3));
  const std::string octets = octets_of(letters);
  DeadLetters after;
  ByteReader in(octets);
  ASSERT_TRUE(after.decode(in));
  EXPECT_TRUE(in.at_end());
  EXPECT_EQ(after.size(), 3u);
  EXPECT_EQ(after.find(bills)->route, other);
  EXPECT_EQ(*after.next(orders, DeadLetterNumber(2)), *letters.next(orders, DeadLetterNumber(2)));
  EXPECT_EQ(octets_of(after), octets);
  for (std::size_t cut = 0; cut < octets.size(); ++cut) {
    DeadLetters broken;
    const std::string part = octets.substr(0, cut);
    ByteReader short_of(part);
    EXPECT_FALSE(broken.decode(short_of)) << cut;
  }
}

TEST(DeadLetters, OneThatStaysDoesNotKeepThoseThatWent) {
  DeadLetters letters;
  for (std::uint64_t entry = 1; entry <= 10'000; ++entry)
    letters.add(orders, route, {{}, message(entry), Stamp(1), DeathReason::expired, 10});
  for (std::uint64_t number = 2; number < 10'000; ++number)
    letters.finish(orders, DeadLetterNumber(number));
  EXPECT_LT(letters.memory_octets(), 10'000u);
  EXPECT_EQ(letters.next(orders, DeadLetterNumber(2))->number, DeadLetterNumber(10'000));
  EXPECT_EQ(letters.find(orders)->octets, 20u);
  EXPECT_TRUE(letters.finish(orders, DeadLetterNumber(1)));
  EXPECT_TRUE(letters.finish(orders, DeadLetterNumber(10'000)));
}

class Burial : public testing::Test {
 protected:
  Burial() {
    machine.on_new_term(Term(1), EntryIndex(1));
    Settings settings;
    settings.dead_letters = route;
    settings.delivery_limit = 0;
    settings.max_length = 1;
    settings.overflow = Overflow::reject_publish_dlx;
    machine.create(orders, settings, effects);
    machine.create(bills, Settings{}, effects);
  }
  ~Burial() override { EXPECT_EQ(broken_invariant(machine), ""); }

  Outcome put(std::uint64_t entry, std::vector<QueueId> queues, std::vector<QueueId> full = {}) {
    Enqueue command{message(entry), 100, 0, Stamp(entry), queues};
    command.full = full;
    machine.set_time(Stamp(entry));
    return machine.enqueue(command, effects);
  }
  void settle(SettleKind kind, std::uint64_t entry) {
    machine.settle(orders, kind, std::vector{message(entry)}, effects);
  }
  std::uint64_t letters() const { return machine.dead_letters().size(); }
  DeadLetter first() const { return *machine.dead_letters().next(orders, DeadLetterNumber(1)); }

  Machine machine;
  Effects effects;
};

TEST_F(Burial, WhatIsRejectedKeepsItsEntryUntilItIsDone) {
  put(5, {orders});
  machine.set_time(Stamp(77));
  settle(SettleKind::reject, 5);
  EXPECT_EQ(first(),
            (DeadLetter{DeadLetterNumber(1), message(5), Stamp(77), DeathReason::rejected, 100}));
  EXPECT_EQ(effects.dead_letters, std::vector{orders});
  EXPECT_TRUE(machine.find(orders)->messages.empty());
  EXPECT_TRUE(machine.names_entry(EntryIndex(5)));
  machine.finish_dead_letter(orders, DeadLetterNumber(1), effects);
  EXPECT_FALSE(machine.names_entry(EntryIndex(5)));
  EXPECT_EQ(effects.dead_entries, std::vector{EntryIndex(5)});
}

TEST_F(Burial, EveryWayToDieButAnAckLeadsThere) {
  for (std::uint64_t entry = 5; entry < 9; ++entry)
    put(entry, {orders});
  settle(SettleKind::ack, 5);
  settle(SettleKind::requeue_nack, 6);
  EXPECT_EQ(letters(), 0u);
  settle(SettleKind::requeue_lost, 6);
  EXPECT_EQ(first().reason, DeathReason::delivery_limit);
  machine.expel(orders, DeathReason::expired, std::vector{message(7)}, effects);
  machine.expel(orders, DeathReason::maxlen, std::vector{message(8)}, effects);
  EXPECT_EQ(letters(), 3u);
}

TEST_F(Burial, WithoutAnExchangeNothingIsKept) {
  put(5, {bills});
  machine.settle(bills, SettleKind::reject, std::vector{message(5)}, effects);
  EXPECT_EQ(letters(), 0u);
  EXPECT_FALSE(machine.names_entry(EntryIndex(5)));
}

TEST_F(Burial, AFullQueueBuriesWhatItRefuses) {
  EXPECT_EQ(put(5, {orders}, {orders}).code, OutcomeCode::rejected);
  EXPECT_EQ(first().reason, DeathReason::maxlen);
  EXPECT_TRUE(machine.names_entry(EntryIndex(5)));
  EXPECT_EQ(put(6, {bills, orders}, {orders}).code, OutcomeCode::rejected);
  EXPECT_EQ(machine.live_entries().references(EntryIndex(6)), 2u);
}

TEST_F(Burial, WhatDiedBeforeAPurgeOrADeleteGoesItsWay) {
  put(5, {orders});
  settle(SettleKind::reject, 5);
  machine.purge(orders, {}, effects);
  machine.remove(orders, CatalogIndex(200), effects);
  EXPECT_EQ(letters(), 1u);
  EXPECT_EQ(machine.dead_letters().find(orders)->route, route);
  machine = copy_by_snapshot(machine);
  EXPECT_EQ(first().message, message(5));
  EXPECT_TRUE(machine.names_entry(EntryIndex(5)));
}

TEST_F(Burial, WhatIsRetainedIsPurgedAndNotKeptForAQueueThatIsGone) {
  Settings settings;
  settings.dead_letters = route;
  settings.dead_letters->retained = true;
  const QueueId kept(103);
  machine.create(kept, settings, effects);
  for (std::uint64_t entry = 5; entry < 8; ++entry)
    put(entry, {kept});
  machine.settle(kept, SettleKind::reject, std::vector{message(5), message(6)}, effects);
  EXPECT_EQ(machine.purge(kept, std::vector{message(7)}, effects).value, 0u);
  EXPECT_EQ(letters(), 0u);
  EXPECT_FALSE(machine.names_entry(EntryIndex(5)));
  machine.settle(kept, SettleKind::reject, std::vector{message(7)}, effects);
  machine.remove(kept, CatalogIndex(200), effects);
  EXPECT_FALSE(machine.dead_letters().find(kept)->route.retained);
}

TEST_F(Burial, ALargeBodyIsKeptWithItsMessage) {
  const UploadKey upload{session_a, UploadId(1)};
  machine.add_part(upload, {message(4), 1000}, effects);
  Enqueue command{message(5), 10, 0, Stamp(1), {}, upload, 1000};
  const std::vector queues{orders, bills};
  command.queues = queues;
  ASSERT_EQ(machine.enqueue(command, effects).code, OutcomeCode::ok);
  settle(SettleKind::reject, 5);
  machine.settle(bills, SettleKind::ack, std::vector{message(5)}, effects);
  machine = copy_by_snapshot(machine);
  ASSERT_NE(machine.large_bodies().parts_of(message(5)), nullptr);
  machine.finish_dead_letter(orders, DeadLetterNumber(1), effects);
  EXPECT_FALSE(machine.large_bodies().keeps_any());
  EXPECT_EQ(machine.live_entries().size(), 0u);
}

}  // namespace
}  // namespace warren::queue
