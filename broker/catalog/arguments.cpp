#include "broker/catalog/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "broker/catalog/names.h"

namespace warren::catalog {

namespace {

// A rule answers with the fault as RabbitMQ prints it, or nothing.
using Fault = std::optional<std::string>;
using Rule = Fault (*)(const Argument&, const Arguments&);

constexpr std::int64_t longest_expiry_ms = 315'360'000'000;  // ten years of 365 days
constexpr std::int64_t highest_priority = 255;

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

Fault any_integer(const Argument& argument, const Arguments&) {
  return integer_of(argument) ? Fault() : unacceptable_type(argument);
}
Fault not_negative(const Argument& argument, const Arguments&) {
  auto value = integer_of(argument);
  if (!value) return unacceptable_type(argument);
  return *value < 0 ? Fault(fmt::format("{{value_negative,{}}}", *value)) : Fault();
}
Fault positive(const Argument& argument, const Arguments& all) {
  if (integer_of(argument) == 0) return "{value_zero,0}";
  return not_negative(argument, all);
}
Fault expiry(const Argument& argument, const Arguments& all) {
  auto value = integer_of(argument);
  if (value && *value > longest_expiry_ms) return fmt::format("{{value_too_big,{}}}", *value);
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
Fault text(const Argument& argument, const Arguments&) {
  return argument.type == "longstr" ? Fault() : unacceptable_type(argument);
}
Fault flag(const Argument& argument, const Arguments&) {
  return argument.type == "bool" ? Fault() : unacceptable_type(argument);
}
Fault one_of(const Argument& argument, std::initializer_list<std::string_view> words,
             const char* fault) {
  if (argument.type != "longstr") return unacceptable_type(argument);
  return std::ranges::find(words, argument.value) != words.end() ? Fault() : Fault(fault);
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
  return one_of(argument, {"default", "lazy"}, "invalid_queue_mode");
}
// Streams are another kind of thing, which is not served yet.
Fault queue_type(const Argument& argument, const Arguments&) {
  return one_of(argument, {"classic", "quorum"}, "unsupported_queue_type");
}
Fault locator(const Argument& argument, const Arguments&) {
  return one_of(argument, {"client-local", "balanced", "random", "least-leaders", "min-masters"},
                "invalid_queue_locator_arg");
}
Fault only_streams(const Argument&, const Arguments&) {
  return std::nullopt;
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
    Known{"x-queue-version", not_negative},
    Known{"x-single-active-consumer", flag},
    Known{"x-queue-type", queue_type},
    Known{"x-quorum-initial-group-size", positive},
    Known{"x-member-placement-tag", text},
    Known{"x-delivery-limit", any_integer},
    Known{"x-queue-master-locator", text},
    Known{"x-queue-leader-locator", locator},
    Known{"x-consumer-disconnected-timeout", not_negative},
    Known{"x-consumer-timeout", not_negative},
    Known{"x-delayed-retry-type", text},
    Known{"x-delayed-retry-min", not_negative},
    Known{"x-delayed-retry-max", not_negative},
    Known{"x-max-age", only_streams},
    Known{"x-stream-max-segment-size-bytes", only_streams},
    Known{"x-stream-filter-size-bytes", only_streams},
    Known{"x-initial-cluster-size", only_streams},
};

// "the value '2' of type 'long'", or "none".
std::string value_and_type(const Argument* argument) {
  if (argument == nullptr) return "none";
  return fmt::format("the value '{}' of type '{}'", argument->value, argument->type);
}

bool equal(const Argument& a, const Argument& b) {
  return routing::same_type_class(a.type, b.type) && a.value == b.value;
}

// A declare that names no type takes the queue as it is; a queue without one is classic.
Result<void> check_equivalent_type(const Arguments& current, const Arguments& received,
                                   std::string_view resource) {
  constexpr std::string_view name = "x-queue-type";
  const Argument* wanted = find_argument(received, name);
  const Argument* stored = find_argument(current, name);
  const Argument classic{std::string(name), "longstr", "classic"};
  if (wanted == nullptr || equal(*wanted, stored == nullptr ? classic : *stored)) return {};
  return check_equivalent_argument(name, stored == nullptr ? Arguments{classic} : current, received,
                                   resource);
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

Result<void> check_queue_arguments(const Arguments& arguments, std::string_view name,
                                   std::string_view vhost) {
  for (const Known& known : known_arguments) {
    const Argument* argument = find_argument(arguments, known.name);
    if (argument == nullptr) continue;
    if (known.rule == only_streams) {
      const Argument* type = find_argument(arguments, "x-queue-type");
      return fail(ReplyCode::precondition_failed,
                  fmt::format("invalid arg '{}' for {} of queue type rabbit_{}_queue", known.name,
                              queue_resource(name, vhost), type ? type->value : "classic"));
    }
    if (Fault fault = known.rule(*argument, arguments))
      return std::unexpected(invalid_queue_argument(known.name, name, vhost, *fault));
  }
  return {};
}

Result<void> check_exchange_arguments(const Arguments& arguments, std::string_view name,
                                      std::string_view vhost) {
  const Argument* alternate = find_argument(arguments, "alternate-exchange");
  if (alternate == nullptr || alternate->type == "longstr") return {};
  return fail(ReplyCode::precondition_failed,
              fmt::format("invalid type '{}' for arg 'alternate-exchange' in {}", alternate->type,
                          exchange_resource(name, vhost)));
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
  for (const Known& known : known_arguments) {
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
