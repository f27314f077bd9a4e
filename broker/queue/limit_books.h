// The dispatcher's books of limits: what is to be looked at, and when. Plain data behind
// dispatcher.h.
#pragma once

#include <cstddef>
#include <set>
#include <vector>

#include "broker/base/ids.h"
#include "broker/queue/deadlines.h"

namespace warren::queue {

struct LimitBooks {
  std::vector<QueueId> inspected;  // each once: their limits are to be looked at
  Deadlines heads;                 // of the first ready messages
  Deadlines unused;                // x-expires
  Deadlines retries;               // of the first withheld messages
  std::size_t expels_left = 0;     // in this poll
  std::size_t expelling = 0;       // chosen to go, and not gone yet
  std::set<QueueId> crowded;       // have more to expel than may be under way

  void clear() { *this = LimitBooks(); }
};

}  // namespace warren::queue
