// One message's octets: envelope, properties and body, as slices of one shared buffer (a socket
// read, a Raft entry, a gRPC message). Copying a Content copies no octets. Pure value: any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "broker/base/ids.h"

namespace warren::queue {

// Some octets of a large body, in a slot of their own; see large_bodies.h.
struct BodyPart {
  MessageId at;
  std::uint32_t size = 0;
  bool operator==(const BodyPart&) const = default;
};

struct Content {
  std::shared_ptr<const void> owner;  // keeps every view below alive and unchanged
  std::string_view exchange;          // as published; up to 255 octets
  std::string_view routing_key;       // up to 255 octets
  std::string_view properties;  // property flags and list as on the wire (AMQP 0-9-1 §4.2.6.1)
  std::string_view body;
  bool dead_letter = false;  // its x-death is the broker's own, and counts

  // What a queue's byte counts and limits see.
  std::size_t size() const { return properties.size() + body.size(); }
};

// A content in a buffer of its own: a delivery shares one with its neighbours, and what waits long
// must not keep all of them.
Content own_copy(const Content& content);

}  // namespace warren::queue
