#include "broker/queue/duplicate_window.h"

#include "tests/unit/broker/queue/world.h"

namespace warren::queue {
namespace {

DuplicateKey key(std::uint64_t number) {
  return {number, number};
}

// False: it is known. Else it is from now on.
bool admit(DuplicateWindow& window, const DuplicateKey& key, Stamp now,
           const DuplicateWindow::Bounds& bounds) {
  if (window.knows(key, now, bounds)) return false;
  window.add(key, now, bounds);
  return true;
}

std::string octets(const DuplicateWindow& window) {
  ByteWriter out;
  window.encode(out);
  return out.take();
}

TEST(DuplicateWindow, KnowsAKeyUntilItsTimeIsOver) {
  DuplicateWindow window;
  const DuplicateWindow::Bounds bounds{10, 100};
  EXPECT_TRUE(admit(window, key(1), Stamp(1000), bounds));
  EXPECT_FALSE(admit(window, key(1), Stamp(1099), bounds)) << "which renews nothing";
  EXPECT_TRUE(admit(window, key(1), Stamp(1100), bounds));
  EXPECT_EQ(window.size(), 1u);
}

TEST(DuplicateWindow, KnowsTheNewestKeysOnly) {
  DuplicateWindow window;
  const DuplicateWindow::Bounds bounds{3, {}};
  for (std::uint64_t i = 1; i <= 4; ++i)
    EXPECT_TRUE(admit(window, key(i), Stamp(i), bounds));
  EXPECT_EQ(window.size(), 3u);
  EXPECT_FALSE(admit(window, key(2), Stamp(9), bounds));
  EXPECT_TRUE(admit(window, key(1), Stamp(9), bounds));
  EXPECT_TRUE(admit(window, key(2), Stamp(9), bounds));
}

TEST(DuplicateWindow, ComesBackFromItsSnapshot) {
  DuplicateWindow window;
  const DuplicateWindow::Bounds bounds{50, 1000};
  for (std::uint64_t i = 0; i < 200; ++i)
    admit(window, {i % 70, ~i % 70}, Stamp(5000 + i * 3), bounds);
  const std::string written = octets(window);
  DuplicateWindow restored;
  ByteReader in(written);
  ASSERT_TRUE(restored.decode(in) && in.at_end());
  EXPECT_EQ(octets(restored), written);
  for (std::uint64_t i = 0; i < 70; ++i)
    EXPECT_EQ(admit(window, {i, ~i % 70}, Stamp(6000), bounds),
              admit(restored, {i, ~i % 70}, Stamp(6000), bounds));
  for (std::size_t cut = 0; cut < written.size(); ++cut) {
    DuplicateWindow refused;
    ByteReader part(std::string_view(written).substr(0, cut));
    EXPECT_FALSE(refused.decode(part)) << "cut at " << cut;
  }
}

TEST(DuplicateWindow, RefusesAKeyThatIsWrittenTwice) {
  ByteWriter out;
  out.varint(2);
  for (int i = 0; i < 2; ++i) {
    out.varint(1);
    out.u64_be(7);
    out.u64_be(7);
  }
  DuplicateWindow window;
  ByteReader in(out.str());
  EXPECT_FALSE(window.decode(in));
}

TEST(DuplicateWindow, AMillionKeysCostSixtyOctetsEachAtMost) {
  DuplicateWindow window;
  for (std::uint64_t i = 0; i < 3'000'000; ++i)
    admit(window, {i * 0x9e3779b97f4a7c15u, i * 0xd6e8feb86659fd93u}, Stamp(i), {1'000'000, {}});
  EXPECT_EQ(window.size(), 1'000'000u);
  EXPECT_LT(window.memory_octets(), 60'000'000u);
}

// Two queues that look for duplicates; `orders` rejects what is too much, and buries it.
class Duplicates : public testing::Test {
 protected:
  Duplicates() {
    machine.on_new_term(Term(1), EntryIndex(1));
    Settings settings;
    settings.duplicates.keys = 10;
    machine.create(bills, settings, effects);
    settings.overflow = Overflow::reject_publish_dlx;
    settings.dead_letters = DeadLettering{"/", "orders", "dlx", std::nullopt, false};
    machine.create(orders, settings, effects);
  }
  ~Duplicates() override { EXPECT_EQ(broken_invariant(machine), ""); }

