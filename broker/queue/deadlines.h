// When something is due for which queue: each queue has at most one deadline. Pure.
#pragma once

#include <optional>
#include <set>
#include <utility>

#include "broker/base/clock.h"
#include "broker/base/ids.h"

namespace warren::queue {

class Deadlines {
 public:
  // `known` is the queue's deadline as it was set last, kept with the queue; nothing: none.
  void set(QueueId queue, std::optional<BootTime>& known, std::optional<BootTime> when) {
    if (known == when) return;
    if (known) all_.erase({*known, queue});
    if (when) all_.emplace(*when, queue);
    known = when;
  }
  std::optional<BootTime> next() const {
    return all_.empty() ? std::nullopt : std::optional(all_.begin()->first);
  }
  // A queue whose deadline has passed; it keeps it until it is set anew.
  std::optional<QueueId> due(BootTime now) const {
    if (all_.empty() || all_.begin()->first > now) return std::nullopt;
    return all_.begin()->second;
  }
  void clear() { all_.clear(); }

 private:
  std::set<std::pair<BootTime, QueueId>> all_;
};

}  // namespace warren::queue
