// The properties of class basic: decoded and encoded whole, or scanned where they lie. The broker
// keeps and delivers them as the octets that the publisher sent ("raw": property flags and values,
// a content header's payload after its first 12 octets). Pure: any thread.
// Source: AMQP 0-9-1 §4.2.6.1, §1.9.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "broker/amqp/types.h"
#include "broker/base/result.h"

namespace warren::amqp {

struct BasicProperties {
  std::optional<std::string> content_type;
  std::optional<std::string> content_encoding;
  std::optional<FieldTable> headers;
  std::optional<std::uint8_t> delivery_mode;  // 1 transient, 2 persistent
  std::optional<std::uint8_t> priority;
  std::optional<std::string> correlation_id;
  std::optional<std::string> reply_to;
  std::optional<std::string> expiration;  // milliseconds in decimal digits
  std::optional<std::string> message_id;
  std::optional<Timestamp> timestamp;
  std::optional<std::string> type;
  std::optional<std::string> user_id;
  std::optional<std::string> app_id;
  std::optional<std::string> cluster_id;  // reserved in 0-9-1

  bool operator==(const BasicProperties&) const = default;
};

// Errors: 501 octets missing or left over, unknown flag; 502 bad table.
Result<BasicProperties> decode_properties(std::string_view raw);
// REQUIRES: strings within 255 octets.
std::string encode_properties(const BasicProperties& properties);

// What routing and queueing want of raw properties, after every octet was checked. The views point
// into the raw octets.
struct PropertyScan {
  std::uint8_t delivery_mode = 0;  // 0: not given
  std::optional<std::uint8_t> priority;
  std::optional<std::string_view> correlation_id;
  std::optional<std::string_view> reply_to;
  std::optional<std::string_view> expiration;
  std::optional<std::string_view> user_id;
  std::optional<std::string_view> message_id;
  std::optional<std::uint64_t> timestamp;   // seconds since the Unix epoch
  std::optional<std::string_view> headers;  // the fields, without the table's length
  std::size_t headers_offset = 0;           // in raw, where the table's length is or would be
  bool has_cc = false;
  bool has_bcc = false;
  bool has_delay = false;             // x-delay
  bool has_duplicate_key = false;     // x-deduplication-header or x-message-deduplication
  std::size_t extra_flag_octets = 0;  // empty continuation words after the first flags

  bool persistent() const { return delivery_mode == 2; }
};

// Allocates nothing. Errors as decode_properties.
Result<PropertyScan> scan_properties(std::string_view raw);

// The header table, empty if there is none. REQUIRES: a scan of octets that are still alive.
FieldTable headers_of(const PropertyScan& scan);

struct HeaderEdit {
  std::string_view name;
  std::optional<FieldValue> value;  // nullopt: remove
};

// Raw properties with some headers replaced, added (at the end) or removed; all else stays octet
// by octet. Errors as decode_properties.
Result<std::string> edit_headers(std::string_view raw, std::span<const HeaderEdit> edits);

// Raw properties with another reply-to. REQUIRES: `scan` is of `raw`, and has one; up to 255
// octets.
std::string with_reply_to(std::string_view raw, const PropertyScan& scan,
                          std::string_view reply_to);

}  // namespace warren::amqp
