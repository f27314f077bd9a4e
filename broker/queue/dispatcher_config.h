// The dispatcher's bounds, each from the configuration. Pure value.
#pragma once

#include <cstddef>
#include <cstdint>

#include "broker/base/clock.h"

namespace warren::queue {

struct DispatcherConfig {
  Milliseconds attach_grace{2000};  // architecture §8
  // How far a dispatch mark runs ahead: what a failover may flag as redelivered without need.
  std::uint64_t mark_stride = 1024;
  // In flight to one no_ack consumer: what one socket buffers, not what one queue holds.
  std::uint32_t no_ack_messages = 2000;
  // Handed out to one consumer and not yet taken by its socket, whatever its prefetch: what it
  // holds after that is its own affair. Less once all consumers of a session hold the next
  // together, and one message at a time at twice that, so that many who do not read do not fill
  // their node.
  std::uint64_t window_octets = 4u << 20;
  std::uint64_t message_octets = 256;  // what each counts for besides its content
  std::uint64_t tight_window_octets = 512u << 10;
  std::uint64_t session_octets = 4u << 20;
  std::size_t burst = 64;                // handouts from one queue before the next has its turn
  Milliseconds untouch_after{60000};     // how long a session must hold nothing of a queue
  Milliseconds save_reading_after{200};  // how far tracked consumers of streams have read
  bool local = false;  // a local group: its leader never changes, so no marks and no touch bits
};

}  // namespace warren::queue
