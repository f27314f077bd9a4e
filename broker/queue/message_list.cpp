#include "broker/queue/message_list.h"

#include <algorithm>
#include <bit>

#include "broker/base/check.h"
#include "broker/queue/message_packing.h"

namespace warren::queue {

namespace {

constexpr std::size_t allocator_overhead = 16;
constexpr std::size_t sweep_threshold = 16;

std::uint64_t bit_of(Ordinal ordinal) {
  return std::uint64_t{1} << (ordinal.value & 63);
}

}  // namespace

std::string StrayTraits::pack(std::span<const Stray> strays) {
  ByteWriter out;
  Stray last;
  for (const Stray& stray : strays) {
    out.varint(stray.id.entry.value - last.id.entry.value);
    out.varint(stray.id.slot.value);
    out.zigzag(static_cast<std::int64_t>(stray.ordinal.value - last.ordinal.value));
    last = stray;
  }
  return out.take();
}

bool StrayTraits::unpack(std::string_view octets, std::span<Stray> out) {
  ByteReader in(octets);
  Stray last;
  for (Stray& stray : out) {
    last.id.entry.value += in.varint();
    last.id.slot = Slot(static_cast<std::uint32_t>(in.varint()));
    last.ordinal.value += static_cast<std::uint64_t>(in.zigzag());
    stray = last;
  }
  return in.ok() && in.at_end();
}

bool MessageList::append(const Message& message) {
  const bool stray = message.id <= newest_;
  const bool known = !blocks_.empty() && message.id == newest_;
  if (known || (stray && !strays_.insert({message.id, message.ordinal}))) return false;
  const std::uint64_t number = message.ordinal.value >> block_bits;
  if (blocks_.empty() || blocks_.back().number != number)
    open_block(number, stray ? MessageId{newest_.entry, newest_.slot.next()} : message.id);
  CHECK(tail_.empty() || tail_.back().ordinal < message.ordinal,
        "message {}/{} appended out of order", message.id.entry, message.id.slot);
  Block& block = blocks_.back();
  if (block.live == 0 && block.packed != 0) --empty_blocks_;
  block.packed |= bit_of(message.ordinal);
  block.live |= bit_of(message.ordinal);
  tail_.push_back(message);
  tail_in_order_ &= !stray;
  newest_ = std::max(newest_, message.id);
  ++size_;
  octets_ += message.size;
  return true;
}

void MessageList::open_block(std::uint64_t number, MessageId first) {
  CHECK(blocks_.empty() || blocks_.back().number < number, "block {}", number);
  seal_tail();
  Block block;
  block.number = number;
  block.first = first;
  blocks_.push_back(std::move(block));
}

// The open block becomes octets, of what is still live in it.
void MessageList::seal_tail() {
  if (tail_.empty()) return;
  Block& block = blocks_.back();
  ByteWriter out;
  MessagePacker packer(out);
  for (const Message& message : tail_)
    if ((block.live & bit_of(message.ordinal)) != 0) packer.add(message);
  packer.finish();
  tail_.clear();
  tail_in_order_ = true;
  block.octets.assign(out.str());
  block.octets.shrink_to_fit();
  block.packed = block.live;
  packed_octets_ += block.octets.size();
}

std::size_t MessageList::unpack(const Block& block, Unpacked& out) const {
  std::size_t n = 0;
  if (is_open(block)) {
    for (const Message& message : tail_)
      if ((block.live & bit_of(message.ordinal)) != 0) out[n++] = message;
    return n;
  }
  ByteReader in(block.octets);
  MessageUnpacker unpacker(in);
  for (std::uint64_t left = block.live == 0 ? 0 : block.packed; left != 0; left &= left - 1) {
    unsigned bit = static_cast<unsigned>(std::countr_zero(left));
    CHECK(unpacker.next(out[n]), "block {}", block.number);
    out[n].ordinal = Ordinal(block.number * block_span + bit);
    if ((block.live >> bit & 1) != 0) ++n;
  }
  return n;
}

std::size_t MessageList::block_at_or_after(Ordinal from) const {
  auto it = std::lower_bound(
      blocks_.begin(), blocks_.end(), from.value >> block_bits,
      [](const Block& block, std::uint64_t number) { return block.number < number; });
  return static_cast<std::size_t>(it - blocks_.begin());
}

std::optional<std::size_t> MessageList::block_of(MessageId id) const {
  auto it = std::upper_bound(blocks_.begin(), blocks_.end(), id,
                             [](MessageId i, const Block& block) { return i < block.first; });
  if (it == blocks_.begin()) return std::nullopt;
  return static_cast<std::size_t>(it - blocks_.begin() - 1);
}

std::optional<Message> MessageList::find(MessageId id) const {
  if (!strays_.empty())
    if (auto stray = strays_.find(id)) return find(stray->ordinal);
  auto index = block_of(id);
  if (!index) return std::nullopt;
  const Block& block = blocks_[*index];
  if (is_open(block) && tail_in_order_) {
    auto it = std::lower_bound(tail_.begin(), tail_.end(), id,
                               [](const Message& m, MessageId i) { return m.id < i; });
    if (it == tail_.end() || it->id != id || (block.live & bit_of(it->ordinal)) == 0)
      return std::nullopt;
    return *it;
  }
  Unpacked items;
  std::size_t n = unpack(block, items);
  for (std::size_t i = 0; i < n; ++i)
    if (items[i].id == id) return items[i];
  return std::nullopt;
}

std::optional<Message> MessageList::find(Ordinal ordinal) const {
  std::size_t index = block_at_or_after(ordinal);
  if (index == blocks_.size()) return std::nullopt;
  const Block& block = blocks_[index];
  if (block.number != ordinal.value >> block_bits || (block.live & bit_of(ordinal)) == 0)
    return std::nullopt;
  Unpacked items;
  std::size_t n = unpack(block, items);
  for (std::size_t i = 0; i < n; ++i)
    if (items[i].ordinal == ordinal) return items[i];
  return std::nullopt;
}

std::optional<Message> MessageList::first() const {
  std::optional<Message> found;
  for_each(Ordinal(0), [&](const Message& message) {
    found = message;
    return false;
  });
  return found;
}

std::optional<Message> MessageList::erase(MessageId id) {
  auto found = find(id);
  if (!found) return std::nullopt;
  if (!strays_.empty()) strays_.erase(id);
  const std::size_t index = block_at_or_after(found->ordinal);
  blocks_[index].live &= ~bit_of(found->ordinal);
  --size_;
  octets_ -= found->size;
  after_erase(index);
  return found;
}

void MessageList::after_erase(std::size_t index) {
  if (size_ == 0) return clear();
  Block& block = blocks_[index];
  int live = std::popcount(block.live);
  if (live == 0) {
    ++empty_blocks_;
    if (!is_open(block)) {
      packed_octets_ -= block.octets.size();
      std::string().swap(block.octets);
    }
    while (blocks_.front().live == 0) {
      blocks_.pop_front();
      --empty_blocks_;
    }
    if (empty_blocks_ > sweep_threshold && empty_blocks_ > blocks_.size() / 2) sweep_empty_blocks();
  } else if (!is_open(block) && live * 4 <= std::popcount(block.packed)) {
    Unpacked items;
    std::size_t n = unpack(block, items);
    ByteWriter out;
    MessagePacker packer(out);
    for (std::size_t i = 0; i < n; ++i)
      packer.add(items[i]);
    packer.finish();
    packed_octets_ -= block.octets.size();
    std::string(out.str()).swap(block.octets);
    packed_octets_ += block.octets.size();
    block.packed = block.live;
  }
}

// Keeps the open block, even when nothing in it is live: `tail_` belongs to it.
void MessageList::sweep_empty_blocks() {
  const Block* open = tail_.empty() ? nullptr : &blocks_.back();
  bool open_is_empty = open != nullptr && open->live == 0;
  std::deque<Block> kept;
  for (Block& block : blocks_)
    if (block.live != 0 || &block == open) kept.push_back(std::move(block));
  blocks_ = std::move(kept);
  empty_blocks_ = open_is_empty ? 1 : 0;
}

void MessageList::clear() {
  blocks_.clear();
  tail_.clear();
  tail_in_order_ = true;
  newest_ = MessageId();
  strays_.clear();
  empty_blocks_ = 0;
  size_ = octets_ = 0;
  packed_octets_ = 0;
}

void MessageList::read(Ordinal from, std::size_t limit, std::vector<Message>& out) const {
  if (limit == 0) return;
  for_each(from, [&](const Message& message) {
    out.push_back(message);
    return --limit > 0;
  });
}

std::size_t MessageList::memory_octets() const {
  return blocks_.size() * (sizeof(Block) + allocator_overhead) + packed_octets_ +
         tail_.capacity() * sizeof(Message) + strays_.memory_octets();
}

// Count, then the ordinals as (gap, run) pairs, then the packed messages.
void MessageList::encode(ByteWriter& out) const {
  out.varint(size_);
  ByteWriter packed;
  MessagePacker packer(packed);
  std::uint64_t expected = 0, gap = 0, run = 0;
  for_each(Ordinal(0), [&](const Message& message) {
    packer.add(message);
    if (run > 0 && message.ordinal.value == expected) {
      ++run;
    } else {
      if (run > 0) out.varint(gap), out.varint(run);
      gap = message.ordinal.value - expected;
      run = 1;
    }
    expected = message.ordinal.value + 1;
    return true;
  });
  if (run > 0) out.varint(gap), out.varint(run);
  packer.finish();
  out.string(packed.str());
}

bool MessageList::decode(ByteReader& in) {
  clear();
  std::uint64_t left = in.varint();
  std::vector<std::pair<std::uint64_t, std::uint64_t>> runs;
  for (std::uint64_t seen = 0; in.ok() && seen < left;) {
    std::uint64_t gap = in.varint(), run = in.varint();
    if (run == 0 || run > left - seen) return false;
    runs.emplace_back(gap, run);
    seen += run;
  }
  ByteReader packed(in.string());
  if (!in.ok()) return false;
  MessageUnpacker unpacker(packed);
  Message message, last;
  std::uint64_t ordinal = 0;
  for (auto [gap, run] : runs) {
    ordinal += gap;
    for (; run > 0; --run) {
      bool fine = unpacker.next(message);
      message.ordinal = Ordinal(ordinal++);
      if (!fine || (!empty() && message.ordinal <= last.ordinal)) return clear(), false;
      if (!append(message)) return clear(), false;
      last = message;
    }
  }
  if (!packed.at_end()) return clear(), false;
  return true;
}

}  // namespace warren::queue
