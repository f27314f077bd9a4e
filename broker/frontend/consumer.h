// Consumer: what a channel knows of one of its consumers; ReplyConsumer: of the one of replies.
// Owned by the channel; pure value.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "broker/amqp/types.h"
#include "broker/base/ids.h"

namespace warren::frontend {

struct Consumer {
  std::string tag;
  ConsumerNumber number;
  QueueId queue;
  GroupId group;
  std::uint32_t prefetch = 0;  // its own
  bool no_ack = false, exclusive = false, cancelling = false;
  std::int32_t priority = 0;
  amqp::FieldTable arguments;
  bool gone = false;    // its queue is; told once the channel's own queue.delete is answered
  bool stream = false;  // its own prefetch alone counts

  // What it holds counts within the channel's limit.
  bool counts() const { return !no_ack && !stream; }
  // What its queue may hand it: the channel's limit bounds each consumer too, or one of them would
  // hoard what it cannot deliver.
  std::uint32_t prefetch_within(std::uint32_t shared) const {
    if (stream) return prefetch;
    return prefetch == 0 || shared == 0 ? prefetch + shared : std::min(prefetch, shared);
  }
};

// Of direct replies; a channel has one at most. No queue and no group know it.
struct ReplyConsumer {
  std::string tag;
  std::string queue;  // its address, as the reply-to of requests
  std::uint64_t secret = 0;
};

}  // namespace warren::frontend
