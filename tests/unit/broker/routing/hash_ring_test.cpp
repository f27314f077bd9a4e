#include "broker/routing/hash_ring.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace warren::routing {
namespace {

HashRing::Point point(std::uint64_t position, std::uint64_t queue = 1) {
  return {position, std::make_shared<const HashRing::Owner>(QueueId(queue), "")};
}

using Model = std::map<std::pair<std::uint64_t, std::uint64_t>, int>;  // position, queue

void compare(const HashRing& ring, const Model& model, std::mt19937_64& random) {
  ASSERT_EQ(ring.size(), model.size());
  if (model.empty()) return;
  std::uint64_t n = 0;
  for (const auto& [key, unused] : model) {
    ASSERT_EQ(ring.nth(n).position, key.first);
    ASSERT_EQ(ring.nth(n++).owner->queue.value, key.second);
  }
  for (int i = 0; i < 20; ++i) {
    const std::uint64_t position = random() >> (random() % 60);
    auto found = model.lower_bound({position, 0});
    if (found == model.end()) found = model.begin();
    const HashRing::Point& point = ring.at_or_after(position);
    ASSERT_EQ(point.position, found->first.first);
    ASSERT_EQ(point.owner->queue.value, found->first.second);
  }
}

TEST(HashRing, IsWhatASortedMapIsAndCopiesStayAsTheyWere) {
  std::mt19937_64 random(7);
  HashRing ring;
  Model model;
  std::vector<std::pair<HashRing, Model>> earlier;
  for (int step = 0; step < 400; ++step) {
    HashRing::Points points;
    const bool adds = random() % 100 < (step < 250 ? 70 : 30);
    for (std::uint64_t i = random() % 40; i > 0; --i) {
      // Some positions side by side, some of them twice.
      const std::uint64_t position = random() >> (random() % 60);
      const std::uint64_t queue = 1 + random() % 3;
      if (adds && model.contains({position, queue})) continue;
      if (adds) {
        model[{position, queue}] = 0;
        points.push_back(point(position, queue));
      } else if (!model.empty()) {
        auto victim = model.lower_bound({position, queue});
        if (victim == model.end()) victim = model.begin();
        points.push_back(point(victim->first.first, victim->first.second));
        model.erase(victim);
      }
    }
    if (adds)
      ring.add(std::move(points));
    else
      ring.remove(std::move(points));
    compare(ring, model, random);
    if (step % 40 == 0) earlier.emplace_back(ring, model);
  }
  for (const auto& [copy, its_model] : earlier)
    compare(copy, its_model, random);
}

TEST(HashRing, ManyOwnersMayShareOnePosition) {
  HashRing ring;
  HashRing::Points points;
  for (std::uint64_t queue = 100; queue > 0; --queue)
    points.push_back(point(5, queue));
  ring.add(points);
  EXPECT_EQ(ring.size(), 100u);
  EXPECT_EQ(ring.at_or_after(4).owner->queue, QueueId(1));
  EXPECT_EQ(ring.nth(99).owner->queue, QueueId(100));
  ring.remove(points);
  EXPECT_TRUE(ring.empty());
}

TEST(HashRing, WhatIsNotThereIsPassedOver) {
  HashRing ring;
  ring.remove({point(1)});
  EXPECT_TRUE(ring.empty());
  ring.add({point(1)});
  ring.remove({point(1, 2), point(2)});
  EXPECT_EQ(ring.size(), 1u);
}

TEST(HashRing, LeadsAroundTheCircle) {
  HashRing ring;
  ring.add({point(10), point(~std::uint64_t{0} - 5)});
  EXPECT_EQ(ring.at_or_after(~std::uint64_t{0}).position, 10u);
  EXPECT_EQ(ring.at_or_after(0).position, 10u);
  EXPECT_EQ(ring.at_or_after(11).position, ~std::uint64_t{0} - 5);
}

}  // namespace
}  // namespace warren::routing
