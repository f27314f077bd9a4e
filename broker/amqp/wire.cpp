#include "broker/amqp/wire.h"

#include <fmt/format.h>

namespace warren::amqp {

Error decode_error(std::string_view what, Fault fault) {
  auto text = [what](const char* why) { return fmt::format("cannot decode {}: {}", what, why); };
  switch (fault) {
    case Fault::none:
    case Fault::truncated:
      return {ReplyCode::frame_error, text("octets missing")};
    case Fault::trailing:
      return {ReplyCode::frame_error, text("octets left over")};
    case Fault::unknown_property:
      return {ReplyCode::frame_error, text("unknown property flag")};
    case Fault::malformed_utf8:
      return {ReplyCode::frame_error, std::string(malformed_utf8_text)};
    case Fault::unknown_field_type:
      return {ReplyCode::syntax_error, text("unknown field type")};
    case Fault::too_deep:
      return {ReplyCode::syntax_error, text("tables nested too deep")};
    case Fault::too_many_values:
      return {ReplyCode::syntax_error, text("too many values in a table")};
  }
  return {ReplyCode::frame_error, text("octets missing")};
}

bool is_utf8(std::string_view octets) {
  while (!octets.empty()) {
    const auto first = static_cast<unsigned char>(octets[0]);
    if (first < 0x80) {
      octets.remove_prefix(1);
      continue;
    }
    const std::size_t size = first >> 5 == 0x6    ? 2
                             : first >> 4 == 0xe  ? 3
                             : first >> 3 == 0x1e ? 4
                                                  : 0;
    if (size == 0 || octets.size() < size) return false;
    std::uint32_t point = first & (0x7fu >> size);
    for (std::size_t i = 1; i < size; ++i) {
      const auto next = static_cast<unsigned char>(octets[i]);
      if (next >> 6 != 2) return false;
      point = point << 6 | (next & 0x3f);
    }
    constexpr std::array<std::uint32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
    if (point < least[size] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
      return false;
    octets.remove_prefix(size);
  }
  return true;
}

}  // namespace warren::amqp
