// A published message on its way through a channel: what was read of it, as views, and its one
// shared buffer once it is to be kept. Pure: the channel's reactor.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/amqp/content.h"
#include "broker/amqp/properties.h"
#include "broker/base/bytes.h"
#include "broker/base/clock.h"
#include "broker/base/result.h"
#include "broker/queue/content.h"
#include "broker/queue/duplicate_window.h"

namespace warren::frontend {

// Envelope, properties and a small body in one buffer; a large body stays where it is.
queue::Content make_content(const amqp::PublishedMessage& message, std::string_view properties);

// The same with the whole of a body that came in pieces. `message` has the end of it, and `end` its
// properties as they are to be delivered.
queue::Content whole_content(const amqp::PublishedMessage& message, const queue::Content& end,
                             const std::vector<Bytes>& pieces);

// A frame that waits while its channel waits for the cluster.
struct WaitingFrame {
  amqp::FrameType type;
  std::string payload;
};

// A publish that waits until it may be routed.
struct HeldPublish {
  queue::Content content;
  bool mandatory = false;
  std::uint64_t confirm_tag = 0;  // 0: unconfirmed
  BootTime deadline{0};
  std::vector<Bytes> pieces;  // of a large body, before the content's own octets

  std::size_t octets() const {
    std::size_t sum = content.size();
    for (const Bytes& piece : pieces)
      sum += piece.size();
    return sum;
  }
};
// The message as it was read, but for its pieces. The views live as long as `held`.
amqp::PublishedMessage message_of(const HeldPublish& held);

// `expiration` in milliseconds; nothing when absent. Error: 406.
Result<std::optional<std::uint64_t>> ttl_of(const amqp::PropertyScan& properties);

// `x-delay`: by how many milliseconds the message is ready later; 0 for what is no positive number.
std::uint64_t delay_of(const amqp::PropertyScan& properties);

// Of the header `x-deduplication-header`, or `x-message-deduplication`; none without.
queue::DuplicateKey duplicate_key_of(const amqp::PropertyScan& properties);

}  // namespace warren::frontend
