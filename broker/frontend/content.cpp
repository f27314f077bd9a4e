#include "broker/frontend/content.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>

#include "broker/base/codec.h"

namespace warren::frontend {

namespace {

constexpr std::size_t copied_body_limit = 16 * 1024;
constexpr std::int64_t ttl_limit_ms = 315'360'000'000;  // ten years

// A large body's own buffer beside the rest.
struct Parts {
  Bytes body;
  std::unique_ptr<char[]> rest;
};

// Copies `part` to `to` and moves that on.
std::string_view place(char*& to, std::string_view part) {
  if (part.empty()) return {};
  std::memcpy(to, part.data(), part.size());
  std::string_view placed(to, part.size());
  to += part.size();
  return placed;
}

// Towards zero. Nothing: beyond all that may be asked for.
std::optional<std::int64_t> whole_number(double value) {
  constexpr double limit = 9e18;
  if (!(value > -limit && value < limit)) return std::nullopt;
  return static_cast<std::int64_t>(value);
}
std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  auto [stop, fault] = std::from_chars(text.data(), end, value);
  if (fault != std::errc{} || stop != end) return std::nullopt;
  return value;
}

Error bad_expiration(std::string_view text, std::string_view why) {
  return {ReplyCode::precondition_failed, fmt::format("invalid expiration '{}': {}", text, why)};
}

}  // namespace

queue::Content make_content(const amqp::PublishedMessage& message, std::string_view properties) {
  queue::Content content;
  const std::size_t envelope =
      message.exchange.size() + message.routing_key.size() + properties.size();
  char* to = nullptr;
  if (message.body.size() <= copied_body_limit) {
    auto buffer = std::make_shared_for_overwrite<char[]>(envelope + message.body.size());
    to = buffer.get();
    content.owner = std::move(buffer);
  } else {
    auto parts = std::make_shared<Parts>();
    parts->body = message.body;
    parts->rest = std::make_unique_for_overwrite<char[]>(envelope);
    to = parts->rest.get();
    content.body = parts->body.view();
    content.owner = std::move(parts);
  }
  content.exchange = place(to, message.exchange);
  content.routing_key = place(to, message.routing_key);
  content.properties = place(to, properties);
  if (content.body.empty()) content.body = place(to, message.body.view());
  return content;
}

queue::Content whole_content(const amqp::PublishedMessage& message, const queue::Content& end,
                             const std::vector<Bytes>& pieces) {
  std::string body;
  for (const Bytes& piece : pieces)
    body += piece.view();
  body += message.body.view();
  amqp::PublishedMessage whole = message;
  whole.body = Bytes(std::move(body));
  return make_content(whole, end.properties);
}

amqp::PublishedMessage message_of(const HeldPublish& held) {
  amqp::PublishedMessage message;
  message.exchange = held.content.exchange;
  message.routing_key = held.content.routing_key;
  message.mandatory = held.mandatory;
  message.raw_properties = held.content.properties;
  message.properties = amqp::scan_properties(held.content.properties).value();
  message.body = Bytes(held.content.owner, held.content.body);
  return message;
}

Result<std::optional<std::uint64_t>> ttl_of(const amqp::PropertyScan& properties) {
  if (!properties.expiration) return std::nullopt;
  const std::string_view text = *properties.expiration;
  const bool plus = text.size() > 1 && text[0] == '+' && text[1] != '-';
  std::int64_t value = 0;
  auto [end, fault] = std::from_chars(text.data() + plus, text.data() + text.size(), value);
  if (fault == std::errc::result_out_of_range)
    return std::unexpected(
        bad_expiration(text, fmt::format("{{value_too_large,{}}}", text.substr(plus))));
  if (fault != std::errc{}) return std::unexpected(bad_expiration(text, "no_integer"));
  if (end != text.data() + text.size()) {
    const std::string_view left(end, text.data() + text.size());
    return std::unexpected(bad_expiration(text, fmt::format("{{leftover_string,\"{}\"}}", left)));
  }
  if (value < 0)
    return std::unexpected(bad_expiration(text, fmt::format("{{value_negative,{}}}", value)));
  if (value > ttl_limit_ms)
    return std::unexpected(bad_expiration(text, fmt::format("{{value_too_large,{}}}", value)));
  return static_cast<std::uint64_t>(value);
}

std::uint64_t delay_of(const amqp::PropertyScan& properties) {
  if (!properties.has_delay) return 0;
  const amqp::FieldTable table = amqp::headers_of(properties);
  const amqp::FieldValue& value = *table.find("x-delay");
  std::optional<std::int64_t> delay = value.as_integer();
  if (const auto* number = value.get_if<float>()) delay = whole_number(*number);
  if (const auto* number = value.get_if<double>()) delay = whole_number(*number);
  if (const auto* text = value.get_if<std::string>()) delay = whole_number(*text);
  return static_cast<std::uint64_t>(std::max<std::int64_t>(delay.value_or(0), 0));
}

// A value of any type, by what it prints as. Hashed well enough that two values never meet: a key
// that another has used is a message lost.
queue::DuplicateKey duplicate_key_of(const amqp::PropertyScan& properties) {
  if (!properties.has_duplicate_key) return {};
  const amqp::FieldTable table = amqp::headers_of(properties);
  const amqp::FieldValue* value = table.find("x-deduplication-header");
  if (value == nullptr) value = table.find("x-message-deduplication");
  const std::string text = amqp::to_string(*value);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> hash{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash.data());
  ByteReader in(std::string_view(reinterpret_cast<const char*>(hash.data()), hash.size()));
  const std::uint64_t high = in.u64_be();
  return {high, in.u64_be()};
}

}  // namespace warren::frontend
