#include "broker/frontend/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include "broker/amqp/table.h"

namespace warren::frontend {

namespace {

constexpr std::int64_t ten_years_ms = 315'360'000'000;
constexpr std::int64_t no_limit = std::numeric_limits<std::int64_t>::max();

struct Range {
  std::string_view name;
  std::int64_t least;
  std::int64_t most;
};
constexpr std::array<Range, 11> integers{{{"x-expires", 1, ten_years_ms},
                                          {"x-message-ttl", 0, ten_years_ms},
                                          {"x-max-length", 0, no_limit},
                                          {"x-max-length-bytes", 0, no_limit},
                                          {"x-max-in-memory-length", 0, no_limit},
                                          {"x-max-in-memory-bytes", 0, no_limit},
                                          {"x-max-priority", 0, 255},
                                          {"x-delivery-limit", -1, no_limit},
                                          {"x-quorum-initial-group-size", 1, no_limit},
                                          {"x-consumer-timeout", 0, no_limit},
                                          {"x-queue-version", 1, 2}}};

struct Choice {
  std::string_view name;
  std::array<std::string_view, 3> values;  // empty ones do not count; none: any string
};
constexpr std::array<Choice, 8> strings{
    {{"x-dead-letter-exchange", {}},
     {"x-dead-letter-routing-key", {}},
     {"x-overflow", {"drop-head", "reject-publish", "reject-publish-dlx"}},
     {"x-queue-type", {"classic", "quorum", ""}},
     {"x-queue-mode", {"default", "lazy", ""}},
     {"x-queue-leader-locator", {"client-local", "balanced", ""}},
     {"x-queue-master-locator", {}},
     {"x-dead-letter-strategy", {"at-most-once", "at-least-once", ""}}}};

constexpr std::array<std::string_view, 4> of_streams{"x-max-age", "x-stream-max-segment-size-bytes",
                                                     "x-stream-filter-size-bytes",
                                                     "x-initial-cluster-size"};

std::unexpected<Error> invalid(std::string_view argument, std::string_view resource,
                               std::string_view why) {
  return fail(ReplyCode::precondition_failed,
              fmt::format("invalid arg '{}' for {}: {}", argument, resource, why));
}

std::string unacceptable_type(const amqp::FieldValue& value) {
  return fmt::format("{{unacceptable_type,{}}}", amqp::type_name(value));
}

std::optional<std::string> integer_fault(const amqp::FieldValue& value, const Range& range) {
  std::optional<std::int64_t> number = value.as_integer();
  if (!number) return unacceptable_type(value);
  if (*number < range.least && *number < 0) return fmt::format("{{value_negative,{}}}", *number);
  if (*number < range.least) return fmt::format("{{value_zero,{}}}", *number);
  if (*number > range.most) return fmt::format("{{value_too_large,{}}}", *number);
  return std::nullopt;
}

std::optional<std::string> string_fault(const amqp::FieldValue& value, const Choice& choice) {
  const std::string* text = value.get_if<std::string>();
  if (text == nullptr) return unacceptable_type(value);
  if (choice.values[0].empty()) return std::nullopt;
  if (!text->empty() && std::ranges::find(choice.values, *text) != choice.values.end())
    return std::nullopt;
  return fmt::format("{{invalid_value,<<\"{}\">>}}", *text);
}

std::optional<std::string> fault_of(std::string_view name, const amqp::FieldValue& value) {
  for (const Range& range : integers)
    if (range.name == name) return integer_fault(value, range);
  for (const Choice& choice : strings)
    if (choice.name == name) return string_fault(value, choice);
  if (name == "x-single-active-consumer" && value.get_if<bool>() == nullptr)
    return unacceptable_type(value);
  return std::nullopt;
}

}  // namespace

catalog::Arguments to_arguments(const amqp::FieldTable& table) {
  catalog::Arguments arguments;
  arguments.reserve(table.size());
  for (const amqp::Field& field : table.fields())
    arguments.push_back(
        {field.name, std::string(amqp::type_name(field.value)), amqp::to_string(field.value)});
  return arguments;
}

std::string arguments_octets(const amqp::FieldTable& table) {
  return amqp::encode_table(table).substr(4);
}

Result<void> check_queue_arguments(const amqp::FieldTable& table, std::string_view resource) {
  for (const amqp::Field& field : table.fields()) {
    if (std::ranges::find(of_streams, field.name) != of_streams.end())
      return fail(ReplyCode::precondition_failed,
                  fmt::format("invalid arg '{}' for {} of queue type {}", field.name, resource,
                              table.as_string("x-queue-type").value_or("classic")));
    if (auto fault = fault_of(field.name, field.value))
      return invalid(field.name, resource, *fault);
  }
  if (table.contains("x-dead-letter-routing-key") && !table.contains("x-dead-letter-exchange"))
    return invalid("x-dead-letter-routing-key", resource, "routing_key_but_no_dlx_defined");
  return {};
}

Result<void> check_exchange_arguments(const amqp::FieldTable& table, std::string_view resource) {
  const amqp::FieldValue* alternate = table.find("alternate-exchange");
  if (alternate != nullptr && alternate->get_if<std::string>() == nullptr)
    return invalid("alternate-exchange", resource, unacceptable_type(*alternate));
  return {};
}

Result<std::int32_t> consumer_priority(const amqp::FieldTable& table, std::string_view resource) {
  for (const amqp::Field& field : table.fields())
    if (field.name.starts_with("x-stream-"))
      return fail(ReplyCode::precondition_failed,
                  fmt::format("invalid arg '{}' for consumer of {}", field.name, resource));
  const amqp::FieldValue* priority = table.find("x-priority");
  if (priority == nullptr) return 0;
  std::optional<std::int64_t> number = priority->as_integer();
  if (!number) return invalid("x-priority", resource, unacceptable_type(*priority));
  using Limits = std::numeric_limits<std::int32_t>;
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(*number, Limits::min(), Limits::max()));
}

}  // namespace warren::frontend
