#include "broker/replica/stream_filter.h"

#include <algorithm>

#include "broker/amqp/properties.h"

namespace warren::replica {

namespace {

constexpr std::string_view filter_header = "x-stream-filter-value";

}  // namespace

bool matches(const queue::StreamReading& reading, const queue::Content& content) {
  if (reading.filters.empty()) return true;
  const auto scan = amqp::scan_properties(content.properties);
  if (!scan || !scan->headers) return reading.match_unfiltered;
  const amqp::FieldTable headers = amqp::headers_of(*scan);
  const auto value = headers.as_string(filter_header);
  if (!value) return reading.match_unfiltered;
  return std::ranges::find(reading.filters, *value) != reading.filters.end();
}

}  // namespace warren::replica
