// EntryCache: contents of recent entries of one group, by index. What a consumer that keeps up
// needs is here. Owned by a QueueHost. CacheRoom: the bound of octets that the caches of one
// reactor share: whatever came first goes first, whoever holds it. Both pure: one reactor.
// Architecture §6.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <utility>

#include "broker/base/ids.h"
#include "broker/replica/queue_state.h"

namespace warren::replica {

class EntryCache;

class CacheRoom {
 public:
  explicit CacheRoom(std::size_t limit) : limit_(limit) {}
  std::size_t bytes() const { return bytes_; }

 private:
  friend class EntryCache;
  inline void evict();

  const std::size_t limit_;
  std::size_t bytes_ = 0;
  std::deque<std::pair<EntryCache*, EntryIndex>> order_;  // as they came
};

class EntryCache {
 public:
  explicit EntryCache(std::shared_ptr<CacheRoom> room) : room_(std::move(room)) {}
  EntryCache(const EntryCache&) = delete;
  EntryCache& operator=(const EntryCache&) = delete;
  ~EntryCache() {
    if (entries_.empty()) return;
    for (const auto& [index, contents] : entries_)
      room_->bytes_ -= contents->bytes;
    std::erase_if(room_->order_, [this](const auto& held) { return held.first == this; });
  }

  void put(EntryIndex index, std::shared_ptr<const EntryContents> contents) {
    auto [at, fresh] = entries_.try_emplace(index, std::move(contents));
    if (!fresh) return;
    room_->order_.emplace_back(this, index);
    room_->bytes_ += at->second->bytes;
    room_->evict();
  }
  // Null: not cached.
  std::shared_ptr<const EntryContents> find(EntryIndex index) const {
    auto at = entries_.find(index);
    return at == entries_.end() ? nullptr : at->second;
  }

 private:
  friend class CacheRoom;
  const std::shared_ptr<CacheRoom> room_;
  std::map<EntryIndex, std::shared_ptr<const EntryContents>> entries_;
};

// One entry stays, however large: whoever waits for it would ask for it again at once.
void CacheRoom::evict() {
  while (bytes_ > limit_ && order_.size() > 1) {
    const auto [cache, index] = order_.front();
    order_.pop_front();
    auto at = cache->entries_.find(index);
    bytes_ -= at->second->bytes;
    cache->entries_.erase(at);
  }
}

}  // namespace warren::replica
