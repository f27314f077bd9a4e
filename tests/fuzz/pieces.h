// An input that is a list: each piece is led by its length, two octets, big-endian; the last one
// may be cut short.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace warren::fuzz {

inline std::vector<std::string> pieces_of(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> pieces;
  while (rest.size() >= 2) {
    const std::size_t length = static_cast<std::size_t>(static_cast<unsigned char>(rest[0])) << 8 |
                               static_cast<unsigned char>(rest[1]);
    rest.remove_prefix(2);
    pieces.emplace_back(rest.substr(0, length));
    rest.remove_prefix(std::min(length, rest.size()));
  }
  return pieces;
}

// REQUIRES: no piece of 64 KiB.
inline std::string as_pieces(const std::vector<std::string>& pieces) {
  std::string out;
  for (const std::string& piece : pieces) {
    out.push_back(static_cast<char>(piece.size() >> 8));
    out.push_back(static_cast<char>(piece.size()));
    out += piece;
  }
  return out;
}

}  // namespace warren::fuzz
