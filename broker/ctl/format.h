// Rows of a listing as text: rabbitmqctl's formatters. Pure.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace warren::ctl {

enum class Formatter : unsigned char { table, pretty_table, csv, json, erlang };

std::optional<Formatter> formatter_named(std::string_view name);

struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<boost::json::value>> rows;  // as many values as columns in each
};

// With a line feed at its end, unless empty. `headers`: name the columns (table and csv, and only
// above at least one row).
std::string format_table(const Table& table, Formatter formatter, bool headers);

// A value as Erlang prints it in a table cell: [], [{"x-max-length",10}], true, text as it stands.
std::string cell_text(const boost::json::value& value);

}  // namespace warren::ctl
