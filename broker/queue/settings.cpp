#include "broker/queue/settings.h"

#include <utility>

namespace warren::queue {

namespace {

constexpr std::uint8_t settings_version = 1;
constexpr std::uint64_t durable_flag = 1;
constexpr std::uint64_t exclusive_flag = 2;
constexpr std::uint64_t auto_delete_flag = 4;
constexpr std::uint64_t single_active_flag = 8;
// Of DeadLettering.
constexpr std::uint8_t keyed_flag = 1;
constexpr std::uint8_t retained_flag = 2;

// Ten years, and what a step may add to it stays a number.
constexpr std::uint64_t longest_retry_ms = 315'360'000'000;

// Which values follow, in this order.
enum Present : std::uint64_t {
  has_overflow = 1,
  has_max_priority = 2,
  has_message_ttl = 4,
  has_expires = 8,
  has_max_length = 16,
  has_max_octets = 32,
  has_delivery_limit = 64,
  has_consumer_timeout = 128,
  has_dead_letters = 1024,  // two before it were names without a queue
  has_retry = 4096,
  has_duplicates = 8192,
  is_stream = 16384,
  has_max_age = 32768,  // of a stream
  is_history = 65536,   // a stream of so many messages
  strict_priorities = 131072,
};

constexpr std::uint64_t history_bits = is_history | has_max_age;  // and not is_stream

std::uint64_t present(const Settings& s) {
  std::uint64_t bits = 0;
  auto add = [&bits](bool there, Present bit) { bits |= there ? bit : 0; };
  add(s.overflow != Overflow::drop_head, has_overflow);
  add(s.max_priority != 0, has_max_priority);
  add(s.message_ttl_ms.has_value(), has_message_ttl);
  add(s.expires_ms.has_value(), has_expires);
  add(s.max_length.has_value(), has_max_length);
  add(s.max_octets.has_value(), has_max_octets);
  add(s.delivery_limit.has_value(), has_delivery_limit);
  add(s.consumer_timeout_ms.has_value(), has_consumer_timeout);
  add(s.dead_letters.has_value(), has_dead_letters);
  add(s.retry != Retry(), has_retry);
  add(s.duplicates.keys > 0, has_duplicates);
  const bool history = s.stream && s.stream->max_messages;
  // What an older build refuses: it would take a history for a stream that never drops anything.
  if (history) return bits | history_bits;
  add(s.stream.has_value(), is_stream);
  add(s.stream && s.stream->max_octets, has_max_octets);
  add(s.stream && s.stream->max_age_ms, has_max_age);
  add(s.strict_priorities, strict_priorities);
  return bits;
}

std::optional<std::uint64_t> number_if(bool there, ByteReader& in) {
  return there ? std::optional(in.varint()) : std::nullopt;
}

void encode_retry(const Retry& retry, ByteWriter& out) {
  out.u8(static_cast<std::uint8_t>(retry.kind));
  out.varint(retry.min_ms);
  out.boolean(retry.max_ms.has_value());
  out.varint(retry.max_ms.value_or(0));
  out.varint(retry.multiplier);
}

Retry decode_retry(ByteReader& in) {
  Retry retry;
  retry.kind = static_cast<RetryKind>(in.u8());
  retry.min_ms = in.varint();
  const bool limited = in.boolean();
  const std::uint64_t max_ms = in.varint();
  if (limited) retry.max_ms = max_ms;
  retry.multiplier = in.varint();
  return retry;
}

bool decode_values(ByteReader& in, Settings& settings) {
  const std::uint64_t bits = in.varint();
  if ((bits & has_overflow) != 0) settings.overflow = static_cast<Overflow>(in.u8());
  if ((bits & has_max_priority) != 0) settings.max_priority = in.u8();
  settings.strict_priorities = (bits & strict_priorities) != 0;
  settings.message_ttl_ms = number_if((bits & has_message_ttl) != 0, in);
  settings.expires_ms = number_if((bits & has_expires) != 0, in);
  settings.max_length = number_if((bits & has_max_length) != 0, in);
  settings.max_octets = number_if((bits & has_max_octets) != 0, in);
  settings.delivery_limit = number_if((bits & has_delivery_limit) != 0, in);
  settings.consumer_timeout_ms = number_if((bits & has_consumer_timeout) != 0, in);
  if ((bits & is_stream) != 0)
    settings.stream = Retention{.max_octets = std::exchange(settings.max_octets, std::nullopt)};
  if ((bits & has_dead_letters) != 0) {
    settings.dead_letters = DeadLettering::decode(in);
    if (!settings.dead_letters) return false;
  }
  if ((bits & has_retry) != 0) settings.retry = decode_retry(in);
  if ((bits & has_duplicates) != 0) {
    settings.duplicates.keys = in.varint();
    const bool timed = in.boolean();
    const std::uint64_t time_ms = in.varint();
    if (timed) settings.duplicates.time_ms = time_ms;
  }
  if ((bits & is_history) != 0) {
    if (bits != history_bits) return false;
    settings.stream = Retention{.max_messages = in.varint()};
  } else if ((bits & has_max_age) != 0) {
    if (!settings.stream) return false;
    settings.stream->max_age_ms = in.varint();
  }
  return in.ok() && settings.overflow <= Overflow::reject_publish_dlx &&
         settings.retry.kind <= RetryKind::returned;
}

}  // namespace

void DeadLettering::encode(ByteWriter& out) const {
  out.u8(static_cast<std::uint8_t>((key ? keyed_flag : 0) | (retained ? retained_flag : 0)));
  out.string(vhost);
  out.string(queue);
  out.string(exchange);
  if (key) out.string(*key);
}

std::optional<DeadLettering> DeadLettering::decode(ByteReader& in) {
  DeadLettering route;
  const std::uint8_t flags = in.u8();
  route.retained = (flags & retained_flag) != 0;
  route.vhost = in.string();
  route.queue = in.string();
  route.exchange = in.string();
  if ((flags & keyed_flag) != 0) route.key = in.string();
  if (!in.ok() || flags > (keyed_flag | retained_flag)) return std::nullopt;
  return route;
}

std::uint64_t Retry::delay_ms(bool is_failure, std::uint32_t deliveries) const {
  const bool waits =
      kind == RetryKind::all || kind == (is_failure ? RetryKind::failed : RetryKind::returned);
  if (!waits || min_ms == 0) return 0;
  const std::uint64_t limit = std::min(max_ms.value_or(longest_retry_ms), longest_retry_ms);
  const std::uint64_t times = std::max<std::uint64_t>(deliveries, 1);
  if (multiplier == 0) return min_ms > limit / times ? limit : min_ms * times;
  std::uint64_t delay = min_ms;
  for (std::uint64_t n = 1; n < times && multiplier > 1 && delay < limit; ++n)
    delay = delay > limit / multiplier ? limit : delay * multiplier;
  return std::min(delay, limit);
}

void Settings::encode(ByteWriter& out) const {
  ByteWriter body;
  body.varint((durable ? durable_flag : 0) | (exclusive ? exclusive_flag : 0) |
              (auto_delete ? auto_delete_flag : 0) | (single_active ? single_active_flag : 0));
  if (const std::uint64_t bits = present(*this); bits != 0) {
    body.varint(bits);
    if ((bits & has_overflow) != 0) body.u8(static_cast<std::uint8_t>(overflow));
    if ((bits & has_max_priority) != 0) body.u8(max_priority);
    for (const auto& number :
         {message_ttl_ms, expires_ms, max_length, stream ? stream->max_octets : max_octets,
          delivery_limit, consumer_timeout_ms})
      if (number) body.varint(*number);
    if (dead_letters) dead_letters->encode(body);
    if ((bits & has_retry) != 0) encode_retry(retry, body);
    if ((bits & has_duplicates) != 0) {
      body.varint(duplicates.keys);
      body.boolean(duplicates.time_ms.has_value());
      body.varint(duplicates.time_ms.value_or(0));
    }
    if ((bits & is_history) != 0)
      body.varint(*stream->max_messages);
    else if (stream && stream->max_age_ms)
      body.varint(*stream->max_age_ms);
  }
  out.u8(settings_version);
  out.string(body.str());
}

std::optional<Settings> Settings::decode(ByteReader& in) {
  std::uint8_t version = in.u8();
  ByteReader body(in.string());
  std::uint64_t flags = body.varint();
  if (!in.ok() || !body.ok() || version < settings_version) return std::nullopt;
  Settings settings;
  settings.durable = (flags & durable_flag) != 0;
  settings.exclusive = (flags & exclusive_flag) != 0;
  settings.auto_delete = (flags & auto_delete_flag) != 0;
  settings.single_active = (flags & single_active_flag) != 0;
  if (!body.at_end() && !decode_values(body, settings)) return std::nullopt;
  // Of two types at once: no record of such a queue could be read again.
  if (settings.stream && settings.strict_priorities) return std::nullopt;
  return settings;
}

}  // namespace warren::queue
