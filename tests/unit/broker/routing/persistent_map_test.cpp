#include "broker/routing/persistent_map.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace warren::routing {
namespace {

struct Item {
  std::string name;
  int value = 0;
};
struct Traits {
  using Key = std::string_view;
  static Key key(const Item& item) { return item.name; }
  static std::uint64_t hash(const Key& key) { return hash_octets(key); }
};
// All keys in one bucket at the bottom of the trie.
struct Colliding : Traits {
  static std::uint64_t hash(const Key&) { return 7; }
};

template <typename Map>
void expect_same(const Map& map, const std::map<std::string, int>& model) {
  ASSERT_EQ(map.size(), model.size());
  for (const auto& [name, value] : model) {
    const Item* item = map.find(name);
    ASSERT_NE(item, nullptr) << name;
    EXPECT_EQ(item->value, value);
  }
  std::size_t visited = 0;
  map.for_each([&](const Item& item) {
    ++visited;
    EXPECT_EQ(model.at(item.name), item.value);
  });
  EXPECT_EQ(visited, model.size());
}

template <typename Map>
void compare_with_model(int keys, int steps) {
  std::mt19937_64 random(1);
  Map map;
  std::map<std::string, int> model;
  for (int step = 0; step < steps; ++step) {
    const std::string name = "key-" + std::to_string(random() % static_cast<unsigned>(keys));
    if (random() % 2 == 0) {
      map.put(Item{name, step});
      model[name] = step;
    } else {
      EXPECT_EQ(map.erase(name), model.erase(name) == 1);
    }
  }
  expect_same(map, model);
  while (!model.empty()) {
    EXPECT_TRUE(map.erase(model.begin()->first));
    model.erase(model.begin());
  }
  expect_same(map, model);
}

TEST(PersistentMap, AgreesWithAnOrdinaryMap) {
  compare_with_model<PersistentMap<Item, Traits>>(2000, 20000);
}

TEST(PersistentMap, SurvivesKeysThatAllCollide) {
  compare_with_model<PersistentMap<Item, Colliding>>(20, 2000);
}

TEST(PersistentMap, CopyIsUnaffectedByLaterChanges) {
  PersistentMap<Item, Traits> map;
  for (int i = 0; i < 1000; ++i)
    map.put(Item{std::to_string(i), i});
  const auto before = map;
  for (int i = 0; i < 1000; ++i) {
    if (i % 2 == 0)
      map.erase(std::to_string(i));
    else
      map.put(Item{std::to_string(i), -i});
  }
  EXPECT_EQ(map.size(), 500u);
  EXPECT_EQ(before.size(), 1000u);
  for (int i = 0; i < 1000; ++i)
    EXPECT_EQ(before.find(std::to_string(i))->value, i);
}

TEST(PersistentMap, CopySharesWhatDidNotChange) {
  PersistentMap<Item, Traits> map;
  for (int i = 0; i < 1000; ++i)
    map.put(Item{std::to_string(i), i});
  const auto before = map;
  map.put(Item{"17", 99});
  int shared = 0;
  before.for_each([&](const Item& item) { shared += map.find(item.name) == &item; });
  EXPECT_EQ(shared, 999);
}

TEST(PersistentMap, SortedGivesTheOrderAskedFor) {
  PersistentMap<Item, Traits> map;
  for (const char* name : {"c", "a", "b"})
    map.put(Item{name, 0});
  std::string order;
  for (const Item* item : map.sorted([](const Item& a, const Item& b) { return a.name < b.name; }))
    order += item->name;
  EXPECT_EQ(order, "abc");
}

TEST(PersistentMap, EraseOfWhatIsNotThereChangesNothing) {
  PersistentMap<Item, Traits> map;
  EXPECT_FALSE(map.erase("none"));
  map.put(Item{"one", 1});
  EXPECT_FALSE(map.erase("none"));
  EXPECT_EQ(map.size(), 1u);
  EXPECT_EQ(map.find_shared("none"), nullptr);
  EXPECT_EQ(map.find_shared("one")->value, 1);
}

}  // namespace
}  // namespace warren::routing
