// What every method struct is made of: its identity, and the C++ types that stand for wire types.
// Pure. Source: AMQP 0-9-1 §4.2.4, §4.2.5.
//
// A method is a plain struct whose fields are its arguments in wire order:
//   bool                          a bit; neighbours share octets
//   std::uint8_t … uint64_t       octet, short, long, longlong
//   ShortString, ShortStringView  short string, at most 255 octets
//   LongString                    long string
//   FieldTable                    table
// A view lives as long as the payload that the method was decoded from, or the string that the
// sender put in. Views are for the methods that come with every message.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/amqp/types.h"

namespace warren::amqp {

using ShortString = std::string;
using ShortStringView = std::string_view;
struct LongString {
  std::string value;
  bool operator==(const LongString&) const = default;
};

struct MethodInfo {
  std::uint16_t class_id = 0;
  std::uint16_t method_id = 0;
  std::string_view name = "";  // "basic.publish"
  bool has_content = false;    // a content header and bodies follow

  // (class-id, method-id) as one number, for ordering.
  constexpr std::uint32_t key() const { return (std::uint32_t{class_id} << 16) | method_id; }
};

inline constexpr std::uint16_t basic_class_id = 60;

}  // namespace warren::amqp
