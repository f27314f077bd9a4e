#include "broker/management/arguments.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/system/error_code.hpp>
#include <cctype>
#include <charconv>
#include <cstdint>

namespace warren::management {

namespace {

namespace json = boost::json;

json::value value_of(const inspect::Argument& argument) {
  const std::string& type = argument.type;
  const std::string& text = argument.value;
  if (type == "longstr" || type == "shortstr" || type == "binary") return json::value(text);
  if (type == "bool") return json::value(text == "true");
  if (type == "void") return json::value(nullptr);
  std::int64_t integer = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), integer);
  if (error == std::errc{} && end == text.data() + text.size()) return json::value(integer);
  boost::system::error_code bad;
  json::value parsed = json::parse(text, bad);
  return bad ? json::value(text) : parsed;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const unsigned char c : text) {
    const bool plain = std::isalnum(c) || c == '-' || c == '_' || c == '.';
    out += plain ? std::string(1, static_cast<char>(c)) : fmt::format("%{:02X}", c);
  }
  return out;
}

// FNV-1a: stable across nodes and versions, which is all that a path needs.
std::uint64_t hash_of(const inspect::Arguments& arguments) {
  std::uint64_t hash = 14695981039346656037u;
  const auto mix = [&](std::string_view text) {
    for (const unsigned char c : text)
      hash = (hash ^ c) * 1099511628211u;
    hash = (hash ^ 0xff) * 1099511628211u;
  };
  for (const inspect::Argument& argument : arguments) {
    mix(argument.name);
    mix(argument.type);
    mix(argument.value);
  }
  return hash;
}

}  // namespace

json::object arguments_json(const inspect::Arguments& arguments) {
  json::object out;
  for (const inspect::Argument& argument : arguments) {
    if (!out.contains(argument.name)) out.emplace(argument.name, value_of(argument));
  }
  return out;
}

std::string properties_key(const inspect::Binding& binding) {
  const std::string key = escaped(binding.routing_key);
  if (!binding.arguments.empty()) return fmt::format("{}~{:x}", key, hash_of(binding.arguments));
  return key.empty() ? "~" : key;
}

}  // namespace warren::management
