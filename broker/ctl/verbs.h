// The listing verbs as data: path, heading, columns with the field of the HTTP API that each shows.
// Names, defaults and headings are rabbitmqctl's.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace warren::ctl {

struct Column {
  std::string_view name;
  std::string_view field;  // dotted path into a row, or "=text" that is the same in all
};

struct Verb {
  std::string_view name;
  std::string_view help;
  std::string_view heading;  // "{vhost}" is replaced
  std::string_view path;     // "{vhost}" is replaced, escaped
  std::vector<std::string_view> defaults;
  std::vector<Column> columns;
  bool shows_timeout = false;  // "Timeout: 60.0 seconds ..." above the heading
};

std::span<const Verb> listing_verbs();

}  // namespace warren::ctl
