#include "broker/frontend/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

#include "broker/amqp/table.h"

namespace warren::frontend {

namespace {

std::unexpected<Error> invalid(std::string_view argument, std::string_view resource,
                               std::string_view why) {
  return fail(ReplyCode::precondition_failed,
              fmt::format("invalid arg '{}' for {}{}", argument, resource, why));
}

std::unexpected<Error> not_an_integer(std::string_view argument, std::string_view resource,
                                      const amqp::FieldValue& value) {
  return invalid(argument, resource,
                 fmt::format(": \"expected integer, got {}\"", amqp::type_name(value)));
}

bool is_of_queues(std::string_view argument) {
  return argument == "x-priority" || argument == "x-cancel-on-ha-failover";
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

Result<std::int32_t> consumer_priority(const amqp::FieldTable& table, std::string_view resource,
                                       std::string_view type) {
  const bool stream = type == "stream";
  for (const amqp::Field& field : table.fields())
    if (stream ? is_of_queues(field.name) : field.name.starts_with("x-stream-"))
      return invalid(field.name, resource, fmt::format(" of queue type rabbit_{}_queue", type));
  const amqp::FieldValue* priority = table.find("x-priority");
  if (priority == nullptr) return 0;
  std::optional<std::int64_t> number = priority->as_integer();
  if (!number) return not_an_integer("x-priority", resource, *priority);
  using Limits = std::numeric_limits<std::int32_t>;
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(*number, Limits::min(), Limits::max()));
}

Result<void> check_consumer_timeout(const amqp::FieldTable& table, std::string_view resource) {
  constexpr std::string_view name = "x-consumer-timeout";
  const amqp::FieldValue* timeout = table.find(name);
  if (timeout == nullptr) return {};
  const std::optional<std::int64_t> number = timeout->as_integer();
  if (!number) return not_an_integer(name, resource, *timeout);
  if (*number < 0)
    return invalid(name, resource,
                   fmt::format(": \"expected 0 or more milliseconds, got {}\"", *number));
  return {};
}

}  // namespace warren::frontend
