// What every codec must hold to.
#pragma once

#include "broker/base/check.h"

namespace warren::fuzz {

// What decodes says the same once it was encoded again.
template <typename Octets, typename Decode, typename Encode>
void check_round_trip(const Octets& octets, Decode decode, Encode encode) {
  auto value = decode(octets);
  if (!value) return;
  const auto again = encode(*value);
  auto second = decode(again);
  CHECK(second.has_value() && encode(*second) == again);
}

// A group's state restores from its own parts, to the same.
template <typename State>
void check_snapshot(const State& state) {
  State copy;
  for (const auto& part : state.parts())
    CHECK(copy.restore(part.key, *part.octets).has_value());
  CHECK(copy.digest() == state.digest());
}

}  // namespace warren::fuzz
