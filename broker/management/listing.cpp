#include "broker/management/listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <limits>
#include <regex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace warren::management {

namespace {

namespace json = boost::json;

constexpr std::size_t default_page_size = 100;
constexpr std::size_t max_page_size = 500;
constexpr std::size_t max_pattern = 1024;

// The value at "a.b.c", or null.
const json::value* at_path(const json::value& row, std::string_view path) {
  const json::value* value = &row;
  while (!path.empty()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    const auto* object = value->if_object();
    value = object ? object->if_contains(path.substr(0, dot)) : nullptr;
    if (!value) return nullptr;
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return value;
}

void put_path(json::object& into, std::string_view path, const json::value& value) {
  const std::size_t dot = path.find('.');
  if (dot == path.npos) {
    into[path] = value;
    return;
  }
  json::value& inner = into[path.substr(0, dot)];
  if (!inner.is_object()) inner.emplace_object();
  put_path(inner.get_object(), path.substr(dot + 1), value);
}

json::value with_columns(const json::value& row, std::string_view columns) {
  if (columns.empty()) return row;
  json::object out;
  while (!columns.empty()) {
    const std::size_t comma = std::min(columns.find(','), columns.size());
    const std::string_view path = columns.substr(0, comma);
    if (const json::value* value = at_path(row, path)) put_path(out, path, *value);
    columns.remove_prefix(std::min(comma + 1, columns.size()));
  }
  return out;
}

bool is_less(const json::value* a, const json::value* b) {
  if (!a || !b) return !a && b;
  if (a->is_string() && b->is_string()) return a->get_string() < b->get_string();
  if (a->is_number() && b->is_number()) return a->to_number<double>() < b->to_number<double>();
  return json::serialize(*a) < json::serialize(*b);
}

std::optional<std::size_t> number(const Request& request, const char* name, std::size_t otherwise) {
  const auto text = request.query_value(name);
  if (!text) return otherwise;
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{} || end != text->data() + text->size()) return std::nullopt;
  return value;
}

template <typename Keep>
void keep_if(json::array& rows, const Keep& keep) {
  json::array kept(rows.storage());
  for (json::value& row : rows) {
    if (keep(row)) kept.push_back(std::move(row));
  }
  rows = std::move(kept);
}

// Removes the rows whose name does not match. False: the pattern is bad.
bool filter(const Request& request, json::array& rows) {
  const std::string pattern = request.query_value("name").value_or("");
  if (pattern.empty()) return true;
  if (pattern.size() > max_pattern) return false;
  const auto name_of = [](const json::value& row) -> std::string {
    const json::value* name = at_path(row, "name");
    return name && name->is_string() ? std::string(name->get_string()) : std::string();
  };
  if (request.query_value("use_regex") != "true") {
    keep_if(rows, [&](const json::value& row) { return name_of(row).contains(pattern); });
    return true;
  }
  try {  // the library says so by an exception that a peer can cause
    const std::regex regex(pattern, std::regex::ECMAScript | std::regex::icase);
    keep_if(rows, [&](const json::value& row) { return std::regex_search(name_of(row), regex); });
  } catch (const std::regex_error&) {
    return false;
  }
  return true;
}

void sort(const Request& request, json::array& rows) {
  const std::string key = request.query_value("sort").value_or("");
  if (!key.empty()) {
    std::vector<std::pair<const json::value*, std::size_t>> order;
    for (const json::value& row : rows)
      order.emplace_back(at_path(row, key), order.size());
    std::ranges::sort(order, [](const auto& a, const auto& b) {
      if (is_less(a.first, b.first)) return true;
      return !is_less(b.first, a.first) && a.second < b.second;
    });
    json::array sorted(rows.storage());
    sorted.reserve(rows.size());
    for (const auto& [value, index] : order)
      sorted.push_back(rows[index]);
    rows = std::move(sorted);
  }
  if (request.query_value("sort_reverse") == "true") std::ranges::reverse(rows);
}

json::array pick_columns(const Request& request, const json::array& rows, std::size_t first,
                         std::size_t count) {
  const std::string columns = request.query_value("columns").value_or("");
  json::array out;
  for (std::size_t i = first; i < rows.size() && out.size() < count; ++i) {
    out.push_back(with_columns(rows[i], columns));
  }
  return out;
}

}  // namespace

Response list_response(const Request& request, json::array rows) {
  const std::size_t total = rows.size();
  if (!filter(request, rows)) return bad_request("Malformed regular expression in query parameter");
  sort(request, rows);
  constexpr std::size_t all = std::numeric_limits<std::size_t>::max();
  if (!request.query_value("page")) return {200, pick_columns(request, rows, 0, all)};

  const bool paged = request.query_value("pagination") != "false";
  const auto page = number(request, "page", 1);
  const auto size = number(request, "page_size", default_page_size);
  if (!page || *page < 1 || !size || *size < 1 || *size > max_page_size) {
    return bad_request(fmt::format(
        "Invalid pagination parameters: page must be 1 or more, page_size 1 to {}", max_page_size));
  }
  const std::size_t pages = std::max<std::size_t>((rows.size() + *size - 1) / *size, 1);
  if (paged && *page > pages) return bad_request(fmt::format("Page out of range, page: {}", *page));
  json::array items = paged ? pick_columns(request, rows, (*page - 1) * *size, *size)
                            : pick_columns(request, rows, 0, all);
  const std::size_t item_count = items.size();
  return {200, json::object{{"total_count", total},
                            {"item_count", item_count},
                            {"filtered_count", rows.size()},
                            {"page", paged ? *page : 1},
                            {"page_size", *size},
                            {"page_count", paged ? pages : 1},
                            {"items", std::move(items)}}};
}

Response one_response(const Request& request, const json::array& rows) {
  if (rows.empty()) return not_found();
  return {200, with_columns(rows.front(), request.query_value("columns").value_or(""))};
}

}  // namespace warren::management
