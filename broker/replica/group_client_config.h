// The bounds of a GroupClient, each from the configuration. Plain values; PublishRoom: one reactor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "broker/base/clock.h"
#include "broker/session/client_stream.h"

namespace warren::replica {

// What the clients of one reactor may hold together of commands without an outcome. Pure.
struct PublishRoom {
  explicit PublishRoom(std::uint64_t most) : limit(most) {}
  const std::uint64_t limit;
  std::uint64_t bytes = 0;
};

struct GroupClientConfig {
  Milliseconds publish_timeout{15000};
  Milliseconds request_timeout{15000};
  // writable() is false above the first; and, so that nobody waits long behind a slow disk, above
  // the second while the oldest batch waits longer than `patience`.
  std::uint64_t undecided_bytes = 8u << 20;
  std::uint64_t undecided_floor = 256u << 10;
  Milliseconds patience{250};
  std::shared_ptr<PublishRoom> publish_room;  // null: bounded by the group alone
  std::size_t batch_bytes = 1u << 20;         // a batch is closed above
  session::ClientLimits stream;
};

}  // namespace warren::replica
