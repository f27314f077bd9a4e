// The replicated state of one queue. Changed only by Machine; read by the dispatcher and tests.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "broker/base/codec.h"
#include "broker/base/ids.h"
#include "broker/queue/message_list.h"
#include "broker/queue/settings.h"

namespace warren::queue {

// Priorities above 0 are not served yet; their marks have a place in the format.
constexpr std::size_t priorities = 1;

// The dispatch mark of one priority: counts of messages in the order in which they became ready.
struct Mark {
  Ordinal committed;          // messages below may have been handed out
  Ordinal redelivered_below;  // those that a leader before this term may have handed out
  bool operator==(const Mark&) const = default;
};

// That a session may have been handed something of the queue.
struct Touch {
  SessionId session;
  // It was away for too long: what it was handed by checkouts up to here may be somebody else's by
  // now. None: it was not.
  CheckoutId lapsed;
  auto operator<=>(const Touch&) const = default;
};

struct QueueRecord {
  QueueId id;
  Settings settings;
  bool sealed = false;    // takes no more messages, has no consumers; its catalog entry is going
  bool consumed = false;  // auto_delete: has had a consumer, and goes with its last one
  Ordinal next;           // of the next message that it takes
  std::array<Mark, priorities> marks;
  std::vector<Touch> touched;               // sorted by session
  std::map<Ordinal, std::uint32_t> failed;  // failed deliveries, where above 0
  MessageList messages;

  void encode(ByteWriter& out) const;
  // False: malformed.
  bool decode(ByteReader& in);
};

}  // namespace warren::queue
