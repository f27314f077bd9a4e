// TargetSet: where the bindings of one pattern lead, each place once with the number of bindings
// that lead there. A persistent value: copies share.
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/ids.h"
#include "broker/routing/persistent_map.h"

namespace warren::routing {

// A queue, or an exchange of the same vhost by its name. Exactly one of the two is set.
struct Target {
  QueueId queue;
  std::string_view exchange;
  bool operator==(const Target&) const = default;
};

// What one exchange's match adds: queues may repeat; views live as long as the table.
struct Matched {
  std::vector<QueueId>& queues;
  boost::container::small_vector<std::string_view, 8> exchanges;
};

struct TargetRow {
  QueueId queue;
  std::string exchange;
  std::uint32_t bindings = 1;
};

struct TargetTraits {
  using Key = Target;
  static Key key(const TargetRow& row) { return {row.queue, row.exchange}; }
  static std::uint64_t hash(const Key& key) { return hash_octets(key.exchange, key.queue.value); }
};

class TargetSet {
 public:
  bool empty() const { return rows_.empty(); }
  void add(const Target& target) {
    const TargetRow* row = rows_.find(target);
    rows_.put(TargetRow{target.queue, std::string(target.exchange),
                        row == nullptr ? 1 : row->bindings + 1});
  }
  void remove(const Target& target) {
    const TargetRow* row = rows_.find(target);
    if (row == nullptr) return;
    if (row->bindings == 1)
      rows_.erase(target);
    else
      rows_.put(TargetRow{target.queue, std::string(target.exchange), row->bindings - 1});
  }
  void append_to(Matched& matched) const {
    rows_.for_each([&](const TargetRow& row) {
      if (row.exchange.empty())
        matched.queues.push_back(row.queue);
      else
        matched.exchanges.push_back(row.exchange);
    });
  }

 private:
  PersistentMap<TargetRow, TargetTraits> rows_;
};

}  // namespace warren::routing
