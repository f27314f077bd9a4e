// EntryCache: contents of recent entries, by index, within a bound of bytes; the oldest go first.
// Owned by a QueueHost; pure. What a consumer that keeps up needs is here.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "broker/base/ids.h"
#include "broker/replica/queue_state.h"

namespace warren::replica {

class EntryCache {
 public:
  explicit EntryCache(std::size_t limit) : limit_(limit) {}

  void put(EntryIndex index, std::shared_ptr<const EntryContents> contents) {
    auto [at, fresh] = entries_.try_emplace(index, std::move(contents));
    if (!fresh) return;
    bytes_ += at->second->bytes;
    while (bytes_ > limit_ && entries_.size() > 1)
      drop(entries_.begin());
  }
  // Null: not cached.
  std::shared_ptr<const EntryContents> find(EntryIndex index) const {
    auto at = entries_.find(index);
    return at == entries_.end() ? nullptr : at->second;
  }
  void erase(EntryIndex index) {
    if (auto at = entries_.find(index); at != entries_.end()) drop(at);
  }
  std::size_t bytes() const { return bytes_; }

 private:
  using Map = std::map<EntryIndex, std::shared_ptr<const EntryContents>>;
  void drop(Map::iterator at) {
    bytes_ -= at->second->bytes;
    entries_.erase(at);
  }

  const std::size_t limit_;
  std::size_t bytes_ = 0;
  Map entries_;
};

}  // namespace warren::replica
