#include "broker/queue/message_levels.h"

#include <gtest/gtest.h>

#include "tests/unit/broker/queue/world.h"

namespace warren::queue {
namespace {

Message message(std::uint64_t entry, std::uint32_t size = 1, Stamp deadline = {}) {
  Message m;
  m.id = {EntryIndex(entry), Slot(0)};
  m.size = size;
  m.deadline = deadline;
  return m;
}
std::vector<std::uint64_t> entries(const MessageLevels& levels) {
  std::vector<std::uint64_t> found;
  levels.for_each([&](const Message& m) {
    found.push_back(m.id.entry.value);
    return true;
  });
  return found;
}

TEST(MessageLevels, HigherPrioritiesComeFirst) {
  Settings nine;
  nine.max_priority = 9;
  EXPECT_EQ(level_for(9, nine), LevelNumber(0));
  EXPECT_EQ(level_for(0, nine), LevelNumber(9));
  EXPECT_EQ(level_for({}, nine), LevelNumber(9)) << "none is the lowest";
  EXPECT_EQ(level_for(255, nine), LevelNumber(0)) << "what is above the highest counts as that";
  EXPECT_EQ(level_for(7, Settings()), LevelNumber(0)) << "a queue without priorities";
}

TEST(MessageLevels, StrictPrioritiesAreThirtyTwoAndNoneIsFour) {
  Settings strict;
  strict.strict_priorities = true;
  EXPECT_EQ(level_for(31, strict), LevelNumber(0));
  EXPECT_EQ(level_for(32, strict), LevelNumber(0)) << "what is above the highest counts as that";
  EXPECT_EQ(level_for(0, strict), LevelNumber(31));
  EXPECT_EQ(level_for({}, strict), level_for(4, strict));
  EXPECT_EQ(level_for({}, strict), LevelNumber(27));
}

TEST(MessageLevels, AreReadInTheOrderOfServing) {
  MessageLevels levels;
  levels.append(LevelNumber(2), message(1));
  levels.append(LevelNumber(0), message(2));
  levels.append(LevelNumber(2), message(3));
  levels.append(LevelNumber(0), message(4));
  EXPECT_EQ(entries(levels), (std::vector<std::uint64_t>{2, 4, 1, 3}));
  EXPECT_EQ(levels.size(), 4u);
  EXPECT_EQ(levels.next(LevelNumber(2)), first_of(LevelNumber(2)).next(2));
  EXPECT_EQ(levels.next(LevelNumber(1)), first_of(LevelNumber(1)));
  EXPECT_EQ(levels.level_from(1), LevelNumber(2));
  EXPECT_EQ(levels.level_from(3), std::nullopt);
}

TEST(MessageLevels, AreFoundByIdAndByOrdinal) {
  MessageLevels levels;
  levels.append(LevelNumber(5), message(1));
  levels.append(LevelNumber(0), message(2));
  const Ordinal ordinal = first_of(LevelNumber(5));
  ASSERT_TRUE(levels.find(ordinal));
  EXPECT_EQ(levels.find(ordinal)->id.entry, EntryIndex(1));
  EXPECT_EQ(levels.find(MessageId{EntryIndex(1), Slot(0)})->ordinal, ordinal);
  EXPECT_FALSE(levels.find(first_of(LevelNumber(4))));
  EXPECT_TRUE(levels.erase(MessageId{EntryIndex(1), Slot(0)}));
  EXPECT_FALSE(levels.find(ordinal));
  EXPECT_FALSE(levels.erase(MessageId{EntryIndex(1), Slot(0)}));
}

TEST(MessageLevels, CountWhatTheyHold) {
  MessageLevels levels;
  levels.append(LevelNumber(1), message(1, 10, Stamp(7)));
  levels.append(LevelNumber(0), message(2, 20));
  EXPECT_EQ(levels.octets(), 30u);
  EXPECT_EQ(levels.dated(), 1u);
  levels.retain([](const Message& m) { return m.size == 20; });
  EXPECT_EQ(levels.octets(), 20u);
  EXPECT_EQ(levels.dated(), 0u);
  EXPECT_EQ(levels.next(LevelNumber(1)), first_of(LevelNumber(1)).next()) << "counts go on";
}

TEST(MessageLevels, ComeBackFromTheirOctets) {
  MessageLevels levels;
  for (std::uint64_t i = 1; i < 300; ++i)
    levels.append(LevelNumber(static_cast<std::uint8_t>(i % 4 * 3)), message(i, 5, Stamp(i % 2)));
  levels.at(LevelNumber(9)).mark = {first_of(LevelNumber(9)).next(40),
                                    first_of(LevelNumber(9)).next(7)};
  ByteWriter out;
  levels.encode(out);
  MessageLevels copy;
  ByteReader in(out.str());
  ASSERT_TRUE(copy.decode(in));
  EXPECT_TRUE(in.at_end());
  EXPECT_EQ(entries(copy), entries(levels));
  EXPECT_EQ(copy.mark(LevelNumber(9)), levels.mark(LevelNumber(9)));
  EXPECT_EQ(copy.octets(), levels.octets());
  EXPECT_EQ(copy.dated(), levels.dated());
  ByteWriter again;
  copy.encode(again);
  EXPECT_EQ(again.str(), out.str());
}

TEST(MessageLevels, RefuseMalformedOctets) {
  MessageLevels levels;
  levels.append(LevelNumber(3), message(1));
  ByteWriter out;
  levels.encode(out);
  for (std::size_t cut = 0; cut < out.size(); ++cut) {
    const std::string part = out.str().substr(0, cut);
    ByteReader in(part);
    MessageLevels copy;
    EXPECT_FALSE(copy.decode(in)) << cut;
  }
}

// --- A queue with priorities, as a leader serves it.

class PriorityTest : public testing::Test {
 protected:
  void SetUp() override {
    world.lead(1);
    world.attach(session_a);
    Settings settings;
    settings.max_priority = 9;
    world.machine.create(orders, settings, world.effects);
    world.applied();
  }
  MessageId publish(std::uint8_t priority) { return world.publish(orders, 100, {}, priority); }
  // What is handed out next, acknowledged at once.
  MessageId next() {
    world.get(session_a, orders);
    Poll got = world.run();
    if (got.gets.empty() || !got.gets[0].handout) return {};
    EXPECT_TRUE(world.settle(session_a, *got.gets[0].handout));
    return got.gets[0].handout->held.message;
  }

