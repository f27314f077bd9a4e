#include "broker/cluster/direct_reply.h"

#include <fmt/format.h>

#include <charconv>

namespace warren::cluster {

namespace {

constexpr std::size_t digits = 16;  // of 64 bits

// Exactly `digits` lower-case hexadecimal digits.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  const std::string_view part = text.substr(0, digits);
  std::uint64_t value = 0;
  const auto [end, fault] = std::from_chars(part.data(), part.data() + part.size(), value, 16);
  if (fault != std::errc{} || end != part.data() + digits) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

}  // namespace

bool is_reply_queue(std::string_view name) {
  return name.starts_with(reply_queue) &&
         (name.size() == reply_queue.size() || name[reply_queue.size()] == '.');
}

std::string name_of(const ReplyAddress& address) {
  return fmt::format("{}.{:016x}{:016x}{:016x}{:016x}", reply_queue, address.life.node.value,
                     address.life.incarnation.value, address.channel, address.secret);
}

std::optional<ReplyAddress> address_of(std::string_view name) {
  if (!is_reply_queue(name) || name.size() != reply_queue.size() + 1 + 4 * digits)
    return std::nullopt;
  name.remove_prefix(reply_queue.size() + 1);
  const auto node = take_number(name), incarnation = take_number(name);
  const auto channel = take_number(name), secret = take_number(name);
  if (!node || !incarnation || !channel || !secret || *node >> 32 != 0) return std::nullopt;
  return ReplyAddress{
      {NodeId(static_cast<std::uint32_t>(*node)), Incarnation(*incarnation)}, *channel, *secret};
}

}  // namespace warren::cluster
