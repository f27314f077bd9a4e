#include "broker/amqp/content.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "broker/amqp/wire.h"

namespace warren::amqp {

namespace {

// Room for what may come, in proportion to what has come: a declared size alone claims nothing.
constexpr std::uint64_t first_capacity = 64 * 1024;
constexpr std::uint64_t growth = 8;

std::unexpected<Error> unexpected_frame(std::string text) {
  return fail(ReplyCode::unexpected_frame, std::move(text));
}

}  // namespace

void ContentAssembler::begin(const BasicPublish& method) {
  CHECK(idle(), "content within content");
  scratch_.assign(method.exchange);
  scratch_.append(method.routing_key);
  exchange_size_ = method.exchange.size();
  names_size_ = scratch_.size();
  mandatory_ = method.mandatory;
  immediate_ = method.immediate;
  state_ = State::header;
}

Result<bool> ContentAssembler::add(const Frame& frame) {
  CHECK(state_ != State::whole, "take() is due");
  switch (state_) {
    case State::header:
      if (frame.type != FrameType::header)
        return unexpected_frame(fmt::format(
            "expected content header for class {}, got non content header frame instead",
            basic_class_id));
      return add_header(frame.payload);
    case State::body:
      if (frame.type != FrameType::body)
        return unexpected_frame("expected content body, got non content body frame instead");
      return add_body(frame.payload);
    default:
      return unexpected_frame("expected method frame, got non method frame instead");
  }
}

Result<bool> ContentAssembler::add_header(std::string_view payload) {
  WireReader reader(payload);
  std::uint16_t class_id = reader.u16();
  std::uint16_t weight = reader.u16();
  declared_ = reader.u64();
  if (!reader.ok()) return std::unexpected(decode_error("content header", reader.fault()));
  if (class_id != basic_class_id)
    return unexpected_frame(
        fmt::format("expected content header for class {}, got one for class {} instead",
                    basic_class_id, class_id));
  if (weight != 0)
    return unexpected_frame(
        fmt::format("expected content header for class {}, got non content header frame instead",
                    basic_class_id));
  if (declared_ > body_size_limit)
    return fail(ReplyCode::frame_error,
                fmt::format("body size {} is larger than {}", declared_, body_size_limit));
  if (auto kept = keep_properties(reader.rest()); !kept) return std::unexpected(kept.error());
  received_ = 0;
  state_ = State::body;
  return finish_if_whole();
}

Result<void> ContentAssembler::keep_properties(std::string_view raw) {
  scratch_.append(raw);
  Result<PropertyScan> scan = scan_properties(raw_properties());
  if (scan && scan->extra_flag_octets > 0) {
    // Nobody downstream need know of continuation words that say nothing.
    scratch_[names_size_ + 1] &= '\xFE';
    scratch_.erase(names_size_ + 2, scan->extra_flag_octets);
    scan = scan_properties(raw_properties());
  }
  if (!scan) return std::unexpected(scan.error());
  scan_ = *scan;
  return {};
}

Result<bool> ContentAssembler::add_body(std::string_view payload) {
  if (payload.size() > declared_ - received_)
    return fail(ReplyCode::frame_error,
                fmt::format("content body of {} octets or more, declared as {}",
                            received_ + payload.size(), declared_));
  if (declared_ <= max_message_size_) store(payload);
  received_ += payload.size();
  return finish_if_whole();
}

void ContentAssembler::store(std::string_view payload) {
  if (payload.empty()) return;
  std::uint64_t needed = stored_ + payload.size();
  if (needed > capacity_) make_room(needed, payload.size());
  std::memcpy(body_.get() + stored_, payload.data(), payload.size());
  stored_ = needed;
}

void ContentAssembler::make_room(std::uint64_t needed, std::uint64_t coming) {
  const std::uint64_t taken = received_ - stored_;
  std::uint64_t most = declared_ - taken;
  if (is_large()) most = std::min(most, piece_octets_ + coming);
  // Who has sent a piece will send the next.
  capacity_ = taken > 0 ? most : std::min(most, std::max(first_capacity, needed * growth));
  auto larger = std::make_shared_for_overwrite<char[]>(capacity_);
  if (stored_ > 0) std::memcpy(larger.get(), body_.get(), stored_);
  body_ = std::move(larger);
}

Bytes ContentAssembler::take_stored() {
  std::string_view octets(body_.get(), stored_);
  stored_ = capacity_ = 0;
  return Bytes(std::move(body_), octets);
}

Bytes ContentAssembler::take_piece() {
  CHECK(in_pieces() && has_piece(), "no piece to take");
  return take_stored();
}

Result<bool> ContentAssembler::finish_if_whole() {
  if (received_ < declared_) return false;
  if (declared_ > max_message_size_) {
    reset();
    return fail(ReplyCode::precondition_failed,
                fmt::format("message size {} is larger than configured max size {}", declared_,
                            max_message_size_));
  }
  state_ = State::whole;
  return true;
}

PublishedMessage ContentAssembler::take() {
  CHECK(state_ == State::whole, "no message to take");
  PublishedMessage whole = message();
  if (stored_ > 0) whole.body = take_stored();
  reset();
  return whole;
}

PublishedMessage ContentAssembler::head() const {
  CHECK(in_pieces(), "no head of a message");
  return message();
}

PublishedMessage ContentAssembler::message() const {
  std::string_view names(scratch_.data(), names_size_);
  PublishedMessage message;
  message.exchange = names.substr(0, exchange_size_);
  message.routing_key = names.substr(exchange_size_);
  message.mandatory = mandatory_;
  message.immediate = immediate_;
  message.raw_properties = raw_properties();
  message.properties = scan_;
  return message;
}

void ContentAssembler::reset() {
  state_ = State::idle;
  body_ = nullptr;
  stored_ = capacity_ = 0;
}

std::string_view ContentAssembler::raw_properties() const {
  return std::string_view(scratch_).substr(names_size_);
}

}  // namespace warren::amqp
