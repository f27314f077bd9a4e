// The octets around every frame's payload. Pure. Source: AMQP 0-9-1 §4.2.3.
//
//   octet    short    long             size octets    octet
//   | type | channel | payload size |    payload    | 0xCE |
#pragma once

#include <cstdint>

#include "broker/amqp/wire.h"
#include "broker/base/ids.h"

namespace warren::amqp {

inline constexpr std::size_t frame_head_size = 7;
inline constexpr std::size_t frame_overhead = 8;  // head and end octet
inline constexpr char frame_end = '\xCE';
inline constexpr std::uint32_t frame_max_minimum = 4096;  // AMQP 0-9-1 §1.4.2.6, frame-min-size

enum class FrameType : std::uint8_t { method = 1, header = 2, body = 3, heartbeat = 8 };

// Fills the frame_head_size octets at `to`.
inline void store_frame_head(char* to, FrameType type, ChannelNumber channel,
                             std::size_t payload_size) {
  CHECK(payload_size <= UINT32_MAX, "payload of {} octets", payload_size);
  to[0] = static_cast<char>(type);
  store_big_endian<2>(to + 1, channel.value);
  store_big_endian<4>(to + 3, payload_size);
}

}  // namespace warren::amqp
