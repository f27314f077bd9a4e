#include "broker/queue/delayed_messages.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace warren::queue {
namespace {

DelayedMessage message(std::uint64_t due, std::uint64_t entry, std::uint32_t slot = 0) {
  return {Stamp(due), {EntryIndex(entry), Slot(slot)}, 10, 3, {}, {}};
}

std::vector<DelayedMessage> contents(const DelayedMessages& delayed) {
  std::vector<DelayedMessage> all;
  delayed.for_each([&](const DelayedMessage& one) { all.push_back(one); });
  return all;
}

std::string octets(const DelayedMessages& delayed) {
  ByteWriter out;
  delayed.encode(out);
  return out.take();
}

TEST(DelayedMessages, ComeByWhenTheyAreDueThenAsTheyWerePublished) {
  DelayedMessages delayed;
  delayed.add(message(500, 3));
  delayed.add(message(200, 4, 1));
  delayed.add(message(200, 4, 0));
  delayed.add(message(200, 2));
  EXPECT_EQ(delayed.next_due(), Stamp(200));
  EXPECT_EQ(contents(delayed), (std::vector{message(200, 2), message(200, 4, 0), message(200, 4, 1),
                                            message(500, 3)}));
}

TEST(DelayedMessages, AreTakenWhenTheyAreDueAndNoMoreThanAskedFor) {
  DelayedMessages delayed;
  for (std::uint64_t i = 0; i < 10; ++i)
    delayed.add(message(100 + i, 20 - i));
  std::vector<std::uint64_t> taken;
  auto take = [&](const DelayedMessage& one) { taken.push_back(one.due.value); };
  EXPECT_EQ(delayed.take_due(Stamp(99), 5, take), 0u);
  EXPECT_EQ(delayed.take_due(Stamp(104), 3, take), 3u);
  EXPECT_EQ(delayed.take_due(Stamp(104), 3, take), 2u);
  EXPECT_EQ(taken, (std::vector<std::uint64_t>{100, 101, 102, 103, 104}));
  EXPECT_EQ(delayed.size(), 5u);
  EXPECT_EQ(delayed.octets(), 50u);
  delayed.clear();
  EXPECT_EQ(delayed.octets(), 0u);
  EXPECT_FALSE(delayed.next_due());
}

TEST(DelayedMessages, KeepPriorityAndTimeToLiveThroughASnapshot) {
  DelayedMessages delayed;
  for (std::uint64_t i = 0; i < 300; ++i) {
    DelayedMessage one = message(1000 - i * 3, 500 - i, static_cast<std::uint32_t>(i % 7));
    one.level = LevelNumber(static_cast<std::uint8_t>(i % 3));
    if (i % 4 == 0) one.ttl_ms = i;
    delayed.add(one);
  }
  const std::string written = octets(delayed);
  DelayedMessages restored;
  ByteReader in(written);
  ASSERT_TRUE(restored.decode(in) && in.at_end());
  EXPECT_EQ(contents(restored), contents(delayed));
  EXPECT_EQ(restored.octets(), delayed.octets());
  EXPECT_EQ(octets(restored), written);
  for (std::size_t cut = 0; cut < written.size(); ++cut) {
    DelayedMessages refused;
    ByteReader part(std::string_view(written).substr(0, cut));
    EXPECT_FALSE(refused.decode(part)) << "cut at " << cut;
  }
}

// Published a hundred at a time, each waits as long as the others.
TEST(DelayedMessages, TenMillionOfOneDelayCostAnOctetEach) {
  DelayedMessages delayed;
  for (std::uint64_t i = 0; i < 10'000'000; ++i)
    delayed.add(message(1'700'000'000'000 + i / 1000, 1 + i / 100, i % 100));
  EXPECT_EQ(delayed.size(), 10'000'000u);
  RecordProperty("octets", std::to_string(delayed.memory_octets()));
  EXPECT_LT(delayed.memory_octets(), 30'000'000u);
}

// Each in an entry of its own, of its own size, and due at any time of a day.
TEST(DelayedMessages, AMillionOfAnyDelaysCostTwentyOctetsEachAtMost) {
  std::mt19937_64 random(1);
  DelayedMessages delayed;
  for (std::uint64_t i = 0; i < 1'000'000; ++i) {
    DelayedMessage one = message(1'700'000'000'000 + random() % 86'400'000, 1 + i);
    one.size = static_cast<std::uint32_t>(random() % 2000);
    delayed.add(one);
  }
  RecordProperty("octets", std::to_string(delayed.memory_octets()));
  EXPECT_LT(delayed.memory_octets(), 20'000'000u);
  Stamp last;
  delayed.take_due(Stamp(1'800'000'000'000), 1'000'000, [&](const DelayedMessage& one) {
    EXPECT_GE(one.due, last);
    last = one.due;
  });
  EXPECT_TRUE(delayed.empty());
}

TEST(DueQueues, TellWhichQueueHasSomethingDue) {
  DueQueues due;
  due.move(QueueId(1), std::nullopt, Stamp(50));
  due.move(QueueId(2), std::nullopt, Stamp(40));
  EXPECT_EQ(due.next(), Stamp(40));
  EXPECT_FALSE(due.due(Stamp(39)));
  EXPECT_EQ(due.due(Stamp(45)), QueueId(2));
  due.move(QueueId(2), Stamp(40), Stamp(60));
  EXPECT_EQ(due.due(Stamp(99)), QueueId(1));
  due.move(QueueId(1), Stamp(50), std::nullopt);
  due.move(QueueId(2), Stamp(60), std::nullopt);
  EXPECT_FALSE(due.next());
}

}  // namespace
}  // namespace warren::queue
