// One message as its publisher numbers it, in its body.
#pragma once

#include <fmt/format.h>

#include <charconv>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace warren::simulation {

struct Key {
  std::uint64_t publisher = 0;
  std::uint64_t sequence = 0;
  auto operator<=>(const Key&) const = default;

  std::string octets() const { return fmt::format("{}:{}:", publisher, sequence); }
  static Key parse(std::string_view body) {
    Key key;
    const auto colon = body.find(':');
    if (colon == std::string_view::npos) return key;
    std::from_chars(body.data(), body.data() + colon, key.publisher);
    std::from_chars(body.data() + colon + 1, body.data() + body.size(), key.sequence);
    return key;
  }
};

}  // namespace warren::simulation