  World world;
};

TEST_F(PriorityTest, TheHighestIsServedFirst) {
  auto low = publish(0), high = publish(9), middle = publish(5), high_too = publish(200);
  EXPECT_EQ(next(), high);
  EXPECT_EQ(next(), high_too) << "above the highest counts as the highest";
  EXPECT_EQ(next(), middle);
  EXPECT_EQ(next(), low);
  EXPECT_EQ(next(), MessageId());
}

TEST_F(PriorityTest, WhatComesLaterOvertakes) {
  publish(3);
  auto second = publish(3);
  next();
  auto urgent = publish(4);
  EXPECT_EQ(next(), urgent);
  EXPECT_EQ(next(), second);
}

TEST_F(PriorityTest, WhatComesBackKeepsItsPlace) {
  auto urgent = publish(7);
  world.get(session_a, orders);
  Poll got = world.run();
  auto low = publish(1), more_urgent = publish(8);
  world.settle(session_a, *got.gets.at(0).handout, SettleKind::requeue_nack);
  EXPECT_EQ(next(), more_urgent);
  EXPECT_EQ(next(), urgent);
  EXPECT_EQ(next(), low);
}

TEST_F(PriorityTest, AConsumerIsHandedThemInOrderWithOneMarkALevel) {
  for (std::uint8_t priority : {1, 2, 1, 2})
    publish(priority);
  world.consume(session_a, 1, orders);
  Poll out = world.run();
  std::vector<LevelNumber> levels;
  for (const Handout& handout : out.handouts)
    levels.push_back(level_of(handout.ordinal));
  EXPECT_EQ(levels, (std::vector{LevelNumber(7), LevelNumber(7), LevelNumber(8), LevelNumber(8)}));
}

TEST_F(PriorityTest, RedeliveredIsKnownForEachLevel) {
  publish(2);
  auto urgent = publish(6);
  world.get(session_a, orders);
  ASSERT_EQ(world.run().gets.at(0).handout->held.message, urgent);
  world.lead(2);
  world.attach(session_a);
  world.get(session_a, orders);
  world.get(session_a, orders);
  Poll got = world.run();
  ASSERT_EQ(got.gets.size(), 2u);
  EXPECT_TRUE(got.gets[0].handout->redelivered);
  EXPECT_FALSE(got.gets[1].handout->redelivered);
}

TEST_F(PriorityTest, EachLevelsHeadExpires) {
  auto stays = publish(9);
  world.publish(orders, 100, 10, 1);
  world.run();
  world.pass(10);
  world.run();
  EXPECT_EQ(world.dispatcher.counts(orders).ready, 1u);
  EXPECT_EQ(next(), stays);
}

}  // namespace
}  // namespace warren::queue
