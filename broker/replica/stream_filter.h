// Does a consumer of a stream want to see a message? By its header `x-stream-filter-value`,
// exactly, unlike RabbitMQ's, which leaves it to the client to look again. Pure: any thread.
#pragma once

#include "broker/queue/content.h"
#include "broker/queue/stream_reading.h"

namespace warren::replica {

bool matches(const queue::StreamReading& reading, const queue::Content& content);

}  // namespace warren::replica
