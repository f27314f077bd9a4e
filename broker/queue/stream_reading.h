// What a consumer of a stream (x-queue-type=stream) asks for: where it begins, and what it wants to
// see. A message's offset is its ordinal in the queue. Pure value: any thread.
// Source: RabbitMQ's documentation of streams (x-stream-offset, x-stream-filter).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/base/ids.h"

namespace warren::queue {

enum class StreamPoint : std::uint8_t {
  first = 0,   // the oldest message that is kept
  last = 1,    // the newest
  next = 2,    // the first that comes from now on
  offset = 3,  // the first at or after that offset
  time = 4,    // one of about that time, and none after it is passed over
};

struct StreamReading {
  StreamPoint from = StreamPoint::next;
  std::uint64_t at = 0;  // an offset, or milliseconds since the epoch
  // The queue remembers by the consumer's tag how far it has acknowledged: it goes on from there,
  // wherever it would begin otherwise.
  bool tracked = false;
  // Only messages with one of these values of `x-stream-filter-value`; none: all messages.
  std::vector<std::string> filters;
  bool match_unfiltered = false;  // and those without any

  bool operator==(const StreamReading&) const = default;
};

}  // namespace warren::queue
