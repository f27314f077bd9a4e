#include "broker/runtime/log.h"

#include <pthread.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <system_error>
#include <vector>

namespace warren::runtime {

namespace {

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
    case LogLevel::critical:
      return spdlog::level::critical;
    case LogLevel::none:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

spdlog::sink_ptr with_level(spdlog::sink_ptr sink, LogLevel level) {
  sink->set_level(spdlog_level(level));
  return sink;
}

// Each sink has its least level; the logger asks only what some sink takes.
std::shared_ptr<spdlog::logger> make_logger(const std::vector<spdlog::sink_ptr>& sinks) {
  auto logger = std::make_shared<spdlog::logger>("warren", sinks.begin(), sinks.end());
  logger->set_pattern("%Y-%m-%d %H:%M:%S.%f%z [%l] %v", spdlog::pattern_time_type::local);
  auto least = spdlog::level::off;
  for (const auto& sink : sinks)
    least = std::min(least, sink->level());
  logger->set_level(least);
  logger->flush_on(spdlog::level::info);
  return logger;
}

std::shared_ptr<spdlog::logger>& logger() {
  static auto current =
      make_logger({with_level(std::make_shared<spdlog::sinks::stderr_sink_mt>(), LogLevel::info)});
  return current;
}

std::string thread_name() {
  char name[16] = {};
  pthread_getname_np(pthread_self(), name, sizeof name);
  return name;
}

}  // namespace

std::optional<LogLevel> log_level_named(std::string_view name) {
  static constexpr std::array<std::string_view, 6> names{"debug", "info",     "warning",
                                                         "error", "critical", "none"};
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return static_cast<LogLevel>(found - names.begin());
}

std::string log_set_up(const LogSettings& settings) {
  std::vector<spdlog::sink_ptr> sinks;
  if (settings.console)
    sinks.push_back(
        with_level(std::make_shared<spdlog::sinks::stderr_sink_mt>(), settings.console_level));
  if (!settings.file.empty()) {
    const auto folder = std::filesystem::path(settings.file).parent_path();
    std::error_code error;
    if (!folder.empty()) std::filesystem::create_directories(folder, error);
    try {
      sinks.push_back(with_level(std::make_shared<spdlog::sinks::basic_file_sink_mt>(settings.file),
                                 settings.file_level));
    } catch (const spdlog::spdlog_ex& e) {  // at startup, so the node refuses to start
      return e.what();
    }
  }
  logger() = make_logger(sinks);
  return {};
}

void log_flush() {
  logger()->flush();
}

bool log_enabled(LogLevel level) {
  return logger()->should_log(spdlog_level(level));
}

void log_write(LogLevel level, std::string_view text) {
  logger()->log(spdlog_level(level), "<{}> {}", thread_name(), text);
}

}  // namespace warren::runtime
