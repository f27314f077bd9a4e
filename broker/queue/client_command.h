// What a node's front end asks of a group, in order, through its session: each becomes part of a
// numbered batch and has exactly one outcome. Pure values: any thread, moved between them.
// The leader resolves what names a checkout before it proposes the batch (docs/architecture.md §7).
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "broker/base/ids.h"
#include "broker/queue/content.h"
#include "broker/queue/duplicate_window.h"

namespace warren::queue {

// Whom an outcome is for: opaque to everything below the front end, never written to the log.
struct Origin {
  std::uint64_t channel = 0;  // key given by the front end, never reused by this node's incarnation
  std::uint64_t tag = 0;      // the channel's own: publish sequence number, request number, …
};

// A body that goes ahead of its message, part by part, as its session names it: by the channel's
// Origin::channel and a number, for the messages of a transaction wait together. None: the body is
// with its message.
using UploadId = Strong<struct UploadIdTag, std::uint64_t>;
constexpr unsigned upload_number_bits = 24;
// REQUIRES: channel < 2^40. A number may be used again once its message is published or dropped.
constexpr UploadId upload_of(std::uint64_t channel, std::uint32_t number) {
  return UploadId(channel << upload_number_bits | (number & ((1u << upload_number_bits) - 1)));
}
constexpr std::uint64_t channel_of(UploadId upload) {
  return upload.value >> upload_number_bits;
}

// The next octets of an upload. Kept for its session until a Publish or a DropUpload names it.
struct Part {
  Origin origin;
  UploadId upload;
  Content octets;  // a body and nothing else
};

// Forgets an upload, as when its channel closes. Nothing to forget is fine.
struct DropUpload {
  Origin origin;
  UploadId upload;
};

// One message into one or more queues of this group.
struct Publish {
  Origin origin;
  Content content;
  UploadId upload;                  // its body begins with these parts, and content.body ends it
  std::uint64_t upload_octets = 0;  // of the parts together: with any other number it is refused
  boost::container::small_vector<QueueId, 4> queues;
  bool persistent = false;               // delivery_mode 2
  std::optional<std::uint8_t> priority;  // none: what the queue says
  std::optional<std::uint64_t> ttl_ms;   // `expiration`, already validated
  std::uint64_t delay_ms = 0;            // `x-delay`: ready so much later than it is committed
  DuplicateKey duplicate;                // of `x-deduplication-header`, or none
};

// A handed-out message, by what it is and by which handing-out is meant.
struct Held {
  MessageId message;
  CheckoutId checkout;
  auto operator<=>(const Held&) const = default;
};

enum class SettleKind : std::uint8_t {
  ack = 0,             // basic.ack, and the front end's own settle of an automatic ack
  reject = 1,          // basic.reject or basic.nack without requeue: dead-letter or drop
  requeue_nack = 2,    // basic.nack or basic.recover with requeue: acquired, not failed
  requeue_reject = 3,  // basic.reject with requeue: counts as a failed delivery
  requeue_lost = 4,    // channel or connection closed while holding: counts as a failed delivery
};

// Ends holdings of one queue. A message that the leader knows to be held by somebody else is left.
struct Settle {
  Origin origin;
  QueueId queue;
  SettleKind kind = SettleKind::ack;
  std::vector<Held> messages;  // any order
};

// Removes every message that is ready when the leader proposes it. Outcome value: how many.
struct Purge {
  Origin origin;
  QueueId queue;
};

// Seals the queue: it takes no more messages and its consumers are cancelled; the caller deletes it
// from the catalog afterwards. Outcome: ok with the number of ready messages, or 406 for a
// condition that does not hold.
struct Seal {
  Origin origin;
  QueueId queue;
  bool if_unused = false;
  bool if_empty = false;
};

using ClientCommand = std::variant<Publish, Settle, Purge, Seal, Part, DropUpload>;

// How one command ended. Equal neighbours are stored run-length.
enum class OutcomeCode : std::uint16_t {
  ok = 0,
  rejected = 1,       // publish refused (max-length, or parts of it were lost): basic.nack
  queue_gone = 2,     // publish: counts as ok for a confirm; purge and seal: 404
  in_use = 3,         // seal with if_unused
  not_empty = 4,      // seal with if_empty
  timed_out = 5,      // not committed within the publish timeout: basic.nack
  session_ended = 6,  // this node was declared dead with the command undecided: basic.nack
};

struct Outcome {
  OutcomeCode code = OutcomeCode::ok;
  std::uint64_t value = 0;  // purge, seal: messages
  bool operator==(const Outcome&) const = default;
};

struct CommandOutcome {
  Origin origin;
  Outcome outcome;
};

}  // namespace warren::queue
