// One queue's unsettled messages in their original order: run-length packed in blocks of 64
// ordinals, so that a backlog costs a few bytes a message and dropping one needs no I/O.
// Knows nothing of who holds what. Owned by a Machine's queue; pure: any thread, one at a time.
// docs/architecture.md §6.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/codec.h"
#include "broker/base/ids.h"
#include "broker/queue/sorted_blocks.h"

namespace warren::queue {

struct Message {
  Ordinal ordinal;
  MessageId id;
  std::uint32_t size = 0;        // octets of the body: what limits count
  std::uint32_t properties = 0;  // octets
  Stamp deadline;                // 0: none

  std::uint32_t octets() const { return size + properties; }
  auto operator<=>(const Message&) const = default;
};

// Where a message stands that is out of the order of ids.
struct Stray {
  MessageId id;
  Ordinal ordinal;
};
struct StrayTraits {
  using Item = Stray;
  using Key = MessageId;
  static Key key(const Stray& stray) { return stray.id; }
  static std::string pack(std::span<const Stray> strays);
  static bool unpack(std::string_view octets, std::span<Stray> out);
};

class MessageList {
 public:
  std::uint64_t size() const { return size_; }
  std::uint64_t octets() const { return octets_; }  // of bodies
  bool empty() const { return size_ == 0; }

  // O(1), unless its id is below one that came before it (a message that was delayed): such strays
  // are found by an index of their own. REQUIRES: ordinal above those of everything appended
  // before; id not there. False: it is (not all of such faults are found), and nothing was done.
  bool append(const Message& message);

  // O(log n), plus unpacking one block.
  std::optional<Message> find(MessageId id) const;
  std::optional<Message> find(Ordinal ordinal) const;
  std::optional<Message> first() const;

  // Takes it out wherever it stands. Nothing: not there.
  std::optional<Message> erase(MessageId id);
  void clear();

  // Appends to `out` up to `limit` messages at or after `from`, in order.
  void read(Ordinal from, std::size_t limit, std::vector<Message>& out) const;

  // Calls visit(const Message&) for each in order, from the first at or after `from`, until it
  // returns false. `visit` must not change the list.
  template <typename Visit>
  void for_each(Ordinal from, Visit&& visit) const {
    Unpacked items;
    for (std::size_t i = block_at_or_after(from); i < blocks_.size(); ++i) {
      std::size_t n = unpack(blocks_[i], items);
      for (std::size_t k = 0; k < n; ++k)
        if (items[k].ordinal >= from && !visit(items[k])) return;
    }
  }

  // What the list occupies, allocator overhead estimated.
  std::size_t memory_octets() const;

  // Depends on the messages alone, not on how they came to be here.
  void encode(ByteWriter& out) const;
  // Replaces the contents. False: malformed (the list is then empty).
  bool decode(ByteReader& in);

 private:
  static constexpr unsigned block_bits = 6;
  static constexpr std::size_t block_span = 1u << block_bits;
  using Unpacked = std::array<Message, block_span>;

  // The ordinals [number * 64, number * 64 + 64). Bit i stands for ordinal number * 64 + i.
  struct Block {
    std::uint64_t number = 0;
    std::uint64_t packed = 0;  // which ordinals `octets` describes
    std::uint64_t live = 0;    // a subset: which of them are still here
    MessageId first;           // what is below and no stray is in a block before
    std::string octets;        // empty for the open block at the tail, which is in `tail_`
  };

  std::size_t block_at_or_after(Ordinal from) const;
  std::optional<std::size_t> block_of(MessageId id) const;
  void open_block(std::uint64_t number, MessageId first);
  bool is_open(const Block& block) const { return &block == &blocks_.back() && !tail_.empty(); }
  // Only live ones; returns how many.
  std::size_t unpack(const Block& block, Unpacked& out) const;
  void seal_tail();
  void after_erase(std::size_t block_index);
  void sweep_empty_blocks();

  std::deque<Block> blocks_;   // by number
  std::vector<Message> tail_;  // everything packed so far into the last block while it is open
  bool tail_in_order_ = true;  // of ids
  MessageId newest_;           // the highest id that was appended
  SortedBlocks<StrayTraits> strays_;
  std::size_t empty_blocks_ = 0;
  std::uint64_t size_ = 0;
  std::uint64_t octets_ = 0;
  std::size_t packed_octets_ = 0;
};

}  // namespace warren::queue
