// Many small items in the order of their keys, packed in blocks of up to 64: for what may be
// millions and comes in any order. One block at a time is unpacked, where it was changed last: what
// comes in order costs a comparison, anything else the packing of a block. Where one block ends and
// the next begins depends on the history alone, and a snapshot keeps it: replicas stay equal to the
// octet. Pure: any thread, one at a time.
//
// Traits: Item; Key; key(const Item&) -> Key; pack(std::span<const Item>) -> std::string;
// unpack(std::string_view, std::span<Item>) -> bool, false when malformed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/codec.h"

namespace warren::queue {

template <typename Traits>
class SortedBlocks {
 public:
  using Item = typename Traits::Item;
  using Key = typename Traits::Key;
  static constexpr std::size_t block_items = 64;

  SortedBlocks() = default;
  SortedBlocks(SortedBlocks&& other) noexcept { *this = std::move(other); }
  SortedBlocks& operator=(SortedBlocks&& other) noexcept {
    other.close();
    blocks_ = std::exchange(other.blocks_, {});
    items_.clear();
    size_ = std::exchange(other.size_, 0);
    packed_octets_ = std::exchange(other.packed_octets_, 0);
    open_ = blocks_.end();
    return *this;
  }

  std::uint64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // REQUIRES: not empty.
  const Key& first_key() const { return blocks_.begin()->first; }

  // False: its key is there already.
  bool insert(const Item& item);
  std::optional<Item> find(const Key& key) const;
  std::optional<Item> erase(const Key& key);
  // Takes out the first items, in order, as long as take(const Item&) says so: what it refuses
  // stays. It must not touch this object.
  template <typename Take>
  void take_while(Take&& take);
  // visit(const Item&) for each, in order, until it returns false. Must not change anything.
  template <typename Visit>
  void for_each(Visit&& visit) const;
  void clear() { *this = SortedBlocks(); }

  // Allocator overhead estimated.
  std::size_t memory_octets() const {
    return blocks_.size() * (sizeof(typename Blocks::value_type) + node_overhead) + packed_octets_ +
           items_.capacity() * sizeof(Item);
  }

  // How many blocks, then for each how many items (u8), and the octets.
  void encode(ByteWriter& out) const;
  // REQUIRES: empty. False: malformed.
  bool decode(ByteReader& in);

 private:
  struct Block {
    std::uint8_t count = 0;  // of the octets; the open one's are in items_
    std::string octets;
  };
  using Blocks = std::map<Key, Block>;  // by the first item's key
  using Place = typename Blocks::iterator;
  using Buffer = std::array<Item, block_items>;
  static constexpr std::size_t node_overhead = 64;  // of a map's node, and of the octets

  // The items of a block, in `buffer` unless it is open.
  std::span<const Item> view(typename Blocks::const_iterator at, Buffer& buffer) const;
  void open(Place at);
  void close();
  void begin_block(const Item& item);
  void split(std::size_t at);
  void absorb(Place neighbour, std::size_t at);
  void after_erase();
  void rekey();

  Blocks blocks_;
  Place open_ = blocks_.end();
  std::vector<Item> items_;  // of the open block
  std::uint64_t size_ = 0;
  std::size_t packed_octets_ = 0;
};

}  // namespace warren::queue

#include "broker/queue/sorted_blocks_inline.h"
