#include "broker/queue/message_list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace warren::queue {
namespace {

Message message(std::uint64_t ordinal, std::uint64_t entry, std::uint32_t slot = 0,
                std::uint32_t size = 10, std::uint64_t deadline = 0) {
  return {Ordinal(ordinal), {EntryIndex(entry), Slot(slot)}, size, size % 3, Stamp(deadline)};
}

std::vector<Message> contents(const MessageList& list) {
  std::vector<Message> all;
  list.read(Ordinal(0), 1u << 30, all);
  return all;
}

std::string octets(const MessageList& list) {
  ByteWriter out;
  list.encode(out);
  return out.take();
}

TEST(MessageList, KeepsOrderAndFindsByIdAndOrdinal) {
  MessageList list;
  for (std::uint64_t i = 0; i < 1000; ++i)
    list.append(message(i, 5 + i / 7 * 2, static_cast<std::uint32_t>(i % 7),
                        static_cast<std::uint32_t>(i * 3), i % 5 == 0 ? i + 1 : 0));
  EXPECT_EQ(list.size(), 1000u);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    auto found = list.find(Ordinal(i));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->size, i * 3);
    EXPECT_EQ(found->deadline.value, i % 5 == 0 ? i + 1 : 0);
    EXPECT_EQ(list.find(found->id), found);
  }
  EXPECT_FALSE(list.find(Ordinal(1000)));
  EXPECT_FALSE(list.find(MessageId{EntryIndex(6), Slot(0)}));
  EXPECT_FALSE(list.find(MessageId{EntryIndex(1), Slot(0)}));
}

TEST(MessageList, ErasesAnywhereAndOnlyOnce) {
  MessageList list;
  for (std::uint64_t i = 0; i < 300; ++i)
    list.append(message(i, 1 + i));
  EXPECT_EQ(list.erase({EntryIndex(151), Slot(0)})->ordinal, Ordinal(150));
  EXPECT_FALSE(list.erase({EntryIndex(151), Slot(0)}));
  EXPECT_FALSE(list.find(Ordinal(150)));
  EXPECT_EQ(list.size(), 299u);
  EXPECT_EQ(list.octets(), 2990u);
  EXPECT_EQ(list.first()->ordinal, Ordinal(0));
}

TEST(MessageList, IsEmptyAgainAndTakesMore) {
  MessageList list;
  list.append(message(7, 1));
  list.erase({EntryIndex(1), Slot(0)});
  EXPECT_TRUE(list.empty());
  EXPECT_FALSE(list.first());
  list.append(message(8, 2));
  EXPECT_EQ(list.first()->ordinal, Ordinal(8));
}

TEST(MessageList, ReadsFromAPositionUpToALimit) {
  MessageList list;
  for (std::uint64_t i = 0; i < 200; ++i)
    list.append(message(i, 1 + i));
  std::vector<Message> some;
  list.read(Ordinal(60), 10, some);
  ASSERT_EQ(some.size(), 10u);
  EXPECT_EQ(some.front().ordinal, Ordinal(60));
  EXPECT_EQ(some.back().ordinal, Ordinal(69));
  some.clear();
  list.read(Ordinal(200), 10, some);
  list.read(Ordinal(0), 0, some);
  EXPECT_TRUE(some.empty());
}

TEST(MessageList, AMillionSingleMessageEntriesCostAFewOctetsEach) {
  MessageList list;
  for (std::uint64_t i = 0; i < 1'000'000; ++i)
    list.append(message(i, 1 + i, 0, static_cast<std::uint32_t>(500 + i * 7919 % 1000)));
  EXPECT_LT(list.memory_octets(), 5u << 20);
}

