// Rows of listings as octets, for their way from node to node: every field in the order of its
// struct, by reflection. Both ends run the same protocol version (proto/cluster.proto, Inspect), so
// rows carry no field names. Pure: any thread.
#pragma once

#include <boost/pfr.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "broker/base/codec.h"
#include "broker/base/ids.h"

namespace warren::inspect {

namespace row_codec {

template <typename T>
struct IsVector : std::false_type {};
template <typename T>
struct IsVector<std::vector<T>> : std::true_type {};
template <typename T>
struct IsStrong : std::false_type {};
template <typename Tag, typename Integer>
struct IsStrong<Strong<Tag, Integer>> : std::true_type {};

template <typename T>
void put(ByteWriter& out, const T& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    out.string(value);
  } else if constexpr (std::is_integral_v<T>) {
    out.varint(static_cast<std::uint64_t>(value));
  } else if constexpr (IsStrong<T>::value) {
    out.varint(value.value);
  } else if constexpr (IsVector<T>::value) {
    out.varint(value.size());
    for (const auto& item : value)
      put(out, item);
  } else {
    boost::pfr::for_each_field(value, [&](const auto& field) { put(out, field); });
  }
}

template <typename T>
void get(ByteReader& in, T& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    value = in.string();
  } else if constexpr (std::is_integral_v<T>) {
    value = static_cast<T>(in.varint());
  } else if constexpr (IsStrong<T>::value) {
    value = T(static_cast<typename T::integer_type>(in.varint()));
  } else if constexpr (IsVector<T>::value) {
    // A row takes at least an octet, so a lying count ends with the input: one read too many.
    for (std::uint64_t left = in.varint(); left != 0 && in.ok(); --left)
      get(in, value.emplace_back());
  } else {
    boost::pfr::for_each_field(value, [&](auto& field) { get(in, field); });
  }
}

}  // namespace row_codec

template <typename Row>
std::string encode_rows(const std::vector<Row>& rows) {
  ByteWriter out;
  row_codec::put(out, rows);
  return out.take();
}

// Malformed octets: no rows.
template <typename Row>
std::vector<Row> decode_rows(std::string_view octets) {
  ByteReader in(octets);
  std::vector<Row> rows;
  row_codec::get(in, rows);
  if (!in.ok() || !in.at_end()) rows.clear();
  return rows;
}

}  // namespace warren::inspect
