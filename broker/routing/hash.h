// Hashes for lookups in memory. Never written down and never sent: no order or octet may show them;
// for those that may, stable_hash.h builds on hash_mix, which depends on nothing but its arguments.
// Pure: any thread.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace warren::routing {

constexpr std::uint64_t hash_mix(std::uint64_t a, std::uint64_t b) {
  a ^= b + 0x9e3779b97f4a7c15u;
  a = (a ^ (a >> 30)) * 0xbf58476d1ce4e5b9u;
  a = (a ^ (a >> 27)) * 0x94d049bb133111ebu;
  return a ^ (a >> 31);
}

inline std::uint64_t hash_octets(std::string_view octets, std::uint64_t seed = 0) {
  std::uint64_t hash = hash_mix(octets.size(), seed);
  while (!octets.empty()) {
    std::uint64_t word = 0;
    std::size_t taken = octets.size() < 8 ? octets.size() : 8;
    std::memcpy(&word, octets.data(), taken);
    hash = hash_mix(hash, word);
    octets.remove_prefix(taken);
  }
  return hash;
}

}  // namespace warren::routing
