#include "broker/amqp/frame.h"

#include <fmt/format.h>

#include <algorithm>

#include "broker/amqp/wire.h"

namespace warren::amqp {

namespace {

bool known(std::uint8_t type) {
  switch (static_cast<FrameType>(type)) {
    case FrameType::method:
    case FrameType::header:
    case FrameType::body:
    case FrameType::heartbeat:
      return true;
  }
  return false;
}

std::unexpected<Error> frame_error(std::string text) {
  return fail(ReplyCode::frame_error, std::move(text));
}

// What has come of a frame's payload.
std::string_view payload_of(std::string_view unread) {
  if (unread.size() < frame_head_size) return {};
  WireReader reader(unread.substr(3));
  return unread.substr(frame_head_size, reader.u32());
}

bool is_printable(std::string_view octets) {
  return std::ranges::all_of(octets, [](char c) { return c >= ' ' && c <= '~'; });
}

// As Erlang prints a binary.
std::string binary_text(std::string_view octets) {
  std::string out = "<<";
  if (!octets.empty() && is_printable(octets)) {
    out += '"';
    for (char c : octets) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    return out + "\">>";
  }
  for (char c : octets)
    out += fmt::format("{}{}", out.size() > 2 ? "," : "", static_cast<unsigned char>(c));
  return out + ">>";
}

}  // namespace

void FrameParser::set_frame_max(std::uint32_t frame_max) {
  CHECK(frame_max >= frame_max_minimum, "frame_max = {}", frame_max);
  frame_max_ = frame_max;
}

Result<std::optional<Frame>> FrameParser::next(std::string_view& unread) const {
  if (unread.empty()) return std::nullopt;
  WireReader reader(unread);
  std::uint8_t type_octet = reader.u8();
  if (!known(type_octet))
    return frame_error(frame_text(type_octet, payload_of(unread)) + ": unknown_frame");
  if (unread.size() < frame_head_size) return std::nullopt;

  auto type = static_cast<FrameType>(type_octet);
  ChannelNumber channel(reader.u16());
  std::size_t size = reader.u32();
  if (size > frame_max_ - frame_overhead)
    return frame_error(fmt::format("{}: {{frame_too_large,{},{}}}", frame_text(type_octet, {}),
                                   size, frame_max_ - frame_overhead));
  if (unread.size() < size + frame_overhead) return std::nullopt;

  char end = unread[frame_head_size + size];
  if (end != frame_end)
    return frame_error(fmt::format("{}: {{invalid_frame_end_marker,{}}}",
                                   frame_text(type_octet, payload_of(unread)),
                                   static_cast<unsigned char>(end)));
  Frame frame{type, channel, unread.substr(frame_head_size, size)};
  unread.remove_prefix(size + frame_overhead);
  return frame;
}

Result<void> check_heartbeat(const Frame& frame) {
  const std::string text = frame_text(static_cast<std::uint8_t>(frame.type), frame.payload);
  if (!frame.payload.empty()) return frame_error(text + ": unknown_frame");
  if (frame.channel != ChannelNumber(0)) return fail(ReplyCode::unexpected_frame, text);
  return {};
}

std::string frame_text(std::uint8_t type, std::string_view payload) {
  constexpr std::size_t most = 16;
  const bool all = payload.size() <= most;
  return fmt::format("type {}, {} = {}", type, all ? "all octets" : "first 16 octets",
                     binary_text(payload.substr(0, most)));
}

HeaderMatch match_protocol_header(std::string_view unread) {
  constexpr std::string_view older_clients{"AMQP\x01\x01\x00\x09", 8};  // 0-9
  std::string_view start = unread.substr(0, protocol_header.size());
  if (!protocol_header.starts_with(start) && !older_clients.starts_with(start))
    return HeaderMatch::refused;
  return start.size() < protocol_header.size() ? HeaderMatch::incomplete : HeaderMatch::accepted;
}

void FrameWriter::set_frame_max(std::uint32_t frame_max) {
  CHECK(frame_max >= frame_max_minimum, "frame_max = {}", frame_max);
  payload_max_ = frame_max - frame_overhead;
}

void FrameWriter::head(FrameType type, ChannelNumber channel, std::size_t payload_size) {
  store_frame_head(out_.claim(frame_head_size), type, channel, payload_size);
}

void FrameWriter::end() {
  out_.append(&frame_end, 1);
}

void FrameWriter::content(ChannelNumber channel, std::string_view raw_properties,
                          const Bytes& octets) {
  content_header(channel, raw_properties, octets.size());
  body(channel, octets);
}

void FrameWriter::content_header(ChannelNumber channel, std::string_view raw_properties,
                                 std::uint64_t body_size) {
  constexpr std::size_t fixed_size = 12;
  head(FrameType::header, channel, fixed_size + raw_properties.size());
  WireWriter<OutputBuffer> writer(out_);
  writer.u16(basic_class_id);
  writer.u16(0);  // weight
  writer.u64(body_size);
  writer.raw(raw_properties);
  end();
}

void FrameWriter::body(ChannelNumber channel, const Bytes& octets) {
  for (std::size_t offset = 0; offset < octets.size();) {
    std::size_t size = std::min(payload_max_, octets.size() - offset);
    head(FrameType::body, channel, size);
    // A slice costs an atomic increment, which a small body does not deserve.
    if (size < OutputBuffer::copy_limit)
      out_.append(octets.view().substr(offset, size));
    else
      out_.append(octets.slice(offset, size));
    end();
    offset += size;
  }
}

void FrameWriter::heartbeat() {
  head(FrameType::heartbeat, ChannelNumber(0), 0);
  end();
}

}  // namespace warren::amqp
