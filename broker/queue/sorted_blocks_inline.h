// The bodies of sorted_blocks.h, which includes this.
#pragma once

#include <algorithm>

#include "broker/base/check.h"
#include "broker/queue/sorted_blocks.h"

namespace warren::queue {

template <typename Traits>
bool SortedBlocks<Traits>::insert(const Item& item) {
  const Key key = Traits::key(item);
  if (blocks_.empty()) return begin_block(item), true;
  auto at = blocks_.upper_bound(key);
  open(at == blocks_.begin() ? at : std::prev(at));
  auto place = std::ranges::lower_bound(items_, key, {}, &Traits::key);
  if (place != items_.end() && Traits::key(*place) == key) return false;
  if (items_.size() == block_items) {
    // What comes in order fills its blocks, among others as well.
    if (place == items_.end()) return begin_block(item), true;
    const auto after = static_cast<std::size_t>(place - items_.begin());
    split(after >= block_items * 3 / 4 ? after : block_items / 2);
    return insert(item);
  }
  items_.insert(place, item);
  ++size_;
  rekey();
  return true;
}

template <typename Traits>
auto SortedBlocks<Traits>::find(const Key& key) const -> std::optional<Item> {
  auto at = blocks_.upper_bound(key);
  if (at == blocks_.begin()) return std::nullopt;
  Buffer buffer;
  const std::span<const Item> items = view(std::prev(at), buffer);
  auto place = std::ranges::lower_bound(items, key, {}, &Traits::key);
  if (place == items.end() || Traits::key(*place) != key) return std::nullopt;
  return *place;
}

template <typename Traits>
auto SortedBlocks<Traits>::erase(const Key& key) -> std::optional<Item> {
  auto at = blocks_.upper_bound(key);
  if (at == blocks_.begin()) return std::nullopt;
  open(std::prev(at));
  auto place = std::ranges::lower_bound(items_, key, {}, &Traits::key);
  if (place == items_.end() || Traits::key(*place) != key) return std::nullopt;
  const Item item = *place;
  items_.erase(place);
  --size_;
  after_erase();
  return item;
}

template <typename Traits>
template <typename Take>
void SortedBlocks<Traits>::take_while(Take&& take) {
  for (bool more = true; more && !blocks_.empty();) {
    open(blocks_.begin());
    std::size_t taken = 0;
    while (more && taken < items_.size())
      if ((more = take(std::as_const(items_[taken])))) ++taken;
    if (taken == 0) return;
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(taken));
    size_ -= taken;
    after_erase();
  }
}

template <typename Traits>
template <typename Visit>
void SortedBlocks<Traits>::for_each(Visit&& visit) const {
  Buffer buffer;
  for (auto at = blocks_.begin(); at != blocks_.end(); ++at)
    for (const Item& item : view(at, buffer))
      if (!visit(item)) return;
}

template <typename Traits>
void SortedBlocks<Traits>::encode(ByteWriter& out) const {
  out.varint(blocks_.size());
  for (auto at = blocks_.begin(); at != blocks_.end(); ++at) {
    const bool is_open = at == open_;
    out.u8(is_open ? static_cast<std::uint8_t>(items_.size()) : at->second.count);
    out.string(is_open ? Traits::pack(items_) : at->second.octets);
  }
}

template <typename Traits>
bool SortedBlocks<Traits>::decode(ByteReader& in) {
  Buffer buffer;
  std::optional<Key> last;
  const std::uint64_t blocks = in.varint();
  for (std::uint64_t i = 0; i < blocks && in.ok(); ++i) {
    const std::uint8_t count = in.u8();
    const std::string_view octets = in.string();
    if (!in.ok() || count == 0 || count > block_items) return false;
    const std::span<Item> items(buffer.data(), count);
    if (!Traits::unpack(octets, items)) return false;
    for (const Item& item : items) {
      if (last && Traits::key(item) <= *last) return false;
      last = Traits::key(item);
    }
    blocks_.emplace_hint(blocks_.end(), Traits::key(items[0]), Block{count, std::string(octets)});
    size_ += count;
    packed_octets_ += octets.size();
  }
  return in.ok();
}

template <typename Traits>
auto SortedBlocks<Traits>::view(typename Blocks::const_iterator at, Buffer& buffer) const
    -> std::span<const Item> {
  if (at == open_) return items_;
  const std::span<Item> items(buffer.data(), at->second.count);
  CHECK(Traits::unpack(at->second.octets, items), "a block of {} items", at->second.count);
  return items;
}

template <typename Traits>
void SortedBlocks<Traits>::close() {
  if (open_ == blocks_.end()) return;
  Block& block = open_->second;
  block.octets = Traits::pack(items_);
  block.octets.shrink_to_fit();
  block.count = static_cast<std::uint8_t>(items_.size());
  packed_octets_ += block.octets.size();
  items_.clear();
  open_ = blocks_.end();
}

template <typename Traits>
void SortedBlocks<Traits>::open(Place at) {
  if (at == open_) return;
  close();
  Block& block = at->second;
  items_.resize(block.count);
  CHECK(Traits::unpack(block.octets, items_), "a block of {} items", block.count);
  packed_octets_ -= block.octets.size();
  std::string().swap(block.octets);
  open_ = at;
}

template <typename Traits>
void SortedBlocks<Traits>::begin_block(const Item& item) {
  close();
  open_ = blocks_.emplace(Traits::key(item), Block()).first;
  items_.assign(1, item);
  ++size_;
}

// What is from there on in the open block becomes one of its own.
template <typename Traits>
void SortedBlocks<Traits>::split(std::size_t at) {
  const std::span<const Item> upper = std::span<const Item>(items_).subspan(at);
  Block block{static_cast<std::uint8_t>(upper.size()), Traits::pack(upper)};
  block.octets.shrink_to_fit();
  packed_octets_ += block.octets.size();
  blocks_.emplace(Traits::key(upper.front()), std::move(block));
  items_.resize(at);
}

template <typename Traits>
void SortedBlocks<Traits>::after_erase() {
  if (items_.empty()) {
    blocks_.erase(open_);
    open_ = blocks_.end();
    return;
  }
  rekey();
  if (auto next = std::next(open_); next != blocks_.end()) absorb(next, items_.size());
  if (open_ != blocks_.begin()) absorb(std::prev(open_), 0);
}

// A neighbour, if both are small: its items stand at `at`.
template <typename Traits>
void SortedBlocks<Traits>::absorb(Place neighbour, std::size_t at) {
  if (items_.size() + neighbour->second.count > block_items / 2) return;
  Buffer buffer;
  const std::span<const Item> more = view(neighbour, buffer);
  items_.insert(items_.begin() + static_cast<std::ptrdiff_t>(at), more.begin(), more.end());
  packed_octets_ -= neighbour->second.octets.size();
  blocks_.erase(neighbour);
  rekey();
}

// A block is found by its first item.
template <typename Traits>
void SortedBlocks<Traits>::rekey() {
  if (open_->first == Traits::key(items_.front())) return;
  auto node = blocks_.extract(open_);
  node.key() = Traits::key(items_.front());
  open_ = blocks_.insert(std::move(node)).position;
}

}  // namespace warren::queue
