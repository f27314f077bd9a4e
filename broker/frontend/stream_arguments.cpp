#include "broker/frontend/stream_arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "broker/catalog/arguments.h"

namespace warren::frontend {

namespace {

using queue::StreamPoint;
using queue::StreamReading;

Error invalid(std::string_view argument, std::string_view resource, std::string_view why) {
  return {ReplyCode::precondition_failed,
          fmt::format("invalid arg '{}' for {}: {}", argument, resource, why)};
}

Error unacceptable(std::string_view argument, const amqp::FieldValue& value,
                   std::string_view resource) {
  return invalid(argument, resource,
                 fmt::format("{{unacceptable_type,{}}}", amqp::type_name(value)));
}

// As RabbitMQ prints the term.
Error invalid_offset(const amqp::FieldValue& value, std::string_view resource) {
  const std::string text = amqp::to_string(value);
  const bool string = value.get_if<std::string>() != nullptr;
  return invalid("x-stream-offset", resource,
                 fmt::format("{{invalid_stream_offset_arg,{{{},{}}}}}", amqp::type_name(value),
                             string ? fmt::format("<<\"{}\">>", text) : text));
}

using From = std::pair<StreamPoint, std::uint64_t>;

std::optional<From> from_text(std::string_view text, std::uint64_t now_ms) {
  if (text == "first") return From{StreamPoint::first, 0};
  if (text == "last") return From{StreamPoint::last, 0};
  if (text == "next") return From{StreamPoint::next, 0};
  const auto ago = catalog::age_in_ms(text);
  if (!ago) return std::nullopt;
  return From{StreamPoint::time, now_ms > *ago ? now_ms - *ago : 0};
}

std::optional<From> from_value(const amqp::FieldValue& value, std::uint64_t now_ms) {
  if (const auto* text = value.get_if<std::string>()) return from_text(*text, now_ms);
  if (const auto* moment = value.get_if<amqp::Timestamp>()) {
    constexpr std::uint64_t latest_s = std::numeric_limits<std::uint64_t>::max() / 1000;
    return From{StreamPoint::time, std::min(moment->seconds, latest_s) * 1000};
  }
  const auto offset = value.as_integer();
  if (!offset || *offset < 0) return std::nullopt;
  return From{StreamPoint::offset, static_cast<std::uint64_t>(*offset)};
}

// A string, or an array of strings.
std::optional<std::vector<std::string>> filters_of(const amqp::FieldValue& value) {
  if (const auto* one = value.get_if<std::string>()) return std::vector{*one};
  const auto* array = value.get_if<amqp::FieldArray>();
  if (array == nullptr) return std::nullopt;
  std::vector<std::string> filters;
  for (const amqp::FieldValue& each : array->values) {
    const auto* one = each.get_if<std::string>();
    if (one == nullptr) return std::nullopt;
    filters.push_back(*one);
  }
  return filters;
}

Result<std::optional<bool>> flag(const amqp::FieldTable& table, std::string_view name,
                                 std::string_view resource) {
  const amqp::FieldValue* value = table.find(name);
  if (value == nullptr) return std::nullopt;
  if (const auto* given = value->get_if<bool>()) return *given;
  return std::unexpected(unacceptable(name, *value, resource));
}

}  // namespace

Result<StreamReading> stream_reading(const amqp::FieldTable& table, const StreamAsker& asker) {
  StreamReading reading;
  const amqp::FieldValue* offset = table.find("x-stream-offset");
  if (offset != nullptr) {
    const auto from = from_value(*offset, asker.now_ms);
    if (!from) return std::unexpected(invalid_offset(*offset, asker.resource));
    std::tie(reading.from, reading.at) = *from;
  }
  if (const amqp::FieldValue* filter = table.find("x-stream-filter")) {
    auto filters = filters_of(*filter);
    if (!filters) return std::unexpected(unacceptable("x-stream-filter", *filter, asker.resource));
    reading.filters = std::move(*filters);
  }
  auto unfiltered = flag(table, "x-stream-match-unfiltered", asker.resource);
  if (!unfiltered) return std::unexpected(unfiltered.error());
  reading.match_unfiltered = unfiltered->value_or(false);
  auto tracking = flag(table, "x-stream-automatic-offset-tracking", asker.resource);
  if (!tracking) return std::unexpected(tracking.error());
  reading.tracked = asker.shared || (asker.named && tracking->value_or(offset == nullptr));
  return reading;
}

}  // namespace warren::frontend
