#include "storage/crc32c.h"

#include <array>
#include <cstring>

namespace warren::storage {

namespace {

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1) ^ ((crc & 1) ? 0x82f63b78u : 0);
    table[i] = crc;
  }
  return table;
}

constexpr std::array<std::uint32_t, 256> table = make_table();

std::uint32_t by_table(std::uint32_t crc, const char* data, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i)
    crc = table[(crc ^ static_cast<unsigned char>(data[i])) & 0xff] ^ (crc >> 8);
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(std::uint32_t crc, const char* data,
                                                               std::size_t size) {
  std::uint64_t wide = crc;
  for (; size >= 8; size -= 8, data += 8) {
    std::uint64_t word;
    std::memcpy(&word, data, sizeof word);
    wide = __builtin_ia32_crc32di(wide, word);
  }
  crc = static_cast<std::uint32_t>(wide);
  for (; size > 0; --size, ++data)
    crc = __builtin_ia32_crc32qi(crc, static_cast<unsigned char>(*data));
  return crc;
}

bool has_instruction() {
  static const bool has = __builtin_cpu_supports("sse4.2");
  return has;
}
#endif

}  // namespace

std::uint32_t crc32c_extend(std::uint32_t crc, const char* data, std::size_t size) {
#if defined(__x86_64__)
  if (has_instruction()) return ~by_instruction(~crc, data, size);
#endif
  return ~by_table(~crc, data, size);
}

}  // namespace warren::storage

namespace rocksdb::crc32c {

std::uint32_t Extend(std::uint32_t init_crc, const char* data, std::size_t n);
std::uint32_t Extend(std::uint32_t init_crc, const char* data, std::size_t n) {
  return warren::storage::crc32c_extend(init_crc, data, n);
}

}  // namespace rocksdb::crc32c
