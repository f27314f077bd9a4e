// For each log entry of a group: how many (queue, message) references its bodies still have. An
// octet an entry, so that millions of single-message entries stay cheap. Not written to snapshots:
// rebuilt from the message lists. Owned by a Machine; pure. docs/architecture.md §6.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

#include "broker/base/ids.h"

namespace warren::queue {

class LiveEntries {
 public:
  void add(EntryIndex entry, std::uint64_t references = 1);
  // True: that was the last reference. REQUIRES: one exists.
  bool release(EntryIndex entry);
  std::uint64_t references(EntryIndex entry) const;
  std::uint64_t size() const { return size_; }

  // visit(EntryIndex) for each entry with references, in order, up to and including `through`.
  template <typename Visit>
  void for_each(EntryIndex through, Visit&& visit) const {
    for (const auto& [number, page] : pages_) {
      for (std::uint64_t i = 0; i < page_span; ++i) {
        EntryIndex entry(number * page_span + i);
        if (entry > through) return;
        if (page->counts[i] != 0) visit(entry);
      }
    }
  }

  std::size_t memory_octets() const;

 private:
  static constexpr std::uint64_t page_span = 256;
  static constexpr std::uint8_t overflowed = 255;  // the count is in `large_`
  struct Page {
    std::array<std::uint8_t, page_span> counts{};
    std::uint32_t used = 0;  // entries with a count
  };

  std::map<std::uint64_t, std::unique_ptr<Page>> pages_;
  std::map<EntryIndex, std::uint64_t> large_;
  std::uint64_t size_ = 0;
};

}  // namespace warren::queue
