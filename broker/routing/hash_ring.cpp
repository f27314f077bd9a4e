#include "broker/routing/hash_ring.h"

#include <algorithm>
#include <iterator>
#include <span>

#include "broker/base/check.h"

namespace warren::routing {

namespace {

// Four bits of the position, from the top, choose a child; a leaf of more points is split.
constexpr unsigned bits_a_level = 4;
constexpr std::size_t fan_out = 1u << bits_a_level;
constexpr unsigned levels = 64 / bits_a_level;
constexpr std::size_t leaf_points = 32;

using Point = HashRing::Point;
using Points = HashRing::Points;
using Node = HashRing::Node;
using NodePointer = HashRing::NodePointer;

std::size_t digit(std::uint64_t position, unsigned level) {
  return (position >> (64 - bits_a_level * (level + 1))) & (fan_out - 1);
}

bool before(const Point& a, const Point& b) {
  return a.position != b.position ? a.position < b.position : *a.owner < *b.owner;
}

}  // namespace

struct HashRing::Node {
  std::uint64_t count = 0;            // of points below
  Points points;                      // a leaf's, in order
  std::vector<NodePointer> children;  // an inner node's, by digit; null: nothing there
};

namespace {

// Calls visit(digit, run) for each run of points with the same digit. REQUIRES: in order.
template <typename Visit>
void for_each_run(std::span<const Point> points, unsigned level, Visit&& visit) {
  while (!points.empty()) {
    const std::size_t first = digit(points.front().position, level);
    auto end = std::ranges::find_if(
        points, [&](const Point& point) { return digit(point.position, level) != first; });
    const auto length = static_cast<std::size_t>(end - points.begin());
    visit(first, points.first(length));
    points = points.subspan(length);
  }
}

NodePointer build(std::span<const Point> points, unsigned level) {
  if (points.empty()) return nullptr;
  auto node = std::make_shared<Node>();
  node->count = points.size();
  if (points.size() <= leaf_points || level == levels) {
    node->points.assign(points.begin(), points.end());
    return node;
  }
  node->children.resize(fan_out);
  for_each_run(points, level, [&](std::size_t child, std::span<const Point> run) {
    node->children[child] = build(run, level + 1);
  });
  return node;
}

void gather(const Node* node, Points& out) {
  if (node == nullptr) return;
  out.insert(out.end(), node->points.begin(), node->points.end());
  for (const NodePointer& child : node->children)
    gather(child.get(), out);
}

// `change(leaf's points, run)` gives what a leaf holds afterwards.
template <typename Change>
NodePointer changed(const Node* node, std::span<const Point> points, unsigned level,
                    const Change& change) {
  if (node == nullptr) return build(change(Points(), points), level);
  if (node->children.empty()) return build(change(node->points, points), level);
  auto copy = std::make_shared<Node>(*node);
  for_each_run(points, level, [&](std::size_t child, std::span<const Point> run) {
    NodePointer& slot = copy->children[child];
    copy->count -= slot ? slot->count : 0;
    slot = changed(slot.get(), run, level + 1, change);
    copy->count += slot ? slot->count : 0;
  });
  // Half a leaf: one that was just split is not joined by the next change.
  if (copy->count > leaf_points / 2) return copy;
  Points left;
  gather(copy.get(), left);
  return build(left, level);
}

const Point& first_of(const Node& node) {
  const Node* at = &node;
  while (!at->children.empty())
    at = std::ranges::find_if(at->children, [](const auto& child) {
           return child != nullptr;
         })->get();
  return at->points.front();
}

const Point* first_from(const Node* node, std::uint64_t position, unsigned level) {
  if (node == nullptr) return nullptr;
  if (node->children.empty()) {
    auto found = std::ranges::lower_bound(node->points, position, {}, &Point::position);
    return found == node->points.end() ? nullptr : &*found;
  }
  std::size_t child = digit(position, level);
  if (const Point* found = first_from(node->children[child].get(), position, level + 1))
    return found;
  for (++child; child < fan_out; ++child)
    if (node->children[child]) return &first_of(*node->children[child]);
  return nullptr;
}

}  // namespace

std::uint64_t HashRing::size() const {
  return root_ == nullptr ? 0 : root_->count;
}

void HashRing::add(Points points) {
  std::ranges::sort(points, before);
  root_ = changed(root_.get(), points, 0, [](const Points& held, std::span<const Point> more) {
    Points all;
    all.reserve(held.size() + more.size());
    std::ranges::merge(held, more, std::back_inserter(all), before);
    return all;
  });
}

void HashRing::remove(Points points) {
  if (root_ == nullptr) return;
  std::ranges::sort(points, before);
  root_ = changed(root_.get(), points, 0, [](const Points& held, std::span<const Point> less) {
    Points left;
    std::ranges::set_difference(held, less, std::back_inserter(left), before);
    return left;
  });
}

const HashRing::Point& HashRing::at_or_after(std::uint64_t position) const {
  CHECK(!empty(), "an empty ring");
  const Point* found = first_from(root_.get(), position, 0);
  return found != nullptr ? *found : first_of(*root_);
}

const HashRing::Point& HashRing::nth(std::uint64_t n) const {
  CHECK(n < size(), "point {} of {}", n, size());
  const Node* node = root_.get();
  while (!node->children.empty()) {
    auto child = node->children.begin();
    while (*child == nullptr || n >= (*child)->count) {
      n -= *child ? (*child)->count : 0;
      ++child;
    }
    node = child->get();
  }
  return node->points[n];
}

}  // namespace warren::routing
