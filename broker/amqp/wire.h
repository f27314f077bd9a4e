// WireReader and WireWriter: AMQP's scalar encodings, big-endian, over octets in memory.
// Pure: any thread, one at a time. Source: AMQP 0-9-1 §4.2.5.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "broker/base/check.h"
#include "broker/base/error.h"

namespace warren::amqp {

inline constexpr std::size_t short_string_limit = 255;

// Why octets could not be read.
enum class Fault : std::uint8_t {
  none,
  truncated,           // the octets end too early, or a length goes past them
  trailing,            // octets left over
  unknown_field_type,  // a letter that no field value has
  too_deep,            // tables or arrays nested beyond table_depth_limit
  too_many_values,     // more values than table_value_limit
  unknown_property,    // a property flag that class 60 does not have
  malformed_utf8,      // a name in a method's arguments that is no text
};

// The answer to a fault in `what` ("queue.declare", "basic properties"): 501 or 502.
Error decode_error(std::string_view what, Fault fault);
// RabbitMQ blames no method for it.
inline constexpr std::string_view malformed_utf8_text = "Malformed UTF-8 in shortstr";

bool is_utf8(std::string_view octets);

// A short input makes this and every further read return zero or an empty view; look at fault()
// once at the end. The first fault is kept.
class WireReader {
 public:
  // `octets` must outlive the reader and every view that it returns.
  explicit WireReader(std::string_view octets) : left_(octets) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(big_endian<1>()); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(big_endian<2>()); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(big_endian<4>()); }
  std::uint64_t u64() { return big_endian<8>(); }
  std::string_view short_string() { return raw(u8()); }
  std::string_view long_string() { return raw(u32()); }
  std::string_view raw(std::size_t length) {
    if (length > left_.size()) {
      fail(Fault::truncated);
      return {};
    }
    std::string_view octets = left_.substr(0, length);
    left_.remove_prefix(length);
    return octets;
  }

  void fail(Fault fault) {
    if (fault_ == Fault::none) fault_ = fault;
    left_ = {};
  }
  // REQUIRES: nothing more is expected.
  void expect_end() {
    if (!left_.empty()) fail(Fault::trailing);
  }
  Fault fault() const { return fault_; }
  bool ok() const { return fault_ == Fault::none; }
  bool at_end() const { return left_.empty(); }
  std::string_view rest() const { return left_; }

 private:
  template <std::size_t width>
  std::uint64_t big_endian() {
    if (left_.size() < width) {
      fail(Fault::truncated);
      return 0;
    }
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < width; ++i)
      value = (value << 8) | static_cast<std::uint8_t>(left_[i]);
    left_.remove_prefix(width);
    return value;
  }

  std::string_view left_;
  Fault fault_ = Fault::none;
};

// Stores `value` big-endian in `width` octets.
template <std::size_t width>
void store_big_endian(char* to, std::uint64_t value) {
  for (std::size_t i = 0; i < width; ++i)
    to[i] = static_cast<char>(value >> (8 * (width - 1 - i)));
}

// Appends to anything with append(const char*, std::size_t): std::string, OutputBuffer.
template <typename Out>
class WireWriter {
 public:
  explicit WireWriter(Out& out) : out_(out) {}

  void u8(std::uint8_t v) { big_endian<1>(v); }
  void u16(std::uint16_t v) { big_endian<2>(v); }
  void u32(std::uint32_t v) { big_endian<4>(v); }
  void u64(std::uint64_t v) { big_endian<8>(v); }
  // REQUIRES: at most 255 octets.
  void short_string(std::string_view s) {
    CHECK(s.size() <= short_string_limit, "short string of {} octets", s.size());
    u8(static_cast<std::uint8_t>(s.size()));
    raw(s);
  }
  void long_string(std::string_view s) {
    CHECK(s.size() <= UINT32_MAX, "long string of {} octets", s.size());
    u32(static_cast<std::uint32_t>(s.size()));
    raw(s);
  }
  void raw(std::string_view s) { out_.append(s.data(), s.size()); }
  Out& out() { return out_; }

 private:
  template <std::size_t width>
  void big_endian(std::uint64_t v) {
    std::array<char, width> octets;
    store_big_endian<width>(octets.data(), v);
    out_.append(octets.data(), width);
  }

  Out& out_;
};

}  // namespace warren::amqp