TEST(MessageList, AMillionMessagesOfEqualSizeInBatchesCostLess) {
  MessageList list;
  for (std::uint64_t i = 0; i < 1'000'000; ++i)
    list.append(message(i, 1 + i / 100, static_cast<std::uint32_t>(i % 100), 1024));
  EXPECT_LT(list.memory_octets(), 2u << 20);
  EXPECT_LT(octets(list).size(), 200'000u);
}

TEST(MessageList, OneOldMessageDoesNotPinWhatCameAfterIt) {
  MessageList list;
  list.append(message(0, 1));
  for (std::uint64_t i = 1; i < 500'000; ++i) {
    list.append(message(i, 1 + i));
    if (i > 100) list.erase({EntryIndex(1 + i - 100), Slot(0)});
  }
  EXPECT_EQ(list.first()->ordinal, Ordinal(0));
  EXPECT_LT(list.memory_octets(), 20'000u);
}

TEST(MessageList, SnapshotDependsOnTheMessagesAlone) {
  MessageList list;
  for (std::uint64_t i = 0; i < 500; ++i)
    list.append(message(i, 1 + i));
  for (std::uint64_t i = 0; i < 500; ++i)
    if (i % 3 != 0) list.erase({EntryIndex(1 + i), Slot(0)});
  MessageList direct;
  for (std::uint64_t i = 0; i < 500; i += 3)
    direct.append(message(i, 1 + i));
  EXPECT_EQ(octets(list), octets(direct));
  MessageList restored;
  std::string written = octets(list);
  ByteReader in(written);
  ASSERT_TRUE(restored.decode(in));
  EXPECT_TRUE(in.at_end());
  EXPECT_EQ(contents(restored), contents(list));
  EXPECT_EQ(octets(restored), written);
}

// Messages that were delayed come with ids below those of others: at any place of a block, and one
// of them first in its block.
TEST(MessageList, FindsWhatIsOutOfTheOrderOfIds) {
  for (std::uint64_t late : {3, 63, 64, 65, 100}) {
    MessageList list;
    for (std::uint64_t i = 0; i < 300; ++i)
      list.append(message(i, i >= late && i < late + 70 ? 500 - i : 1000 + i));
    for (std::uint64_t i = 0; i < 300; ++i) {
      auto found = list.find(Ordinal(i));
      ASSERT_TRUE(found);
      EXPECT_EQ(list.find(found->id), found) << "ordinal " << i;
    }
    EXPECT_FALSE(list.find(MessageId{EntryIndex(7), Slot(0)}));
    EXPECT_FALSE(list.append(message(300, 500 - late)));
    EXPECT_FALSE(list.append(message(300, 1299)));
    MessageList restored;
    const std::string written = octets(list);
    ByteReader in(written);
    ASSERT_TRUE(restored.decode(in));
    for (std::uint64_t i = 0; i < 300; i += 2) {
      const MessageId id = list.find(Ordinal(i))->id;
      EXPECT_TRUE(list.erase(id));
      EXPECT_FALSE(list.find(id));
      EXPECT_TRUE(restored.erase(id));
    }
    EXPECT_EQ(octets(restored), octets(list));
    for (std::uint64_t i = 1; i < 300; i += 2)
      EXPECT_TRUE(list.erase(list.find(Ordinal(i))->id));
    EXPECT_TRUE(list.empty());
    EXPECT_TRUE(list.append(message(900, 1)));
  }
}

TEST(MessageList, AMillionInNoOrderOfIdsCostTwentyOctetsEachAtMost) {
  std::mt19937_64 random(1);
  std::vector<std::uint64_t> entries(1'000'000);
  for (std::uint64_t i = 0; i < entries.size(); ++i)
    entries[i] = 1 + i;
  std::ranges::shuffle(entries, random);
  MessageList list;
  for (std::uint64_t i = 0; i < entries.size(); ++i)
    list.append(message(i, entries[i], 0, static_cast<std::uint32_t>(random() % 2000)));
  EXPECT_LT(list.memory_octets(), 20u << 20);
}

TEST(MessageList, RefusesEveryTruncation) {
  MessageList list;
  for (std::uint64_t i = 0; i < 100; ++i)
    list.append(message(i * 2, 1 + i, 3, 100, i));
  std::string written = octets(list);
  for (std::size_t cut = 0; cut < written.size(); ++cut) {
    MessageList restored;
    std::string part = written.substr(0, cut);
    ByteReader in(part);
    EXPECT_FALSE(restored.decode(in)) << cut;
  }
}

TEST(MessageList, SurvivesFlippedBitsWithoutHarm) {
  MessageList list;
  for (std::uint64_t i = 0; i < 100; ++i)
    list.append(message(i * 2, 1 + i, 3, 100, i));
  std::string written = octets(list);
  for (std::size_t bit = 0; bit < written.size() * 8; ++bit) {
    std::string bad = written;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    MessageList restored;
    ByteReader in(bad);
    restored.decode(in);  // may or may not notice; never crashes
  }
}

TEST(MessageList, BehavesLikeASortedVector) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    MessageList list;
    std::vector<Message> model;
    std::uint64_t ordinal = 0, entry = 1;
    std::uint32_t slot = 0;
    for (int step = 0; step < 4000; ++step) {
      if (random() % 100 < 55) {
        ordinal += random() % 10 == 0 ? random() % 100 : 0;
        if (random() % 3 == 0) entry += 1 + random() % 5, slot = random() % 3;
        Message m = message(ordinal++, entry, slot++, random() % 4 * 50, random() % 4 * 1000);
        list.append(m);
        model.push_back(m);
      } else if (!model.empty()) {
        std::size_t at = random() % 4 == 0 ? 0 : random() % model.size();
        EXPECT_EQ(list.erase(model[at].id), model[at]);
        model.erase(model.begin() + static_cast<std::ptrdiff_t>(at));
      }
      if (step % 500 == 0) {
        ASSERT_EQ(contents(list), model) << "seed " << seed << " step " << step;
        std::string written = octets(list);
        MessageList restored;
        ByteReader in(written);
        ASSERT_TRUE(restored.decode(in));
        if (random() % 2 == 0) list = std::move(restored);
      }
    }
    while (!model.empty()) {
      std::size_t at = random() % model.size();
      ASSERT_EQ(list.erase(model[at].id), model[at]);
      model.erase(model.begin() + static_cast<std::ptrdiff_t>(at));
    }
    EXPECT_TRUE(list.empty());
  }
}

}  // namespace
}  // namespace warren::queue
