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
  is_stream = 16384,
  has_max_age = 32768,  // of a stream
};

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
  add(s.stream.has_value(), is_stream);
  add(s.stream && s.stream->max_octets, has_max_octets);
  add(s.stream && s.stream->max_age_ms, has_max_age);
  return bits;
}

std::optional<std::uint64_t> number_if(bool there, ByteReader& in) {
  return there ? std::optional(in.varint()) : std::nullopt;
}

bool decode_values(ByteReader& in, Settings& settings) {
  const std::uint64_t bits = in.varint();
  if ((bits & has_overflow) != 0) settings.overflow = static_cast<Overflow>(in.u8());
  if ((bits & has_max_priority) != 0) settings.max_priority = in.u8();
  settings.message_ttl_ms = number_if((bits & has_message_ttl) != 0, in);
  settings.expires_ms = number_if((bits & has_expires) != 0, in);
  settings.max_length = number_if((bits & has_max_length) != 0, in);
  settings.max_octets = number_if((bits & has_max_octets) != 0, in);
  settings.delivery_limit = number_if((bits & has_delivery_limit) != 0, in);
  settings.consumer_timeout_ms = number_if((bits & has_consumer_timeout) != 0, in);
  if ((bits & is_stream) != 0)
    settings.stream = Retention{std::exchange(settings.max_octets, std::nullopt), std::nullopt};
  if ((bits & has_dead_letters) != 0) {
    settings.dead_letters = DeadLettering::decode(in);
    if (!settings.dead_letters) return false;
  }
  if ((bits & has_max_age) != 0) {
    if (!settings.stream) return false;
    settings.stream->max_age_ms = in.varint();
  }
  return in.ok() && settings.overflow <= Overflow::reject_publish_dlx;
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
    if (stream && stream->max_age_ms) body.varint(*stream->max_age_ms);
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
  return settings;
}

}  // namespace warren::queue
