// What a consumer of a stream asks for in its arguments. Pure: any thread.
// Source: RabbitMQ's documentation of streams (x-stream-offset, x-stream-filter,
// x-stream-match-unfiltered), LavinMQ's of x-stream-automatic-offset-tracking.
#pragma once

#include <cstdint>
#include <string_view>

#include "broker/amqp/types.h"
#include "broker/base/result.h"
#include "broker/queue/stream_reading.h"

namespace warren::frontend {

struct StreamAsker {
  std::string_view resource;  // "queue 's' in vhost '/'"
  bool named = false;         // the client gave its tag
  bool shared = false;        // the stream has one active consumer at a time
  std::uint64_t now_ms = 0;   // since the epoch: intervals count back from it
};

// It is tracked where consumers take turns; where its tag was given by the client and it asked for
// no offset; or as x-stream-automatic-offset-tracking says, but never under a tag that we made.
// Errors: 406 for a value that is none.
Result<queue::StreamReading> stream_reading(const amqp::FieldTable& table,
                                            const StreamAsker& asker);

}  // namespace warren::frontend
