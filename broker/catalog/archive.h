// Archives that write and read values by one description of each struct, `fields(archive, value)`
// in fields.h. Used by the command codec and by the catalog's snapshots. Pure.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "broker/base/codec.h"
#include "broker/catalog/command.h"

namespace warren::catalog {

class WriteArchive {
 public:
  static constexpr bool reading = false;
  explicit WriteArchive(ByteWriter& out) : out_(out) {}

  template <typename... T>
  void operator()(const T&... values) {
    (value(values), ...);
  }
  // The last field of a command, which those of older builds lack: left out where it says the same
  // as its absence, so that they read on.
  template <typename T>
  void added_later(const T& v) {
    if (v != T()) value(v);
  }

 private:
  void value(const std::string& v) { out_.string(v); }
  void value(bool v) { out_.boolean(v); }
  void value(std::uint32_t v) { out_.varint(v); }
  void value(std::uint64_t v) { out_.varint(v); }
  void value(DestinationKind v) { out_.u8(static_cast<std::uint8_t>(v)); }
  template <typename Tag, typename Integer>
  void value(const Strong<Tag, Integer>& v) {
    out_.varint(v.value);
  }
  template <typename T>
  void value(const std::optional<T>& v) {
    value(v.has_value());
    if (v) value(*v);
  }
  template <typename T>
  void value(const std::vector<T>& v) {
    out_.varint(v.size());
    for (const T& item : v)
      value(item);
  }
  template <typename T>
    requires std::is_class_v<T>
  void value(const T& v) {
    fields(*this, v);
  }

  ByteWriter& out_;
};

// After a fault everything reads as empty and ok() is false.
class ReadArchive {
 public:
  static constexpr bool reading = true;
  explicit ReadArchive(ByteReader& in) : in_(in) {}

  bool ok() const { return ok_ && in_.ok(); }
  template <typename... T>
  void operator()(T&... values) {
    (value(values), ...);
  }
  template <typename T>
  void added_later(T& v) {
    if (in_.ok() && !in_.at_end()) value(v);
  }

 private:
  void value(std::string& v) { v = in_.string(); }
  void value(bool& v) {
    const std::uint8_t octet = in_.u8();
    ok_ = ok_ && octet <= 1;
    v = octet == 1;
  }
  template <typename Integer>
    requires std::is_unsigned_v<Integer>
  void value(Integer& v) {
    const std::uint64_t wide = in_.varint();
    ok_ = ok_ && wide <= std::numeric_limits<Integer>::max();
    v = static_cast<Integer>(wide);
  }
  void value(DestinationKind& v) {
    const std::uint8_t octet = in_.u8();
    ok_ = ok_ && octet <= 1;
    v = octet == 1 ? DestinationKind::exchange : DestinationKind::queue;
  }
  template <typename Tag, typename Integer>
  void value(Strong<Tag, Integer>& v) {
    value(v.value);
  }
  template <typename T>
  void value(std::optional<T>& v) {
    bool present = false;
    value(present);
    if (present && ok()) value(v.emplace());
  }
  // Grows as items are read, so that a false count costs nothing.
  template <typename T>
  void value(std::vector<T>& v) {
    const std::uint64_t count = in_.varint();
    ok_ = ok_ && count <= in_.remaining();
    v.clear();
    for (std::uint64_t i = 0; i < count && ok(); ++i)
      value(v.emplace_back());
  }
  template <typename T>
    requires std::is_class_v<T>
  void value(T& v) {
    fields(*this, v);
  }

  ByteReader& in_;
  bool ok_ = true;
};

}  // namespace warren::catalog
