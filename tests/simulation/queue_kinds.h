// What the queues of a run are declared with: each kind has one limit, small enough to be met.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/catalog/command.h"
#include "broker/queue/machine.h"

namespace warren::simulation {

enum class QueueKind : std::uint8_t {
  plain,
  priorities,
  drops_head,
  dead_letters,
  rejects,  // so that it is often the target of dead letters
  expires,
  counts_deliveries,
  single_active,
  delays,
  retries,
  takes_once,
  stream,
};
constexpr std::uint64_t queue_kinds = 12;
// Of every message, by its number: queues without priorities pass over it.
constexpr std::uint8_t highest_priority = 3;
constexpr std::uint8_t priority_of(std::uint64_t sequence) {
  return static_cast<std::uint8_t>(sequence % (highest_priority + 1));
}

// Of a message, by its number, that is for one queue alone, which delays; some are not delayed.
constexpr std::uint64_t delay_of(std::uint64_t sequence) {
  return sequence % 4 == 0 ? 0 : sequence % 4 == 1 ? 400 : 50 + sequence * 37 % 900;
}

// What workloads publish with: a dead letter has its target's name.
constexpr std::string_view published_key = "key";
constexpr std::string_view no_properties{"\0\0", 2};

// `next`: the name of another queue.
inline catalog::Arguments arguments_of(QueueKind kind, const std::string& next) {
  switch (kind) {
    case QueueKind::stream:
      return {{"x-queue-type", "longstr", "stream"}};
    case QueueKind::plain:
    case QueueKind::delays:
      return {};
    case QueueKind::takes_once:
      return {{"x-message-deduplication", "bool", "true"}, {"x-cache-size", "long", "500"}};
    case QueueKind::retries:
      return {{"x-delayed-retry-type", "longstr", "all"},
              {"x-delayed-retry-min", "long", "150"},
              {"x-delayed-retry-max", "long", "600"}};
    case QueueKind::priorities:
      return {{"x-max-priority", "long", "3"}};
    case QueueKind::drops_head:
      return {{"x-max-length", "long", "8"}};
    case QueueKind::rejects:
      return {{"x-max-length", "long", "4"}, {"x-overflow", "longstr", "reject-publish"}};
    case QueueKind::expires:
      return {{"x-message-ttl", "long", "700"}};
    case QueueKind::counts_deliveries:
      return {{"x-delivery-limit", "long", "1"}};
    case QueueKind::single_active:
      return {{"x-single-active-consumer", "bool", "true"}};
    case QueueKind::dead_letters:
      return {{"x-message-ttl", "long", "700"},
              {"x-delivery-limit", "long", "1"},
              {"x-max-length", "long", "60"},
              {"x-overflow", "longstr", "reject-publish"},
              {"x-dead-letter-strategy", "longstr", "at-least-once"},
              {"x-dead-letter-exchange", "longstr", ""},
              {"x-dead-letter-routing-key", "longstr", next}};
  }
  return {};
}

// Without a limit that would end a message before its time.
constexpr bool keeps_until_its_time(QueueKind kind) {
  return kind == QueueKind::plain || kind == QueueKind::priorities || kind == QueueKind::delays ||
         kind == QueueKind::counts_deliveries || kind == QueueKind::single_active;
}

// May a message of such a queue go for that reason?
constexpr bool may_die(QueueKind kind, queue::DeathReason reason) {
  switch (reason) {
    case queue::DeathReason::expired:
      return kind == QueueKind::expires || kind == QueueKind::dead_letters;
    case queue::DeathReason::maxlen:
      return kind == QueueKind::drops_head;
    case queue::DeathReason::delivery_limit:
      return kind == QueueKind::counts_deliveries || kind == QueueKind::dead_letters;
    case queue::DeathReason::rejected:
      return kind == QueueKind::dead_letters;
  }
  return false;
}

}  // namespace warren::simulation
