#include "broker/catalog/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>
#include <utility>

#include "broker/catalog/names.h"

namespace warren::catalog {

namespace {

// A rule answers with the fault as RabbitMQ prints it, or nothing.
using Fault = std::optional<std::string>;
using Rule = Fault (*)(const Argument&, const Arguments&);

constexpr std::int64_t longest_expiry_ms = 315'360'000'000;  // ten years of 365 days
constexpr std::int64_t highest_priority = 255;
constexpr std::int64_t largest_cache = 1'000'000;  // some 60 MiB on every replica

Fault unacceptable_type(const Argument& argument) {
  return fmt::format("{{unacceptable_type,{}}}", argument.type);
}

std::optional<std::int64_t> integer_of(const Argument& argument) {
  if (argument.type == "decimal" || !routing::same_type_class(argument.type, "long"))
    return std::nullopt;
  std::int64_t value = 0;
  const char* end = argument.value.data() + argument.value.size();
  auto [stop, error] = std::from_chars(argument.value.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

Fault no_integer(const Argument& argument) {
  return fmt::format("\"expected integer, got {}\"", argument.type);
}

Fault any_integer(const Argument& argument, const Arguments&) {
  return integer_of(argument) ? Fault() : no_integer(argument);
}
Fault not_negative(const Argument& argument, const Arguments&) {
  auto value = integer_of(argument);
  if (!value) return no_integer(argument);
  return *value < 0 ? Fault(fmt::format("{{value_negative,{}}}", *value)) : Fault();
}
Fault positive(const Argument& argument, const Arguments& all) {
  if (integer_of(argument) == 0) return "{value_zero,0}";
  return not_negative(argument, all);
}
Fault expiry(const Argument& argument, const Arguments& all) {
  auto value = integer_of(argument);
  if (value && *value > longest_expiry_ms) return fmt::format("{{value_too_large,{}}}", *value);
  return not_negative(argument, all);
}
Fault positive_expiry(const Argument& argument, const Arguments& all) {
  if (integer_of(argument) == 0) return "{value_zero,0}";
  return expiry(argument, all);
}
Fault priorities(const Argument& argument, const Arguments& all) {
  auto value = integer_of(argument);
  if (value && *value > highest_priority) return fmt::format("{{max_value_exceeded,{}}}", *value);
  return not_negative(argument, all);
}
Fault cache_size(const Argument& argument, const Arguments& all) {
  auto value = integer_of(argument);
  if (value && *value > largest_cache) return fmt::format("{{max_value_exceeded,{}}}", *value);
  return positive(argument, all);
}
Fault text(const Argument& argument, const Arguments&) {
  return argument.type == "longstr" ? Fault() : unacceptable_type(argument);
}
Fault flag(const Argument& argument, const Arguments&) {
  return argument.type == "bool" ? Fault() : unacceptable_type(argument);
}
Fault one_of(const Argument& argument, std::initializer_list<std::string_view> words,
             std::string fault) {
  if (argument.type != "longstr") return unacceptable_type(argument);
  return std::ranges::find(words, argument.value) != words.end() ? Fault()
                                                                 : Fault(std::move(fault));
}
Fault dead_letter_key(const Argument& argument, const Arguments& all) {
  if (Fault fault = text(argument, all)) return fault;
  if (find_argument(all, "x-dead-letter-exchange") == nullptr)
    return "routing_key_but_no_dlx_defined";
  return {};
}
Fault overflow(const Argument& argument, const Arguments&) {
  return one_of(argument, {"drop-head", "reject-publish", "reject-publish-dlx"},
                "invalid_overflow");
}
Fault strategy(const Argument& argument, const Arguments&) {
  return one_of(argument, {"at-most-once", "at-least-once"}, "invalid_dlx_strategy");
}
Fault queue_mode(const Argument& argument, const Arguments&) {
  return one_of(argument, {"default", "lazy"},
                fmt::format("\"unsupported queue mode '{}'\"", argument.value));
}
Fault queue_version(const Argument& argument, const Arguments& all) {
  const auto version = integer_of(argument);
  if (!version || *version < 0) return not_negative(argument, all);
  if (version == 1 || version == 2) return {};
  return fmt::format("\"unsupported queue version '{}'\"", *version);
}
Fault queue_type(const Argument& argument, const Arguments&) {
  return one_of(argument, {"classic", "quorum", "stream"},
                fmt::format("\"unsupported queue type '{}'\"", argument.value));
}
Fault retry_type(const Argument& argument, const Arguments&) {
  return one_of(argument, {"disabled", "all", "failed", "returned"},
                fmt::format("\"unsupported delayed retry type '{}'\"", argument.value));
}
Fault locator(const Argument& argument, const Arguments&) {
  return one_of(argument, {"client-local", "balanced", "random", "least-leaders", "min-masters"},
                "invalid_queue_locator_arg");
}
Fault only_streams(const Argument&, const Arguments&) {
  return std::nullopt;
}
Fault max_age(const Argument& argument, const Arguments&) {
  if (argument.type != "longstr") return unacceptable_type(argument);
  return age_in_ms(argument.value) ? Fault() : Fault("invalid_max_age");
}

struct Known {
  std::string_view name;
  Rule rule;
};

// Everything that a classic or a quorum queue knows (both are one kind of queue here), in the order
// in which differences are looked for; then what only a stream knows.
constexpr std::array known_arguments = {
    Known{"x-expires", positive_expiry},
    Known{"x-message-ttl", expiry},
    Known{"x-dead-letter-exchange", text},
    Known{"x-dead-letter-routing-key", dead_letter_key},
    Known{"x-dead-letter-strategy", strategy},
    Known{"x-max-length", not_negative},
    Known{"x-max-length-bytes", not_negative},
    Known{"x-max-in-memory-length", not_negative},
    Known{"x-max-in-memory-bytes", not_negative},
    Known{"x-max-priority", priorities},
    Known{"x-overflow", overflow},
    Known{"x-queue-mode", queue_mode},
    Known{"x-queue-version", queue_version},
    Known{"x-single-active-consumer", flag},
    Known{"x-queue-type", queue_type},
    Known{"x-quorum-initial-group-size", positive},
    Known{"x-member-placement-tag", text},
    Known{"x-delivery-limit", any_integer},
    Known{"x-queue-master-locator", text},
    Known{"x-queue-leader-locator", locator},
    Known{"x-consumer-disconnected-timeout", not_negative},
    Known{"x-consumer-timeout", not_negative},
    Known{"x-delayed-retry-type", retry_type},
    Known{"x-delayed-retry-min", expiry},
    Known{"x-delayed-retry-max", expiry},
    Known{"x-delayed-retry-multiplier", positive},
    Known{"x-message-deduplication", flag},
    Known{"x-cache-size", cache_size},
    Known{"x-cache-ttl", positive_expiry},
    Known{"x-max-age", only_streams},
    Known{"x-stream-max-segment-size-bytes", only_streams},
    Known{"x-stream-filter-size-bytes", only_streams},
    Known{"x-initial-cluster-size", only_streams},
};

// What a stream knows, in the order in which differences are looked for. RabbitMQ's streams have no
// x-single-active-consumer over AMQP 0-9-1; ours do.
constexpr std::array stream_arguments = {
    Known{"x-max-length-bytes", not_negative},
    Known{"x-queue-type", queue_type},
    Known{"x-max-age", max_age},
    Known{"x-stream-max-segment-size-bytes", not_negative},
    Known{"x-stream-filter-size-bytes", not_negative},
    Known{"x-initial-cluster-size", positive},
    Known{"x-queue-leader-locator", locator},
    Known{"x-single-active-consumer", flag},
};
constexpr std::int64_t largest_segment = 3'000'000'000;
constexpr std::int64_t smallest_filter = 16, largest_filter = 255;

bool is_among(std::span<const Known> known, std::string_view name) {
  return std::ranges::find(known, name, &Known::name) != known.end();
}

Error of_other_type(std::string_view argument, std::string_view resource, std::string_view type) {
  return {ReplyCode::precondition_failed,
          fmt::format("invalid arg '{}' for {} of queue type rabbit_{}_queue", argument, resource,
                      type)};
}

// Values first, then what only queues know, in the order of the client.
Result<void> check_stream_arguments(const Arguments& arguments, std::string_view name,
                                    std::string_view vhost) {
  for (const Known& known : stream_arguments) {
    const Argument* argument = find_argument(arguments, known.name);
    if (argument == nullptr) continue;
    if (Fault fault = known.rule(*argument, arguments))
      return std::unexpected(invalid_queue_argument(known.name, name, vhost, *fault));
  }
  for (const Argument& argument : arguments)
    if (is_among(known_arguments, argument.name) && !is_among(stream_arguments, argument.name))
      return std::unexpected(of_other_type(argument.name, queue_resource(name, vhost), "stream"));
  return {};
}

// "the value '2' of type 'long'", or "none".
std::string value_and_type(const Argument* argument) {
  if (argument == nullptr) return "none";
  return fmt::format("the value '{}' of type '{}'", argument->value, argument->type);
}

bool equal(const Argument& a, const Argument& b) {
  return routing::same_type_class(a.type, b.type) && a.value == b.value;
}

// No type is as good as classic.
Result<void> check_equivalent_type(const Arguments& current, const Arguments& received,
                                   std::string_view resource) {
  constexpr std::string_view name = "x-queue-type";
  const auto is_classic = [](const Argument* type) {
    return type == nullptr || (type->type == "longstr" && type->value == "classic");
  };
  if (is_classic(find_argument(current, name)) && is_classic(find_argument(received, name)))
    return {};
  return check_equivalent_argument(name, current, received, resource);
}

constexpr std::string_view history_length = "x-recent-history-length";
constexpr const char* default_history = "20";

// As Erlang prints what the plugin was given.
std::string printed(const Argument& argument) {
  if (argument.type != "longstr") return argument.value;
  return fmt::format("<<\"{}\">>", argument.value);
}

// The plugin knows these types alone, and calls none of the unsigned ones an integer.
Result<void> check_history_length(const Arguments& arguments) {
  const Argument* length = find_argument(arguments, history_length);
  if (length == nullptr) return {};
  constexpr std::array<std::string_view, 4> integers{"byte", "short", "signedint", "long"};
  if (std::ranges::find(integers, length->type) != integers.end() &&
      integer_of(*length).value_or(0) > 0)
    return {};
  return fail(ReplyCode::precondition_failed,
              fmt::format("Invalid argument {}, '{}' must be a positive integer", printed(*length),
                          history_length));
}

Error wrong_type(const Argument& argument, std::string_view resource) {
  return {ReplyCode::precondition_failed, fmt::format("invalid type '{}' for arg '{}' in {}",
                                                      argument.type, argument.name, resource)};
}

}  // namespace

const Argument* find_argument(const Arguments& arguments, std::string_view name) {
  auto found = std::ranges::find(arguments, name, &Argument::name);
  return found == arguments.end() ? nullptr : &*found;
}

std::optional<std::int64_t> integer_argument(const Arguments& arguments, std::string_view name) {
  const Argument* argument = find_argument(arguments, name);
  return argument == nullptr ? std::nullopt : integer_of(*argument);
}

std::string_view queue_type_of(const Arguments& arguments) {
  const Argument* type = find_argument(arguments, "x-queue-type");
  return type == nullptr ? "classic" : std::string_view(type->value);
}

bool is_stream(const Arguments& arguments) {
  return queue_type_of(arguments) == "stream";
}

// At least one of a unit; months have 30 days, years 365.
std::optional<std::uint64_t> age_in_ms(std::string_view age) {
  constexpr std::uint64_t second = 1000, hour = 3600 * second, day = 24 * hour;
  constexpr std::pair<char, std::uint64_t> units[] = {{'Y', 365 * day},   {'M', 30 * day},
                                                      {'D', day},         {'h', hour},
                                                      {'m', 60 * second}, {'s', second}};
  std::uint64_t count = 0;
  const char* end = age.data() + age.size();
  auto [stop, error] = std::from_chars(age.data(), end, count);
  if (error != std::errc() || count == 0 || end - stop != 1) return std::nullopt;
  for (const auto& [letter, ms] : units)
    if (letter == *stop && count <= std::numeric_limits<std::int64_t>::max() / ms)
      return count * ms;
  return std::nullopt;
}

Result<void> check_queue_arguments(const Arguments& arguments, std::string_view name,
                                   std::string_view vhost) {
  if (is_stream(arguments)) return check_stream_arguments(arguments, name, vhost);
  for (const Known& known : known_arguments) {
    const Argument* argument = find_argument(arguments, known.name);
    if (argument == nullptr) continue;
    if (known.rule == only_streams) {
      return std::unexpected(
          of_other_type(known.name, queue_resource(name, vhost), queue_type_of(arguments)));
    }
    if (known.name == "x-dead-letter-exchange" && argument->type != "longstr")
      return std::unexpected(wrong_type(*argument, queue_resource(name, vhost)));
    if (Fault fault = known.rule(*argument, arguments))
      return std::unexpected(invalid_queue_argument(known.name, name, vhost, *fault));
  }
  return {};
}

Result<void> check_stream_declaration(const DeclareQueue& command) {
  const auto refused = [&](std::string_view property) -> Result<void> {
    return fail(ReplyCode::precondition_failed,
                fmt::format("invalid property '{}' for {}", property,
                            queue_resource(command.name, command.vhost)));
  };
  if (command.auto_delete) return refused("auto-delete");
  if (command.exclusive) return refused("exclusive-owner");
  if (!command.durable) return refused("non-durable");
  const auto segment = integer_argument(command.arguments, "x-stream-max-segment-size-bytes");
  if (segment && *segment > largest_segment)
    return fail(ReplyCode::precondition_failed,
                "Exceeded max value for x-stream-max-segment-size-bytes");
  const auto filter = integer_argument(command.arguments, "x-stream-filter-size-bytes");
  if (filter && (*filter < smallest_filter || *filter > largest_filter))
    return fail(ReplyCode::precondition_failed, "Invalid value for x-stream-filter-size-bytes");
  return {};
}

Result<routing::ExchangeType> routing_type(std::string_view type, const Arguments& arguments) {
  const auto known = routing::exchange_type_of(type);
  if (!known) return std::unexpected(unknown_exchange_type(type));
  if (known == routing::ExchangeType::recent_history) {
    if (auto valid = check_history_length(arguments); !valid) return std::unexpected(valid.error());
    return routing::ExchangeType::fanout;
  }
  if (known != routing::ExchangeType::delayed) return *known;
  const Argument* named = find_argument(arguments, "x-delayed-type");
  const bool text = named != nullptr && named->type == "longstr";
  const auto as = text ? routing::exchange_type_of(named->value) : std::nullopt;
  if (as && as != routing::ExchangeType::delayed && as != routing::ExchangeType::recent_history)
    return *as;
  return fail(ReplyCode::precondition_failed,
              "Invalid argument, 'x-delayed-type' must be an existing exchange type");
}

Arguments history_arguments(const Arguments& exchange) {
  const Argument* length = find_argument(exchange, history_length);
  return {{"x-queue-type", "longstr", "stream"},
          {"x-max-length", "long", length == nullptr ? default_history : length->value}};
}

Result<void> check_exchange_arguments(const Arguments& arguments, std::string_view name,
                                      std::string_view vhost) {
  const Argument* alternate = find_argument(arguments, "alternate-exchange");
  if (alternate == nullptr || alternate->type == "longstr") return {};
  return std::unexpected(wrong_type(*alternate, exchange_resource(name, vhost)));
}

Result<void> check_equivalent_argument(std::string_view name, const Arguments& current,
                                       const Arguments& received, std::string_view resource) {
  const Argument* old = find_argument(current, name);
  const Argument* now = find_argument(received, name);
  if (old == nullptr && now == nullptr) return {};
  if (old != nullptr && now != nullptr) {
    if (equal(*old, *now)) return {};
    return std::unexpected(inequivalent_argument(name, resource, fmt::format("'{}'", now->value),
                                                 fmt::format("'{}'", old->value)));
  }
  return std::unexpected(
      inequivalent_argument(name, resource, value_and_type(now), value_and_type(old)));
}

Result<void> check_equivalent_queue_arguments(const Arguments& current, const Arguments& received,
                                              std::string_view resource) {
  const std::span<const Known> compared =
      is_stream(current) ? std::span<const Known>(stream_arguments) : known_arguments;
  for (const Known& known : compared) {
    if (known.rule == only_streams) continue;
    Result<void> equivalent =
        known.name == "x-queue-type"
            ? check_equivalent_type(current, received, resource)
            : check_equivalent_argument(known.name, current, received, resource);
    if (!equivalent) return equivalent;
  }
  return {};
}

std::vector<routing::HeaderField> header_fields(const Arguments& arguments) {
  std::vector<routing::HeaderField> fields;
  fields.reserve(arguments.size());
  for (const Argument& argument : arguments)
    fields.push_back({argument.name, argument.type, argument.value});
  return fields;
}

}  // namespace warren::catalog