  OutcomeCode put(std::uint64_t number, std::vector<QueueId> queues, std::vector<QueueId> full = {},
                  std::uint64_t delay_ms = 0) {
    Enqueue command{{EntryIndex(++entry), Slot(0)}, 100, 0, Stamp(entry), queues};
    command.full = full;
    command.delay_ms = delay_ms;
    command.duplicate = key(number);
    machine.set_time(Stamp(entry));
    return machine.enqueue(command, effects).code;
  }
  std::uint64_t messages(QueueId queue) const { return machine.find(queue)->messages.size(); }

  Machine machine;
  Effects effects;
  std::uint64_t entry = 4;
};

TEST_F(Duplicates, AreNotRefusedWhereTheQueueIsFull) {
  EXPECT_EQ(put(1, {orders}), OutcomeCode::ok);
  EXPECT_EQ(put(1, {orders}, {orders}), OutcomeCode::ok);
  EXPECT_TRUE(machine.dead_letters().empty());
  EXPECT_FALSE(machine.names_entry(EntryIndex(entry)));
}

TEST_F(Duplicates, WhatWasRefusedMayComeAgain) {
  EXPECT_EQ(put(1, {orders}, {orders}), OutcomeCode::rejected);
  EXPECT_EQ(machine.dead_letters().size(), 1u);
  EXPECT_EQ(put(1, {orders}), OutcomeCode::ok);
  EXPECT_EQ(messages(orders), 1u);
}

TEST_F(Duplicates, WhoHadItDoesNotTakeItAgainForTheSakeOfAnother) {
  EXPECT_EQ(put(1, {bills, orders}, {orders}), OutcomeCode::rejected);
  EXPECT_EQ(put(1, {bills, orders}), OutcomeCode::ok);
  EXPECT_EQ(messages(bills), 1u);
  EXPECT_EQ(messages(orders), 1u);
}

TEST_F(Duplicates, OfWhatIsDelayedAreKnownFromItsPublishOn) {
  EXPECT_EQ(put(1, {bills}, {}, 1000), OutcomeCode::ok);
  EXPECT_EQ(put(1, {bills}, {}, 1000), OutcomeCode::ok);
  EXPECT_EQ(put(1, {bills}), OutcomeCode::ok);
  EXPECT_EQ(machine.find(bills)->delayed.size(), 1u);
  EXPECT_EQ(messages(bills), 0u);
}

TEST_F(Duplicates, AKeyOfAQueueThatIsGoneIsTakenByNobody) {
  machine.seal(bills, false, {}, effects);
  EXPECT_EQ(put(1, {bills}), OutcomeCode::queue_gone);
}

TEST_F(Duplicates, AndDelayedRetriesEachHaveAVersionOfTheRecord) {
  auto version = [&](QueueId queue) { return (*machine.queue_octets(queue))[0]; };
  const QueueId retried(77);
  Settings settings;
  settings.retry = {RetryKind::all, 100, {}, 0};
  machine.create(retried, settings, effects);
  EXPECT_EQ(version(bills), 3);
  EXPECT_EQ(version(retried), 3);
  put(1, {retried}, {}, 1000);
  EXPECT_EQ(version(retried), 4);
  put(1, {retried});
  machine.settle(retried, SettleKind::requeue_nack,
                 std::vector{MessageId{EntryIndex(entry), Slot(0)}}, effects);
  EXPECT_EQ(version(retried), 5);
  put(1, {bills});
  EXPECT_EQ(version(bills), 6);
}

}  // namespace
}  // namespace warren::queue
