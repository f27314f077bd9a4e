#include "broker/queue/sorted_blocks.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace warren::queue {
namespace {

struct Pair {
  std::uint64_t key = 0;
  std::uint64_t value = 0;
  bool operator==(const Pair&) const = default;
};
struct PairTraits {
  using Item = Pair;
  using Key = std::uint64_t;
  static Key key(const Pair& pair) { return pair.key; }
  static std::string pack(std::span<const Pair> pairs) {
    ByteWriter out;
    for (const Pair& pair : pairs)
      out.varint(pair.key), out.varint(pair.value);
    return out.take();
  }
  static bool unpack(std::string_view octets, std::span<Pair> out) {
    ByteReader in(octets);
    for (Pair& pair : out) {
      pair.key = in.varint();
      pair.value = in.varint();
    }
    return in.ok() && in.at_end();
  }
};
using Blocks = SortedBlocks<PairTraits>;

std::string octets(const Blocks& blocks) {
  ByteWriter out;
  blocks.encode(out);
  return out.take();
}

std::vector<Pair> contents(const Blocks& blocks) {
  std::vector<Pair> all;
  blocks.for_each([&](const Pair& pair) { return all.push_back(pair), true; });
  return all;
}

Blocks restored(const std::string& written) {
  Blocks blocks;
  ByteReader in(written);
  EXPECT_TRUE(blocks.decode(in) && in.at_end());
  return blocks;
}

TEST(SortedBlocks, AKeyIsThereOnce) {
  Blocks blocks;
  EXPECT_TRUE(blocks.insert({7, 1}));
  EXPECT_FALSE(blocks.insert({7, 2}));
  EXPECT_EQ(blocks.find(7), (Pair{7, 1}));
  EXPECT_EQ(blocks.erase(7), (Pair{7, 1}));
  EXPECT_FALSE(blocks.erase(7));
  EXPECT_FALSE(blocks.find(7));
  EXPECT_TRUE(blocks.empty());
}

TEST(SortedBlocks, WhatComesInOrderFillsItsBlocks) {
  Blocks blocks;
  // Three streams, each in order, far from each other.
  for (std::uint64_t i = 0; i < 64'000; ++i)
    blocks.insert({i % 3 * 1'000'000 + i, i});
  const std::string written = octets(blocks);
  ByteReader reader(written);
  EXPECT_LE(reader.varint(), 64'000 / Blocks::block_items * 11 / 10);
}

TEST(SortedBlocks, TakesTheFirstAsLongAsTheyAreWanted) {
  Blocks blocks;
  for (std::uint64_t i = 1000; i > 0; --i)
    blocks.insert({i, 0});
  std::uint64_t last = 0;
  blocks.take_while([&](const Pair& pair) {
    if (pair.key > 700) return false;
    EXPECT_EQ(pair.key, last + 1);
    last = pair.key;
    return true;
  });
  EXPECT_EQ(last, 700u);
  EXPECT_EQ(blocks.size(), 300u);
  EXPECT_EQ(blocks.first_key(), 701u);
  blocks.take_while([](const Pair&) { return true; });
  EXPECT_TRUE(blocks.empty());
}

TEST(SortedBlocks, FewThatAreLeftOfManyCostLittle) {
  Blocks blocks;
  for (std::uint64_t i = 0; i < 100'000; ++i)
    blocks.insert({i, i});
  for (std::uint64_t i = 0; i < 100'000; ++i)
    if (i % 100 != 0) blocks.erase(i);
  EXPECT_EQ(blocks.size(), 1000u);
  EXPECT_LT(blocks.memory_octets(), 30'000u);
}

// Beside a map, and beside a twin that is restored from its own snapshot again and again.
TEST(SortedBlocks, RestoringASnapshotAtAnyPointChangesNothing) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const std::uint64_t keys = seed % 2 == 0 ? 300 : 5000;
    Blocks blocks, twin;
    std::map<std::uint64_t, std::uint64_t> model;
    for (int step = 0; step < 4000; ++step) {
      const std::uint64_t key = random() % keys, draw = random() % 100;
      if (draw < 60) {
        const Pair pair{key, random() % 1000};
        const bool fresh = model.try_emplace(pair.key, pair.value).second;
        ASSERT_EQ(blocks.insert(pair), fresh);
        ASSERT_EQ(twin.insert(pair), fresh);
      } else if (draw < 95) {
        const bool there = model.erase(key) > 0;
        ASSERT_EQ(blocks.erase(key).has_value(), there);
        ASSERT_EQ(twin.erase(key).has_value(), there);
      } else {
        std::uint64_t left = random() % 200, left_of_twin = left;
        for (std::uint64_t i = 0; i < left && !model.empty(); ++i)
          model.erase(model.begin());
        blocks.take_while([&](const Pair&) { return left-- > 0; });
        twin.take_while([&](const Pair&) { return left_of_twin-- > 0; });
      }
      if (random() % 20 == 0) twin = restored(octets(twin));
      ASSERT_EQ(blocks.size(), model.size());
      ASSERT_EQ(blocks.find(key).has_value(), model.contains(key));
    }
    std::vector<Pair> expected;
    for (auto [key, value] : model)
      expected.push_back({key, value});
    EXPECT_EQ(contents(blocks), expected);
    EXPECT_EQ(octets(blocks), octets(twin));
  }
}

TEST(SortedBlocks, RefusesWhatIsCutShortOrOutOfOrder) {
  Blocks blocks;
  for (std::uint64_t i = 0; i < 200; ++i)
    blocks.insert({i * 3, i});
  const std::string written = octets(blocks);
  for (std::size_t cut = 0; cut < written.size(); ++cut) {
    Blocks refused;
    ByteReader in(std::string_view(written).substr(0, cut));
    EXPECT_FALSE(refused.decode(in)) << "cut at " << cut;
  }
  for (std::string_view wrong : {std::string_view("\1\0\0", 3), std::string_view("\1\1\2\5\0\0", 6),
                                 std::string_view("\1\2\4\5\0\4\0", 7)}) {
    Blocks refused;
    ByteReader in(wrong);
    EXPECT_FALSE(refused.decode(in) && in.at_end());
  }
}

}  // namespace
}  // namespace warren::queue
