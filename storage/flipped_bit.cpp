#include "storage/flipped_bit.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "storage/crc32c.h"

namespace warren::storage {
namespace {

// [crc32c, masked: u32 le][length: u16 le][type: u8][payload]
constexpr std::size_t header_size = 7;

std::uint32_t unsigned_at(std::string_view data, std::size_t at) {
  return static_cast<unsigned char>(data[at]);
}
std::uint32_t stored_crc(std::string_view rest) {
  return unsigned_at(rest, 0) | unsigned_at(rest, 1) << 8 | unsigned_at(rest, 2) << 16 |
         unsigned_at(rest, 3) << 24;
}

constexpr std::uint32_t unmask(std::uint32_t masked) {
  return std::rotl(masked - 0xa282ead8u, 15);
}

// Over the type and `length` octets of payload. False: there are not so many.
bool covered(std::string_view rest, std::size_t length, std::string_view& data) {
  if (length > rest.size() - header_size) return false;
  data = rest.substr(header_size - 1, 1 + length);
  return true;
}

// A checksum is linear: a flipped bit changes it by what depends on the bit's distance from the end
// alone. So the difference names the bit, if there is one.
bool flipped_in(std::string_view data, std::uint32_t difference) {
  const char zero = 0;
  const std::uint32_t of_zero = crc32c_extend(0, &zero, 1);
  std::array<std::uint32_t, 8> effects{};
  for (std::size_t bit = 0; bit < 8; ++bit) {
    const char octet = static_cast<char>(1u << bit);
    effects[bit] = crc32c_extend(0, &octet, 1) ^ of_zero;
  }
  for (std::size_t i = 0; i < data.size(); ++i)
    for (std::uint32_t& effect : effects) {
      if (effect == difference) return true;
      effect = crc32c_extend(effect, &zero, 1) ^ of_zero;
    }
  return false;
}

}  // namespace

bool one_bit_is_flipped(std::string_view rest) {
  if (rest.size() < header_size) return false;
  const std::uint32_t stored = stored_crc(rest);
  const std::uint32_t length = unsigned_at(rest, 4) | unsigned_at(rest, 5) << 8;
  std::string_view data;
  if (covered(rest, length, data)) {
    const std::uint32_t computed = crc32c_extend(0, data.data(), data.size());
    if (std::has_single_bit(stored ^ crc32c_mask(computed))) return true;
    if (flipped_in(data, unmask(stored) ^ computed)) return true;
  }
  for (std::uint32_t bit = 0; bit < 16; ++bit)
    if (covered(rest, length ^ 1u << bit, data) &&
        crc32c_mask(crc32c_extend(0, data.data(), data.size())) == stored)
      return true;
  return false;
}

}  // namespace warren::storage
