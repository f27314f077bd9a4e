// Hashes that show: which target a message goes to follows from them, so they are the same on every
// node, of every byte order, in every version. FNV-1a, then a mixing step: FNV alone leaves the
// high bits of short keys close together. For lookups in memory, hash.h is faster. Pure: any
// thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "broker/routing/hash.h"

namespace warren::routing {

constexpr std::uint64_t stable_hash(std::string_view octets, std::uint64_t seed = 0) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char octet : octets) {
    hash ^= static_cast<unsigned char>(octet);
    hash *= 0x100000001b3u;
  }
  return hash_mix(hash, seed);
}

}  // namespace warren::routing
