#include "broker/catalog/queue_settings.h"

#include <algorithm>

#include "broker/catalog/arguments.h"

namespace warren::catalog {
namespace {

constexpr std::uint64_t default_delivery_limit = 20;
constexpr std::uint64_t default_cache_size = 10'000;

std::optional<std::uint64_t> limit(const Arguments& arguments, std::string_view name) {
  const auto value = integer_argument(arguments, name);
  if (!value || *value < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

std::optional<std::string> text(const Arguments& arguments, std::string_view name) {
  const Argument* argument = find_argument(arguments, name);
  return argument == nullptr ? std::nullopt : std::optional(argument->value);
}

queue::Overflow overflow(const Arguments& arguments) {
  const std::string word = text(arguments, "x-overflow").value_or("");
  if (word == "reject-publish") return queue::Overflow::reject_publish;
  if (word == "reject-publish-dlx") return queue::Overflow::reject_publish_dlx;
  return queue::Overflow::drop_head;
}

std::optional<queue::DeadLettering> dead_lettering(const QueueInfo& info) {
  auto exchange = text(info.arguments, "x-dead-letter-exchange");
  if (!exchange) return std::nullopt;
  queue::DeadLettering route;
  route.vhost = info.vhost;
  route.queue = info.name;
  route.exchange = std::move(*exchange);
  route.key = text(info.arguments, "x-dead-letter-routing-key");
  // What waits counts as the queue's: only where publishers are told that it is full.
  route.retained = text(info.arguments, "x-dead-letter-strategy") == "at-least-once" &&
                   overflow(info.arguments) == queue::Overflow::reject_publish;
  return route;
}

// A negative one is none, said aloud. By default only where what goes over it is not lost.
std::optional<std::uint64_t> delivery_limit(const Arguments& arguments) {
  if (find_argument(arguments, "x-delivery-limit") != nullptr)
    return limit(arguments, "x-delivery-limit");
  if (find_argument(arguments, "x-dead-letter-exchange") == nullptr) return std::nullopt;
  return default_delivery_limit;
}

queue::Retry retry(const Arguments& arguments) {
  queue::Retry retry;
  const std::string kind = text(arguments, "x-delayed-retry-type").value_or("");
  retry.min_ms = limit(arguments, "x-delayed-retry-min").value_or(0);
  if (retry.min_ms == 0) return {};
  retry.kind = kind == "all"        ? queue::RetryKind::all
               : kind == "failed"   ? queue::RetryKind::failed
               : kind == "returned" ? queue::RetryKind::returned
                                    : queue::RetryKind::disabled;
  if (retry.kind == queue::RetryKind::disabled) return {};
  retry.max_ms = limit(arguments, "x-delayed-retry-max");
  retry.multiplier = limit(arguments, "x-delayed-retry-multiplier").value_or(0);
  return retry;
}

queue::DuplicateWindow::Bounds duplicates(const Arguments& arguments) {
  if (text(arguments, "x-message-deduplication") != "true") return {};
  return {limit(arguments, "x-cache-size").value_or(default_cache_size),
          limit(arguments, "x-cache-ttl")};
}

queue::Retention retention(const Arguments& arguments) {
  const auto age = text(arguments, "x-max-age");
  // No client's stream has a length.
  return {limit(arguments, "x-max-length-bytes"), age ? age_in_ms(*age) : std::nullopt,
          limit(arguments, "x-max-length")};
}

}  // namespace

bool is_single_active(const Arguments& arguments) {
  return text(arguments, "x-single-active-consumer") == "true";
}

queue::Settings queue_settings(const QueueInfo& info) {
  const Arguments& arguments = info.arguments;
  queue::Settings settings;
  settings.durable = info.durable;
  settings.exclusive = info.exclusive;
  settings.auto_delete = info.auto_delete;
  settings.single_active = is_single_active(arguments);
  if (is_stream(arguments)) {
    settings.stream = retention(arguments);
    return settings;
  }
  settings.overflow = overflow(arguments);
  settings.max_priority = static_cast<std::uint8_t>(
      std::min<std::uint64_t>(limit(arguments, "x-max-priority").value_or(0), 255));
  settings.strict_priorities = settings.max_priority == 0 && queue_type_of(arguments) == "quorum";
  settings.message_ttl_ms = limit(arguments, "x-message-ttl");
  settings.expires_ms = limit(arguments, "x-expires");
  settings.max_length = limit(arguments, "x-max-length");
  settings.max_octets = limit(arguments, "x-max-length-bytes");
  settings.dead_letters = dead_lettering(info);
  settings.delivery_limit = delivery_limit(arguments);
  settings.consumer_timeout_ms = limit(arguments, "x-consumer-timeout");
  settings.retry = retry(arguments);
  settings.duplicates = duplicates(arguments);
  return settings;
}

}  // namespace warren::catalog
