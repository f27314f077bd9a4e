#include "broker/runtime/log.h"

#include <pthread.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

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

std::shared_ptr<spdlog::logger> make_logger(std::vector<spdlog::sink_ptr> sinks, LogLevel level) {
  auto logger = std::make_shared<spdlog::logger>("warren", sinks.begin(), sinks.end());
  logger->set_pattern("%Y-%m-%d %H:%M:%S.%f%z [%l] %v", spdlog::pattern_time_type::local);
  logger->set_level(spdlog_level(level));
  logger->flush_on(spdlog::level::info);
  return logger;
}

std::shared_ptr<spdlog::logger>& logger() {
  static auto current =
      make_logger({std::make_shared<spdlog::sinks::stderr_sink_mt>()}, LogLevel::info);
  return current;
}

std::string thread_name() {
  char name[16] = {};
  pthread_getname_np(pthread_self(), name, sizeof name);
  return name;
}

}  // namespace

std::string log_set_up(const LogSettings& settings) {
  std::vector<spdlog::sink_ptr> sinks;
  if (settings.console) sinks.push_back(std::make_shared<spdlog::sinks::stderr_sink_mt>());
  if (!settings.file.empty()) {
    const auto folder = std::filesystem::path(settings.file).parent_path();
    std::error_code error;
    if (!folder.empty()) std::filesystem::create_directories(folder, error);
    try {
      sinks.push_back(std::make_shared<spdlog::sinks::basic_file_sink_mt>(settings.file));
    } catch (const spdlog::spdlog_ex& e) {  // at startup, so the node refuses to start
      return e.what();
    }
  }
  logger() = make_logger(std::move(sinks), settings.level);
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
