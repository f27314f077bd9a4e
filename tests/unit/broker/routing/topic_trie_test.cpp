#include "broker/routing/topic_trie.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace warren::routing {
namespace {

std::vector<QueueId> queues_for(const TopicTrie& trie, std::string_view key) {
  std::vector<QueueId> queues;
  Matched matched{queues, {}};
  trie.match(key, matched);
  std::ranges::sort(queues);
  return queues;
}

bool matches(std::string_view pattern, std::string_view key) {
  TopicTrie trie;
  trie.add(pattern, {QueueId(1), {}});
  const std::size_t found = queues_for(trie, key).size();
  EXPECT_LE(found, 1u) << pattern << " matched " << key << " twice";
  return found == 1;
}

TEST(TopicTrie, WordsMatchThemselves) {
  EXPECT_TRUE(matches("a.b.c", "a.b.c"));
  EXPECT_FALSE(matches("a.b.c", "a.b"));
  EXPECT_FALSE(matches("a.b", "a.b.c"));
  EXPECT_FALSE(matches("a.b", "a.B"));
}

TEST(TopicTrie, StarMatchesOneWord) {
  EXPECT_TRUE(matches("*", "a"));
  EXPECT_FALSE(matches("*", "a.b"));
  EXPECT_FALSE(matches("*", ""));
  EXPECT_TRUE(matches("a.*.c", "a.b.c"));
  EXPECT_FALSE(matches("a.*.c", "a.c"));
  EXPECT_FALSE(matches("www.*", "www.dbq168.com"));
}

TEST(TopicTrie, HashMatchesZeroWords) {
  EXPECT_TRUE(matches("#", ""));
  EXPECT_TRUE(matches("a.#", "a"));
  EXPECT_TRUE(matches("#.a", "a"));
  EXPECT_TRUE(matches("a.#.b", "a.b"));
}

TEST(TopicTrie, HashMatchesManyWords) {
  EXPECT_TRUE(matches("#", "a.b.c"));
  EXPECT_TRUE(matches("www.#", "www.dbq168.com"));
  EXPECT_TRUE(matches("a.#.b", "a.x.y.b"));
  EXPECT_TRUE(matches("a.#.b", "a.b.x.b"));
  EXPECT_FALSE(matches("a.#.b", "a.x.y"));
  EXPECT_FALSE(matches("a.#", "b.a"));
}

TEST(TopicTrie, WildcardsCombine) {
  EXPECT_TRUE(matches("#.*", "a"));
  EXPECT_FALSE(matches("#.*", ""));
  EXPECT_TRUE(matches("*.#", "a.b"));
  EXPECT_FALSE(matches("*.#", ""));
  EXPECT_TRUE(matches("#.#", ""));
  EXPECT_TRUE(matches("#.#", "a.b"));
  EXPECT_TRUE(matches("#.a.#", "x.a.y.a.z"));
  EXPECT_FALSE(matches("#.a.#", "x.y"));
  EXPECT_TRUE(matches("#.*.#.*.#", "a.b"));
  EXPECT_FALSE(matches("#.*.#.*.#", "a"));
}

TEST(TopicTrie, EmptyWordsAreWords) {
  EXPECT_TRUE(matches("", ""));
  EXPECT_FALSE(matches("", "a"));
  EXPECT_TRUE(matches("a..b", "a..b"));
  EXPECT_TRUE(matches("a.*.b", "a..b"));
  EXPECT_FALSE(matches("a.b", "a..b"));
  EXPECT_TRUE(matches("*.*", "."));
  EXPECT_TRUE(matches("a.*", "a."));
}

TEST(TopicTrie, WildcardsInsideAWordAreLetters) {
  EXPECT_TRUE(matches("a*", "a*"));
  EXPECT_FALSE(matches("a*", "ab"));
  EXPECT_FALSE(matches("a#", "ab"));
}

TEST(TopicTrie, KeysOf255OctetsMatch) {
  const std::string key(255, 'k');
  EXPECT_TRUE(matches(key, key));
  EXPECT_TRUE(matches("#", std::string(255, '.')));
}

TEST(TopicTrie, PatternOfManyHashesIsNotExponential) {
  std::string pattern, key;
  for (int i = 0; i < 63; ++i)
    pattern += "#.a.";
  pattern += "b";
  for (int i = 0; i < 127; ++i)
    key += "a.";
  EXPECT_FALSE(matches(pattern, key + "c"));
  EXPECT_TRUE(matches(pattern, key + "b"));
  std::string hashes = "#";
  for (int i = 0; i < 126; ++i)
    hashes += ".#";
  EXPECT_FALSE(matches(hashes + ".x", key));
}

TEST(TopicTrie, TargetStaysUntilItsLastBindingGoes) {
  TopicTrie trie;
  trie.add("a.#", {QueueId(1), {}});
  trie.add("a.#", {QueueId(1), {}});
  trie.remove("a.#", {QueueId(1), {}});
  EXPECT_EQ(queues_for(trie, "a.b").size(), 1u);
  trie.remove("a.#", {QueueId(1), {}});
  EXPECT_TRUE(queues_for(trie, "a.b").empty());
  trie.remove("never.bound", {QueueId(1), {}});
}

TEST(TopicTrie, CopyIsUnaffectedByLaterChanges) {
  TopicTrie trie;
  trie.add("a.*", {QueueId(1), {}});
  const TopicTrie before = trie;
  trie.add("a.#", {QueueId(2), {}});
  trie.remove("a.*", {QueueId(1), {}});
  EXPECT_EQ(queues_for(before, "a.b"), std::vector{QueueId(1)});
  EXPECT_EQ(queues_for(trie, "a.b"), std::vector{QueueId(2)});
}

std::vector<std::string> split(const std::string& key) {
  if (key.empty()) return {};
  std::vector<std::string> words(1);
  for (char c : key) {
    if (c == '.')
      words.emplace_back();
    else
      words.back() += c;
  }
  return words;
}

// The definition, word by word.
bool model_matches(const std::vector<std::string>& p, std::size_t i,
                   const std::vector<std::string>& k, std::size_t j) {
  if (i == p.size()) return j == k.size();
  if (p[i] == "#")
    return model_matches(p, i + 1, k, j) || (j < k.size() && model_matches(p, i, k, j + 1));
  return j < k.size() && (p[i] == "*" || p[i] == k[j]) && model_matches(p, i + 1, k, j + 1);
}

std::string random_words(std::mt19937_64& random, const std::vector<std::string>& alphabet) {
  std::string key;
  const std::size_t count = random() % 6;
  for (std::size_t i = 0; i < count; ++i)
    key += (i == 0 ? "" : ".") + alphabet[random() % alphabet.size()];
  return key;
}

TEST(TopicTrie, AgreesWithTheDefinitionForRandomPatterns) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 100; ++round) {
    TopicTrie trie;
    std::map<std::uint64_t, std::string> bound;
    for (std::uint64_t id = 1; id <= 30; ++id) {
      bound[id] = random_words(random, {"a", "b", "*", "#", "#", ""});
      trie.add(bound[id], {QueueId(id), {}});
    }
    for (std::uint64_t id = 1; id <= 30; id += 3) {
      trie.remove(bound[id], {QueueId(id), {}});
      bound.erase(id);
    }
    for (int i = 0; i < 50; ++i) {
      const std::string key = random_words(random, {"a", "b", "c", ""});
      std::vector<QueueId> expected;
      for (const auto& [id, pattern] : bound) {
        if (model_matches(split(pattern), 0, split(key), 0)) expected.push_back(QueueId(id));
      }
      ASSERT_EQ(queues_for(trie, key), expected) << "key '" << key << "' in round " << round;
    }
  }
}

}  // namespace
}  // namespace warren::routing
