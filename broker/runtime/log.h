// The broker's log: one line an event, in RabbitMQ's form
//   2026-01-31 12:00:00.123456+00:00 [info] <reactor0> text
// Any thread. Callers include this header only; spdlog stays behind it.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace warren::runtime {

enum class LogLevel : std::uint8_t { debug, info, warning, error, critical, none };

struct LogSettings {
  bool console = true;  // standard error
  LogLevel console_level = LogLevel::info;
  std::string file;  // empty: none
  LogLevel file_level = LogLevel::info;
};

// "debug", "info", "warning", "error", "critical", "none", as log.console.level spells them.
std::optional<LogLevel> log_level_named(std::string_view name);

// Once at startup, before other threads log; without it, info and up go to standard error.
// Returns what is wrong with the file, or an empty string.
std::string log_set_up(const LogSettings& settings);
void log_flush();

bool log_enabled(LogLevel level);
void log_write(LogLevel level, std::string_view text);

template <typename... Args>
void log_line(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  if (log_enabled(level)) log_write(level, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::debug, format, std::forward<Args>(args)...);
}
template <typename... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::info, format, std::forward<Args>(args)...);
}
template <typename... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::warning, format, std::forward<Args>(args)...);
}
template <typename... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::error, format, std::forward<Args>(args)...);
}

}  // namespace warren::runtime
