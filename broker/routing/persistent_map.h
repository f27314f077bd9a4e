// PersistentMap: an immutable hash trie of shared items. Copying one copies a pointer; a change
// copies the few nodes on the way to the item (at most 32 pointers each) and shares the rest, so
// that each catalog change can publish a snapshot. Bagwell, "Ideal Hash Trees" (2001).
// A value: any thread may read any copy while another copy changes.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "broker/routing/hash.h"

namespace warren::routing {

// Traits: `Key`, cheap to copy (views), comparable; `static Key key(const Item&)`;
// `static std::uint64_t hash(const Key&)`.
template <typename Item, typename Traits>
class PersistentMap {
 public:
  using Key = typename Traits::Key;
  using Pointer = std::shared_ptr<const Item>;

  static Key key_of(const Item& item) { return Traits::key(item); }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Null when absent. Lives as long as any map that holds the item.
  const Item* find(const Key& key) const {
    const Pointer* found = find_pointer(key);
    return found ? found->get() : nullptr;
  }
  Pointer find_shared(const Key& key) const {
    const Pointer* found = find_pointer(key);
    return found ? *found : nullptr;
  }
  // Inserts, or replaces the item of the same key.
  void put(Pointer item) {
    bool grew = false;
    std::uint64_t hash = Traits::hash(Traits::key(*item));
    root_ = put_in(root_.get(), std::move(item), hash, 0, grew);
    if (grew) ++size_;
  }
  void put(Item item) { put(std::make_shared<const Item>(std::move(item))); }
  bool erase(const Key& key) {
    if (find_pointer(key) == nullptr) return false;
    root_ = erase_in(*root_, key, Traits::hash(key), 0);
    --size_;
    return true;
  }
  // In the order of hashes: only for uses in which no order shows.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    if (root_) visit_in(*root_, visit);
  }
  template <typename Less>
  std::vector<const Item*> sorted(Less less) const {
    std::vector<const Item*> items;
    items.reserve(size_);
    for_each([&](const Item& item) { items.push_back(&item); });
    std::ranges::sort(items, [&](const Item* a, const Item* b) { return less(*a, *b); });
    return items;
  }

 private:
  // Five bits of the hash choose a place; below the last level a node is a plain bucket.
  static constexpr unsigned bits_a_level = 5;
  static constexpr unsigned bucket_shift = 60;

  struct Node;
  using NodePointer = std::shared_ptr<const Node>;
  struct Node {
    std::uint32_t leaf_bits = 0;
    std::uint32_t child_bits = 0;
    std::vector<Pointer> leaves;
    std::vector<NodePointer> children;
  };

  static std::uint32_t bit_of(std::uint64_t hash, unsigned shift) {
    return 1u << ((hash >> shift) & 31u);
  }
  static std::ptrdiff_t rank(std::uint32_t bits, std::uint32_t bit) {
    return std::popcount(bits & (bit - 1));
  }
  static std::ptrdiff_t bucket_place(const Node& node, const Key& key) {
    auto found = std::ranges::find(node.leaves, key, [](auto& leaf) { return key_of(*leaf); });
    return found == node.leaves.end() ? -1 : found - node.leaves.begin();
  }

  const Pointer* find_pointer(const Key& key) const {
    const std::uint64_t hash = Traits::hash(key);
    const Node* node = root_.get();
    for (unsigned shift = 0; node != nullptr && shift < bucket_shift; shift += bits_a_level) {
      const std::uint32_t bit = bit_of(hash, shift);
      if (node->leaf_bits & bit) {
        const Pointer& leaf = node->leaves[rank(node->leaf_bits, bit)];
        return Traits::key(*leaf) == key ? &leaf : nullptr;
      }
      if ((node->child_bits & bit) == 0) return nullptr;
      node = node->children[rank(node->child_bits, bit)].get();
    }
    if (node == nullptr) return nullptr;
    std::ptrdiff_t place = bucket_place(*node, key);
    return place < 0 ? nullptr : &node->leaves[place];
  }

  static NodePointer put_in(const Node* node, Pointer item, std::uint64_t hash, unsigned shift,
                            bool& grew) {
    auto copy = node ? std::make_shared<Node>(*node) : std::make_shared<Node>();
    if (shift >= bucket_shift) {
      put_in_bucket(*copy, std::move(item), grew);
      return copy;
    }
    const std::uint32_t bit = bit_of(hash, shift);
    const std::ptrdiff_t child = rank(copy->child_bits, bit);
    if (copy->child_bits & bit) {
      copy->children[child] =
          put_in(copy->children[child].get(), std::move(item), hash, shift + bits_a_level, grew);
      return copy;
    }
    const auto leaf = copy->leaves.begin() + rank(copy->leaf_bits, bit);
    if ((copy->leaf_bits & bit) == 0) {
      copy->leaves.insert(leaf, std::move(item));
      copy->leaf_bits |= bit;
      grew = true;
    } else if (Traits::key(**leaf) == Traits::key(*item)) {
      *leaf = std::move(item);
    } else {
      const std::uint64_t other = Traits::hash(Traits::key(**leaf));
      NodePointer below = put_in(nullptr, *leaf, other, shift + bits_a_level, grew);
      below = put_in(below.get(), std::move(item), hash, shift + bits_a_level, grew);
      copy->leaves.erase(leaf);
      copy->leaf_bits &= ~bit;
      copy->children.insert(copy->children.begin() + child, std::move(below));
      copy->child_bits |= bit;
    }
    return copy;
  }
  static void put_in_bucket(Node& bucket, Pointer item, bool& grew) {
    std::ptrdiff_t place = bucket_place(bucket, Traits::key(*item));
    if (place >= 0) {
      bucket.leaves[place] = std::move(item);
    } else {
      bucket.leaves.push_back(std::move(item));
      grew = true;
    }
  }

  // REQUIRES: the key is below this node. A node left without anything is null.
  static NodePointer erase_in(const Node& node, const Key& key, std::uint64_t hash,
                              unsigned shift) {
    auto copy = std::make_shared<Node>(node);
    if (shift >= bucket_shift) {
      copy->leaves.erase(copy->leaves.begin() + bucket_place(node, key));
      return copy->leaves.empty() ? nullptr : copy;
    }
    const std::uint32_t bit = bit_of(hash, shift);
    if (copy->leaf_bits & bit) {
      copy->leaves.erase(copy->leaves.begin() + rank(copy->leaf_bits, bit));
      copy->leaf_bits &= ~bit;
    } else {
      erase_child(
          *copy, bit,
          erase_in(*node.children[rank(node.child_bits, bit)], key, hash, shift + bits_a_level));
    }
    return copy->leaves.empty() && copy->children.empty() ? nullptr : copy;
  }
  static void erase_child(Node& node, std::uint32_t bit, NodePointer replacement) {
    const auto child = node.children.begin() + rank(node.child_bits, bit);
    const bool single =
        replacement && replacement->children.empty() && replacement->leaves.size() == 1;
    if (replacement && !single) {
      *child = std::move(replacement);
      return;
    }
    node.children.erase(child);
    node.child_bits &= ~bit;
    if (!single) return;
    node.leaves.insert(node.leaves.begin() + rank(node.leaf_bits, bit),
                       replacement->leaves.front());
    node.leaf_bits |= bit;
  }

  template <typename Visit>
  static void visit_in(const Node& node, Visit& visit) {
    for (const Pointer& leaf : node.leaves)
      visit(*leaf);
    for (const NodePointer& child : node.children)
      visit_in(*child, visit);
  }

  NodePointer root_;
  std::size_t size_ = 0;
};

}  // namespace warren::routing
