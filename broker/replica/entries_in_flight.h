// A leader's entries that are proposed and not applied, and what they bring to queues that reject
// what is too much: those count what is on its way as well. Owned by a QueueHost; pure.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <utility>

#include "broker/base/ids.h"
#include "broker/queue/handout.h"

namespace warren::replica {

class EntriesInFlight {
 public:
  std::size_t size() const { return entries_.size(); }

  // Into the entry under construction.
  void add(QueueId queue, std::uint64_t octets) {
    for (queue::Load* load : {&building_[queue], &coming_[queue]}) {
      ++load->messages;
      load->octets += octets;
    }
  }
  // What the entries bring that are not applied, the one under construction included.
  queue::Load coming(QueueId queue) const {
    auto it = coming_.find(queue);
    return it == coming_.end() ? queue::Load() : it->second;
  }

  // The entry under construction is done; it may have to wait for room in the log while the next
  // one is begun.
  void built() { built_ = std::exchange(building_, {}); }
  // REQUIRES: built() came before.
  void proposed(EntryIndex index) { entries_.push_back({index, std::exchange(built_, {})}); }
  void applied(EntryIndex through) {
    for (; !entries_.empty() && entries_.front().index <= through; entries_.pop_front())
      for (const auto& [queue, load] : entries_.front().brings) {
        auto coming = coming_.find(queue);
        coming->second.messages -= load.messages;
        coming->second.octets -= load.octets;
        if (coming->second.messages == 0) coming_.erase(coming);
      }
  }

 private:
  using Loads = std::map<QueueId, queue::Load>;
  struct Entry {
    EntryIndex index;
    Loads brings;
  };

  std::deque<Entry> entries_;
  Loads building_, built_, coming_;
};

}  // namespace warren::replica
