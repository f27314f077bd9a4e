// IndexRanges: a set of entry indexes as runs, for entries that may be deleted. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <vector>

#include "broker/replica/group_store.h"

namespace warren::replica {

class IndexRanges {
 public:
  void add(std::uint64_t index) { add(index, index); }
  // Overlaps and neighbours are joined. REQUIRES: first <= last.
  void add(std::uint64_t first, std::uint64_t last) {
    auto at = runs_.upper_bound(first);
    if (at != runs_.begin() && std::prev(at)->second + 1 >= first) --at;
    while (at != runs_.end() && at->first <= last + 1) {
      first = std::min(first, at->first);
      last = std::max(last, at->second);
      at = runs_.erase(at);
    }
    runs_.emplace(first, last);
  }
  void add(const IndexRanges& other) {
    for (const auto& [first, last] : other.runs_)
      add(first, last);
  }
  // Takes out everything below `end`.
  std::vector<EntryRange> take_below(std::uint64_t end) {
    std::vector<EntryRange> taken;
    while (!runs_.empty() && runs_.begin()->first < end) {
      auto [first, last] = *runs_.begin();
      runs_.erase(runs_.begin());
      taken.push_back({raft::Index(first), raft::Index(std::min(last, end - 1))});
      if (last >= end) runs_.emplace(end, last);
    }
    return taken;
  }
  bool empty() const { return runs_.empty(); }
  void clear() { runs_.clear(); }

 private:
  std::map<std::uint64_t, std::uint64_t> runs_;  // first, last
};

}  // namespace warren::replica
