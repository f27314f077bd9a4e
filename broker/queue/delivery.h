// What a front end and a queue's leader say to each other beside the log: consumers, deliveries,
// gets and attach claims. Volatile: a new leader learns it again by attach (architecture §8).
// Pure values: any thread, moved between them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/error.h"
#include "broker/base/ids.h"
#include "broker/queue/client_command.h"
#include "broker/queue/content.h"
#include "broker/queue/stream_reading.h"

namespace warren::queue {

// A consumer as its node registers it; `number` is given once by the front end and names the
// consumer to every leader, in order of registration.
struct Consumer {
  ConsumerNumber number;
  QueueId queue;
  std::string tag;             // for listings only
  std::uint64_t channel = 0;   // Origin::channel of its channel
  std::uint32_t prefetch = 0;  // 0: unlimited (bounded by the dispatcher's own byte window)
  bool no_ack = false;         // the front end settles what it has handed to the socket
  bool exclusive = false;
  std::int32_t priority = 0;             // x-priority
  std::optional<StreamReading> reading;  // of a stream, and of nothing else
};

struct ConsumeReply {
  ConsumerNumber number;
  std::optional<Error> error;   // 404 queue gone, 403 exclusive use
  std::optional<Ordinal> next;  // of a stream: where it begins
};

struct Delivery {
  ConsumerNumber consumer;  // none: the answer to a get
  QueueId queue;
  Held held;
  Term entry_term;  // of the entry that holds the message: (index, term, slot)
  bool redelivered = false;
  std::uint32_t delivery_count = 0;  // failed deliveries so far
  std::optional<Ordinal> offset;     // in a stream: nothing is held then, `held` has no checkout
  std::uint64_t number = 0;          // in a stream: of the consumer's deliveries, from 1
  std::vector<BodyPart> parts;       // the body begins with these, to be fetched; as a rule none
  Content content;
};

struct GetRequest {
  Origin origin;
  QueueId queue;
  bool no_ack = false;
};

struct GetReply {
  Origin origin;
  std::optional<Delivery> delivery;  // nothing: empty (or gone, with an error)
  std::uint64_t ready_left = 0;      // after this one
  std::optional<Error> error;
};

// Some of a stream's messages, read by nobody's consumer: nothing is held.
struct BrowsedPage {
  std::vector<Delivery> messages;  // oldest first; those that went meanwhile are passed over
  Ordinal next;                    // where the page behind this one begins
  Ordinal end;                     // where the stream ended
};

// The leader ended a consumer: its queue is gone, or it may no longer read it.
struct ConsumerCancelled {
  ConsumerNumber number;
};

// Where a consumer of a stream stands when its session attaches.
struct StreamClaim {
  Ordinal next;                      // what it has not been delivered begins here
  std::uint64_t unacknowledged = 0;  // messages delivered
  std::uint64_t acknowledged = 0;    // messages, ever
  Ordinal read_through;              // everything below is acknowledged
  bool begun = false;                // something was delivered to it
};

// What one consumer says it holds when its session attaches.
struct Claim {
  Consumer consumer;  // number none: held by gets or by cancelled consumers
  QueueId queue;
  bool cancelled = false;  // basic.cancel was seen; only its holdings live on
  std::vector<Held> held;
  std::optional<StreamClaim> reading;
};

struct ClaimReply {
  // Old holdings with the checkout that replaces each under the new leader, in no order.
  struct Renewed {
    MessageId message;
    CheckoutId before;
    CheckoutId now;
  };
  std::vector<Renewed> renewed;
  std::vector<Held> refused;  // settled, or somebody else's by now; settling them does nothing
  std::vector<ConsumerNumber> cancelled;  // their queue is gone
};

struct QueueCounts {
  QueueId queue;
  std::uint64_t ready = 0;
  std::uint64_t unacknowledged = 0;
  std::uint64_t consumers = 0;
  std::uint64_t ready_bytes = 0;
  std::uint64_t delayed = 0;  // not ready yet
};

}  // namespace warren::queue
