#include "broker/config/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "broker/config/values.h"

namespace warren::config {

namespace {

template <typename... Cases>
struct Match : Cases... {
  using Cases::operator()...;
};

const char* word_for(Unit unit) {
  switch (unit) {
    case Unit::bytes:
      return "octets";
    case Unit::seconds:
      return "s";
    case Unit::milliseconds:
      return "ms";
    case Unit::port:
      return "port or host:port";
    case Unit::flag:
      return "true or false";
    case Unit::none:
      return "number";
    case Unit::text:
    case Unit::choice:
      return "text";
  }
  return "";
}

std::string out_of_bounds(const Setting& setting, std::uint64_t value) {
  const bool open = setting.maximum == std::numeric_limits<std::uint64_t>::max();
  return fmt::format("{} is out of bounds: allowed is {} to {} {}", value, setting.minimum,
                     open ? "any" : fmt::to_string(setting.maximum), word_for(setting.unit));
}

bool is_choice(std::string_view choices, std::string_view value) {
  while (!choices.empty()) {
    const std::size_t bar = std::min(choices.find('|'), choices.size());
    if (choices.substr(0, bar) == value) return true;
    choices.remove_prefix(std::min(bar + 1, choices.size()));
  }
  return false;
}

std::string assign_number(const Setting& setting, std::uint64_t& field, std::string_view value) {
  const auto number = setting.unit == Unit::bytes ? parse_bytes(value) : parse_number(value);
  if (!number) return number.error();
  if (*number < setting.minimum || *number > setting.maximum) {
    return out_of_bounds(setting, *number);
  }
  field = *number;
  return {};
}

std::string assign_time(const Setting& setting, Milliseconds& field, std::string_view value) {
  const auto time = parse_milliseconds(value);
  if (!time) return time.error();
  const auto count = static_cast<std::uint64_t>(time->count());
  if (count < setting.minimum || count > setting.maximum) return out_of_bounds(setting, count);
  field = *time;
  return {};
}

std::string assign_text(const Setting& setting, std::string& field, std::string_view value) {
  if (setting.unit == Unit::choice && !is_choice(setting.choices, value)) {
    return fmt::format("'{}' is not allowed here: one of {}", value, setting.choices);
  }
  field = value;
  return {};
}

std::string default_of(const Setting& setting) {
  const Settings settings;
  return std::visit(
      Match{
          [&](std::string Settings::* field) { return settings.*field; },
          [&](std::uint64_t Settings::* field) { return fmt::to_string(settings.*field); },
          [&](bool Settings::* field) { return std::string(settings.*field ? "true" : "false"); },
          [&](Milliseconds Settings::* field) { return fmt::to_string((settings.*field).count()); },
          [&](const Assign&) { return setting.default_text; }},
      setting.field);
}

// The part of `key` that stands for the pattern's last "$part", if the pattern matches.
const char* const no_match = nullptr;
std::string_view part_of(std::string_view pattern, std::string_view key) {
  const std::size_t dollar = pattern.find('$');
  if (dollar == std::string_view::npos) {
    return pattern == key ? key.substr(key.size()) : std::string_view(no_match, 0);
  }
  if (!key.starts_with(pattern.substr(0, dollar)) || key.size() == dollar) {
    return std::string_view(no_match, 0);
  }
  const std::string_view part = key.substr(dollar);
  const bool number = part.find_first_not_of("0123456789") == std::string_view::npos;
  if (part.contains('.') || (pattern.substr(dollar) == "$n" && !number)) {
    return std::string_view(no_match, 0);
  }
  return part;
}

}  // namespace

const Setting* find_setting(std::string_view key) {
  const Setting* pattern = nullptr;
  for (const Setting& setting : all_settings()) {
    if (part_of(setting.key, key).data() == no_match) continue;
    if (!setting.key.contains('$')) return &setting;  // a plain key goes before a pattern
    pattern = &setting;
  }
  return pattern;
}

std::string assign(Settings& settings, std::string_view key, std::string_view value) {
  const Setting* setting = find_setting(key);
  if (!setting) {
    return fmt::format("unknown setting '{}': see warren-server --help-config", key);
  }
  std::string problem =
      std::visit(Match{[&](std::string Settings::* field) {
                         return assign_text(*setting, settings.*field, value);
                       },
                       [&](std::uint64_t Settings::* field) {
                         return assign_number(*setting, settings.*field, value);
                       },
                       [&](bool Settings::* field) -> std::string {
                         const auto flag = parse_bool(value);
                         if (!flag) return flag.error();
                         settings.*field = *flag;
                         return {};
                       },
                       [&](Milliseconds Settings::* field) {
                         return assign_time(*setting, settings.*field, value);
                       },
                       [&](const Assign& assign) {
                         return assign(settings, part_of(setting->key, key), value);
                       }},
                 setting->field);
  return problem.empty() ? problem : fmt::format("{}: {}", key, problem);
}

std::string describe_settings() {
  std::string out;
  for (const Setting& setting : all_settings()) {
    const std::string unit =
        setting.choices.empty() ? word_for(setting.unit) : std::string(setting.choices);
    out += fmt::format("{} = {}\n    {}. {}\n", setting.key, default_of(setting), unit,
                       setting.reason);
  }
  return out;
}

}  // namespace warren::config
