// The table of settings as data: key, field, unit, bounds, reason of the default. Parsing,
// checking,
// --help-config and the documentation all read this one table. Pure: any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "broker/config/settings.h"

namespace warren::config {

enum class Unit : std::uint8_t { none, bytes, seconds, milliseconds, port, text, flag, choice };

// Reads text into settings; returns what is wrong and what is allowed, or an empty string.
// `part` is what stood in place of the key's "$part".
using Assign = std::function<std::string(Settings&, std::string_view part, std::string_view value)>;

using Field = std::variant<std::string Settings::*, std::uint64_t Settings::*, bool Settings::*,
                           Milliseconds Settings::*, Assign>;

struct Setting {
  std::string key;  // its last part may be "$name": any word, or "$n": a number
  Unit unit;
  Field field;
  std::string reason;  // what it does, and why this default
  std::uint64_t minimum = 0;
  std::uint64_t maximum = std::numeric_limits<std::uint64_t>::max();
  std::string choices;         // for Unit::choice: "debug|info"
  std::string default_text{};  // for an Assign, which has no field to print
};

std::span<const Setting> all_settings();

// The setting that `key` names, or null.
const Setting* find_setting(std::string_view key);

// Assigns; returns what is wrong and what is allowed, or an empty string.
std::string assign(Settings& settings, std::string_view key, std::string_view value);

// "key = default  # unit; reason", one a line: what `warren-server --help-config` prints.
std::string describe_settings();

}  // namespace warren::config
