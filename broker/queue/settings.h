// What a queue was declared with, as far as its group must know it: written into the log by the
// leader with create, so that applying never reads a catalog. Pure value: any thread.
// Source: RabbitMQ's queue arguments (x-message-ttl and the like).
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "broker/base/codec.h"
#include "broker/base/ids.h"
#include "broker/queue/duplicate_window.h"

namespace warren::queue {

// What happens to a message that would be one too many.
enum class Overflow : std::uint8_t {
  drop_head = 0,           // the oldest ready one goes
  reject_publish = 1,      // basic.nack
  reject_publish_dlx = 2,  // the same, and it is dead-lettered
};

// Where a queue's dead messages go, and as whose.
struct DeadLettering {
  std::string vhost;
  std::string queue;     // its name
  std::string exchange;  // may be the default exchange: empty
  std::optional<std::string> key;
  // x-dead-letter-strategy=at-least-once: they wait for a queue that takes them.
  bool retained = false;

  void encode(ByteWriter& out) const;
  // Nothing: malformed.
  static std::optional<DeadLettering> decode(ByteReader& in);
  bool operator==(const DeadLettering&) const = default;
};

// Which of the messages that come back wait before they are ready again. As RabbitMQ's
// x-delayed-retry-type; failed: those whose return counts as a failed delivery.
enum class RetryKind : std::uint8_t { disabled = 0, all = 1, failed = 2, returned = 3 };

struct Retry {
  RetryKind kind = RetryKind::disabled;
  std::uint64_t min_ms = 0;
  std::optional<std::uint64_t> max_ms;
  // 0: the delay grows by min_ms with each failed delivery; else it is multiplied by this.
  std::uint64_t multiplier = 0;

  // How long a message waits that comes back after so many failed deliveries; 0: not at all.
  std::uint64_t delay_ms(bool failed, std::uint32_t deliveries) const;
  bool operator==(const Retry&) const = default;
};

// A stream keeps what was read: these alone make it drop its oldest messages.
struct Retention {
  std::optional<std::uint64_t> max_octets;  // of all bodies
  std::optional<std::uint64_t> max_age_ms;
  std::optional<std::uint64_t> max_messages;  // of an exchange's history
  bool operator==(const Retention&) const = default;
};

// Of RabbitMQ's quorum queues, from 4.3 on.
inline constexpr std::uint8_t highest_strict_priority = 31;
inline constexpr std::uint8_t default_strict_priority = 4;

struct Settings {
  bool durable = true;
  bool exclusive = false;
  bool auto_delete = false;
  bool single_active = false;
  Overflow overflow = Overflow::drop_head;
  std::uint8_t max_priority = 0;
  // A quorum queue's without max_priority: strictly 0 to 31, and who gives none counts as 4.
  bool strict_priorities = false;
  std::optional<std::uint64_t> message_ttl_ms;
  std::optional<std::uint64_t> expires_ms;
  std::optional<std::uint64_t> max_length;  // ready messages
  std::optional<std::uint64_t> max_octets;  // of ready messages
  // Failed deliveries that a message survives.
  std::optional<std::uint64_t> delivery_limit;
  std::optional<std::uint64_t> consumer_timeout_ms;
  std::optional<DeadLettering> dead_letters;  // none: what dies is gone
  Retry retry;
  DuplicateWindow::Bounds duplicates;
  std::optional<Retention> stream;  // none: a queue, that loses what is acknowledged

  std::uint8_t highest_priority() const {
    return strict_priorities ? highest_strict_priority : max_priority;
  }
  // Of a message that gives one, or none.
  std::uint8_t priority(std::optional<std::uint8_t> given) const {
    return given.value_or(strict_priorities ? default_strict_priority : 0);
  }
  bool limits_length() const { return max_length || max_octets; }
  // Of a message with a time to live of its own, or without, that is ready since then; 0: none.
  Stamp deadline(std::optional<std::uint64_t> ttl_ms, Stamp ready) const {
    if (message_ttl_ms) ttl_ms = std::min(ttl_ms.value_or(*message_ttl_ms), *message_ttl_ms);
    return ttl_ms ? ready.next(*ttl_ms) : Stamp();
  }

  // Of settings without limits, encoded.
  static constexpr std::size_t plain_octets = 3;
  // version (u8), then a length-prefixed body: a reader skips what a newer writer appended.
  void encode(ByteWriter& out) const;
  // Nothing: malformed.
  static std::optional<Settings> decode(ByteReader& in);

  bool operator==(const Settings&) const = default;
};

}  // namespace warren::queue
