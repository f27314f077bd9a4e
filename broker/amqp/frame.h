// Frames and the protocol header: found in what a socket read brought, and written for it. Knows no
// socket; parses in place. Pure: any thread, one at a time. Source: AMQP 0-9-1 §2.3.5, §4.2.2,
// §4.2.3; drawn in frame_format.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broker/amqp/frame_format.h"
#include "broker/amqp/methods.h"
#include "broker/amqp/output_buffer.h"
#include "broker/base/bytes.h"
#include "broker/base/ids.h"
#include "broker/base/result.h"

namespace warren::amqp {

struct Frame {
  FrameType type = FrameType::heartbeat;
  ChannelNumber channel;
  std::string_view payload;
};

class FrameParser {
 public:
  // REQUIRES: frame_max >= frame_max_minimum.
  explicit FrameParser(std::uint32_t frame_max) { set_frame_max(frame_max); }
  // After tune-ok.
  void set_frame_max(std::uint32_t frame_max);

  // Takes the first frame off `unread`; nullopt: more octets are needed. The payload is a view of
  // unread's octets. Errors: 501 too large, bad end, unknown type.
  // Nothing can be parsed after an error. Refuses on the first octets that are wrong.
  Result<std::optional<Frame>> next(std::string_view& unread) const;

  // The most that a frame can take: a read buffer of this size always gets one whole.
  std::size_t frame_max() const { return frame_max_; }

 private:
  std::size_t frame_max_ = frame_max_minimum;
};

// Of a heartbeat, which is empty and on channel 0. Errors: 501, 505. Whatever follows such a frame
// can be parsed.
Result<void> check_heartbeat(const Frame& frame);

// What a client sends first. 0-9-1, and 0-9 as older clients spell it, are accepted; whatever else
// is refused as soon as it differs: answer with protocol_header and close.
inline constexpr std::string_view protocol_header{"AMQP\x00\x00\x09\x01", 8};
enum class HeaderMatch : std::uint8_t { incomplete, accepted, refused };
HeaderMatch match_protocol_header(std::string_view unread);

// "type 3, all octets = <<"x">>": a frame as RabbitMQ's refusals name it.
std::string frame_text(std::uint8_t type, std::string_view payload);

// Writes frames to one connection's output, within the peer's frame_max.
class FrameWriter {
 public:
  // `out` must outlive the writer. REQUIRES: frame_max >= frame_max_minimum.
  FrameWriter(OutputBuffer& out, std::uint32_t frame_max) : out_(out) { set_frame_max(frame_max); }
  void set_frame_max(std::uint32_t frame_max);
  std::uint32_t frame_max() const {
    return static_cast<std::uint32_t>(payload_max_ + frame_overhead);
  }

  template <typename M>
  void method(ChannelNumber channel, const M& method) {
    encode(method, channel, out_);
  }
  // Content header and as many body frames as it takes; none for an empty body. Large bodies are
  // written as slices. The header is one frame whatever its size: AMQP cannot split it.
  // REQUIRES: a method with content was written to the channel just before.
  void content(ChannelNumber channel, std::string_view raw_properties, const Bytes& body);
  // The same in steps, for a body that is not all here: its parts must add up to body_size.
  void content_header(ChannelNumber channel, std::string_view raw_properties,
                      std::uint64_t body_size);
  void body(ChannelNumber channel, const Bytes& octets);
  void heartbeat();

 private:
  void head(FrameType type, ChannelNumber channel, std::size_t payload_size);
  void end();

  OutputBuffer& out_;
  std::size_t payload_max_ = frame_max_minimum - frame_overhead;
};

}  // namespace warren::amqp
