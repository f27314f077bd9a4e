// ByteWriter and ByteReader: varints, fixed big-endian integers and length-prefixed strings, for
// the snapshots and keys of the core. Not AMQP's encoding (broker/amqp has that). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace warren {

class ByteWriter {
 public:
  void u8(std::uint8_t v) { out_.push_back(static_cast<char>(v)); }
  void u32_be(std::uint32_t v) { fixed_be(v, 4); }
  void u64_be(std::uint64_t v) { fixed_be(v, 8); }
  void boolean(bool v) { u8(v ? 1 : 0); }
  // LEB128, 1 to 10 bytes.
  void varint(std::uint64_t v) {
    while (v >= 0x80) {
      u8(static_cast<std::uint8_t>(v) | 0x80);
      v >>= 7;
    }
    u8(static_cast<std::uint8_t>(v));
  }
  void zigzag(std::int64_t v) {
    varint((static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63));
  }
  // A varint length, then the octets.
  void string(std::string_view s) {
    varint(s.size());
    out_.append(s);
  }
  void raw(std::string_view s) { out_.append(s); }

  std::size_t size() const { return out_.size(); }
  const std::string& str() const { return out_; }
  std::string take() { return std::move(out_); }

 private:
  void fixed_be(std::uint64_t v, int bytes) {
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
      u8(static_cast<std::uint8_t>(v >> shift));
  }

  std::string out_;
};

// Reads what ByteWriter wrote. A short or malformed input makes every further read return zero or
// an empty string and `ok()` false; check once at the end.
class ByteReader {
 public:
  // `in` must outlive the reader and every view that it returns.
  explicit ByteReader(std::string_view in) : in_(in) {}

  std::uint8_t u8() {
    if (in_.empty()) return bad();
    auto v = static_cast<std::uint8_t>(in_.front());
    in_.remove_prefix(1);
    return v;
  }
  std::uint32_t u32_be() { return static_cast<std::uint32_t>(fixed_be(4)); }
  std::uint64_t u64_be() { return fixed_be(8); }
  bool boolean() { return u8() != 0; }
  std::uint64_t varint() {
    std::uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      std::uint8_t b = u8();
      if (!ok_) return 0;
      v |= static_cast<std::uint64_t>(b & 0x7f) << shift;
      if ((b & 0x80) == 0) return v;
    }
    return bad();
  }
  std::int64_t zigzag() {
    std::uint64_t v = varint();
    return static_cast<std::int64_t>(v >> 1) ^ -static_cast<std::int64_t>(v & 1);
  }
  std::string_view string() { return raw(varint()); }
  std::string_view raw(std::uint64_t length) {
    if (length > in_.size()) {
      bad();
      return {};
    }
    std::string_view s = in_.substr(0, length);
    in_.remove_prefix(length);
    return s;
  }

  bool ok() const { return ok_; }
  bool at_end() const { return in_.empty(); }
  std::size_t remaining() const { return in_.size(); }
  std::string_view rest() const { return in_; }

 private:
  std::uint8_t bad() {
    ok_ = false;
    in_ = {};
    return 0;
  }
  std::uint64_t fixed_be(int bytes) {
    std::uint64_t v = 0;
    for (int i = 0; i < bytes; ++i)
      v = (v << 8) | u8();
    return ok_ ? v : 0;
  }

  std::string_view in_;
  bool ok_ = true;
};

}  // namespace warren
