// Streams whose tracked consumers have gone on, and when that is to be committed. Plain data behind
// dispatcher.h.
#pragma once

#include <optional>
#include <set>

#include "broker/base/clock.h"
#include "broker/base/ids.h"

namespace warren::queue {

struct UnsavedReads {
  std::set<QueueId> queues;
  std::optional<BootTime> save_at;
};

}  // namespace warren::queue
