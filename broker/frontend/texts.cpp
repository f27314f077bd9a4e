#include "broker/frontend/texts.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <random>

namespace warren::frontend {

std::string queue_text(std::string_view vhost, std::string_view queue) {
  return fmt::format("queue '{}' in vhost '{}'", queue, vhost);
}

std::string exchange_text(std::string_view vhost, std::string_view exchange) {
  return fmt::format("exchange '{}' in vhost '{}'", exchange, vhost);
}

Error no_queue(std::string_view vhost, std::string_view queue) {
  return {ReplyCode::not_found, "no " + queue_text(vhost, queue)};
}

Error no_exchange(std::string_view vhost, std::string_view exchange) {
  return {ReplyCode::not_found, "no " + exchange_text(vhost, exchange)};
}

Error locked_queue(std::string_view vhost, std::string_view queue) {
  return {
      ReplyCode::resource_locked,
      fmt::format("cannot obtain exclusive access to locked {}. It could be originally declared "
                  "on another connection or the exclusive property value does not match that "
                  "of the original declaration.",
                  queue_text(vhost, queue))};
}

Error default_exchange() {
  return {ReplyCode::access_refused, "operation not permitted on the default exchange"};
}

std::string without_line_ends(std::string_view name) {
  std::string out(name);
  std::erase_if(out, [](char c) { return c == '\r' || c == '\n'; });
  return out;
}

bool is_reserved(std::string_view name) {
  return name.starts_with("amq.");
}

std::string random_name(std::string_view prefix) {
  static constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  static thread_local std::random_device source;
  std::string name(prefix);
  std::array<std::uint32_t, 4> bits{source(), source(), source(), source()};
  for (int i = 0; i < 22; ++i) {
    std::uint32_t value = 0;
    for (int bit = i * 6; bit < i * 6 + 6; ++bit)
      value = (value << 1) | (bit < 128 ? (bits[bit / 32] >> (bit % 32)) & 1 : 0);
    name.push_back(letters[value]);
  }
  return name;
}

}  // namespace warren::frontend
