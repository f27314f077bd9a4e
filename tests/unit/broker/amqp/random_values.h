// Seeded random field tables, for round trips.
#pragma once

#include <random>
#include <string>

#include "broker/amqp/types.h"

namespace warren::amqp {

class RandomValues {
 public:
  explicit RandomValues(std::uint32_t seed) : engine_(seed) {}

  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(engine_() % bound); }

  std::string text(std::uint32_t longest) {
    std::string out(below(longest + 1), '\0');
    for (char& c : out)
      c = static_cast<char>(engine_());
    return out;
  }

  FieldTable table(int depth = 0) {
    FieldTable out;
    for (std::uint32_t i = below(6); i > 0; --i)
      out.add(text(12), value(depth));
    return out;
  }

  FieldValue value(int depth) {
    switch (below(depth < 4 ? 17 : 15)) {
      case 0:
        return Void{};
      case 1:
        return below(2) == 1;
      case 2:
        return static_cast<std::int8_t>(engine_());
      case 3:
        return static_cast<std::uint8_t>(engine_());
      case 4:
        return static_cast<std::int16_t>(engine_());
      case 5:
        return static_cast<std::uint16_t>(engine_());
      case 6:
        return static_cast<std::int32_t>(engine_());
      case 7:
        return static_cast<std::uint32_t>(engine_());
      case 8:
        return static_cast<std::int64_t>(wide());
      case 9:
        return static_cast<float>(below(1000)) / 8;
      case 10:
        return static_cast<double>(below(1000)) / 64;
      case 11:
        return Decimal{static_cast<std::uint8_t>(below(9)), static_cast<std::uint32_t>(wide())};
      case 12:
        return text(300);
      case 13:
        return Timestamp{wide()};
      case 14:
        return ByteArray{text(20)};
      case 15:
        return table(depth + 1);
      default:
        return array(depth + 1);
    }
  }

 private:
  std::uint64_t wide() {
    std::uint64_t high = engine_();
    return (high << 32) | engine_();
  }
  FieldArray array(int depth) {
    FieldArray out;
    for (std::uint32_t i = below(4); i > 0; --i)
      out.values.push_back(value(depth));
    return out;
  }

  std::mt19937 engine_;
};

// "\x00\x0a" spelled with its length, since such strings hold zeros.
template <std::size_t n>
std::string octets(const char (&literal)[n]) {
  return std::string(literal, n - 1);
}

}  // namespace warren::amqp
