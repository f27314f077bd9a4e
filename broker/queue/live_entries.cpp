#include "broker/queue/live_entries.h"

#include "broker/base/check.h"

namespace warren::queue {

void LiveEntries::add(EntryIndex entry, std::uint64_t references) {
  if (references == 0) return;
  auto& page = pages_[entry.value / page_span];
  if (!page) page = std::make_unique<Page>();
  std::uint8_t& count = page->counts[entry.value % page_span];
  if (count == 0) {
    ++page->used;
    ++size_;
  }
  std::uint64_t total = references + (count == overflowed ? large_[entry] : count);
  if (total >= overflowed) {
    count = overflowed;
    large_[entry] = total;
  } else {
    count = static_cast<std::uint8_t>(total);
  }
}

bool LiveEntries::release(EntryIndex entry) {
  auto it = pages_.find(entry.value / page_span);
  CHECK(it != pages_.end(), "entry {} is not live", entry);
  Page& page = *it->second;
  std::uint8_t& count = page.counts[entry.value % page_span];
  CHECK(count != 0, "entry {} is not live", entry);
  if (count == overflowed) {
    auto large = large_.find(entry);
    if (--large->second < overflowed) {
      count = static_cast<std::uint8_t>(large->second);
      large_.erase(large);
    }
    return false;
  }
  if (--count != 0) return false;
  --size_;
  if (--page.used == 0) pages_.erase(it);
  return true;
}

std::uint64_t LiveEntries::references(EntryIndex entry) const {
  auto it = pages_.find(entry.value / page_span);
  if (it == pages_.end()) return 0;
  std::uint8_t count = it->second->counts[entry.value % page_span];
  return count == overflowed ? large_.at(entry) : count;
}

std::size_t LiveEntries::memory_octets() const {
  constexpr std::size_t node = 64;  // a map's node and the page's allocation, estimated
  return pages_.size() * (sizeof(Page) + node) + large_.size() * node;
}

}  // namespace warren::queue
