// HashRing: points on a circle of 2^64 positions, each of which belongs to a target. A persistent
// radix tree in the order of positions: copies share, and changing a few points copies the few
// nodes on the way to them, so that an exchange with 10,000 bindings may change with each of them.
// A value: any thread may read any copy while another copy changes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/routing/target_set.h"

namespace warren::routing {

class HashRing {
 public:
  struct Owner {
    QueueId queue;
    std::string exchange;
    auto operator<=>(const Owner&) const = default;
  };
  struct Point {
    std::uint64_t position = 0;
    std::shared_ptr<const Owner> owner;
  };
  // In any order; each at most once in the ring by position and owner.
  using Points = std::vector<Point>;

  bool empty() const { return root_ == nullptr; }
  std::uint64_t size() const;
  void add(Points points);
  // Those that are not there are passed over.
  void remove(Points points);

  // The first point from `position` on, around the circle. REQUIRES: not empty().
  const Point& at_or_after(std::uint64_t position) const;
  // The n-th from position 0 on. REQUIRES: n < size().
  const Point& nth(std::uint64_t n) const;

  struct Node;
  using NodePointer = std::shared_ptr<const Node>;

 private:
  NodePointer root_;  // null: no points
};

}  // namespace warren::routing
