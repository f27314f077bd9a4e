// The frame that entries and batches share, [u32 header length, big-endian][header][octets], and
// the difference coding of their columns. Included by this folder's codecs only. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace warren::replica {

// Differences of a column, modulo 2^64.
class Delta {
 public:
  std::int64_t step(std::uint64_t value) {
    auto difference = static_cast<std::int64_t>(value - last_);
    last_ = value;
    return difference;
  }
  std::uint64_t add(std::int64_t difference) {
    return last_ += static_cast<std::uint64_t>(difference);
  }

 private:
  std::uint64_t last_ = 0;
};

// The length and the header, with room for `octets` more.
template <typename Header>
std::string frame(const Header& header, std::size_t octets) {
  std::size_t length = header.ByteSizeLong();
  std::string out;
  out.reserve(4 + length + octets);
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(static_cast<std::uint32_t>(length) >> shift));
  out.resize(4 + length);
  header.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(out.data() + 4));
  return out;
}

// The octets behind the header; nothing: malformed.
template <typename Header>
std::optional<std::string_view> unframe(std::string_view in, Header& header) {
  if (in.size() < 4) return std::nullopt;
  std::uint32_t length = 0;
  for (int i = 0; i < 4; ++i)
    length = (length << 8) | static_cast<unsigned char>(in[static_cast<std::size_t>(i)]);
  if (length > in.size() - 4 || length > 0x7fffffffu) return std::nullopt;
  if (!header.ParseFromArray(in.data() + 4, static_cast<int>(length))) return std::nullopt;
  return in.substr(4 + length);
}

}  // namespace warren::replica
