// warren-server: reads its settings, runs one Node until SIGTERM or SIGINT.
#include <signal.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <thread>

#include "broker/config/load.h"
#include "broker/config/table.h"
#include "broker/node.h"
#include "broker/runtime/log.h"

extern char** environ;

// What jemalloc reads at its start: few arenas, so that they do not keep each other's peaks, and
// what is free goes back to the system within a second, by a thread of its own.
extern "C" {
const char* malloc_conf = "narenas:4,background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0";
}

namespace {

std::atomic<bool> stopping{false};

// Signals are taken by one thread, so that nothing runs in a handler.
std::thread watch_signals(const sigset_t& signals) {
  return std::thread([signals] {
    int signal = 0;
    sigwait(&signals, &signal);
    stopping = true;
    stopping.notify_all();
  });
}

int run(warren::config::Settings settings) {
  warren::runtime::LogSettings log;
  using warren::runtime::log_level_named;  // the settings' table lets nothing else pass
  log.console = settings.log_console;
  log.console_level = log_level_named(settings.log_level).value_or(log.console_level);
  log.file = settings.log_file;
  log.file_level = log_level_named(settings.log_file_level).value_or(log.file_level);
  if (auto problem = warren::runtime::log_set_up(log); !problem.empty()) {
    std::fprintf(stderr, "warren-server: %s\n", problem.c_str());
    return EXIT_FAILURE;
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread watcher = watch_signals(signals);
  watcher.detach();

  warren::Node node(std::move(settings));
  if (auto started = node.start(stopping); !started && !stopping) {
    warren::runtime::log_error("cannot start: {}", started.error().text);
    warren::runtime::log_flush();
    std::fprintf(stderr, "warren-server: cannot start: %s\n", started.error().text.c_str());
    node.stop();
    return EXIT_FAILURE;
  }
  stopping.wait(false);
  warren::runtime::log_info("stopping");
  node.stop();
  warren::runtime::log_info("stopped");
  warren::runtime::log_flush();
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) try {
  auto line = warren::config::parse_command_line(std::span<const char* const>(argv, argc), environ);
  if (!line) {
    std::fprintf(stderr, "%s\n", line.error().c_str());
    return EXIT_FAILURE;
  }
  if (line->help) {
    std::fputs(warren::config::usage().c_str(), stdout);
    return EXIT_SUCCESS;
  }
  if (line->help_config) {
    std::fputs(warren::config::describe_settings().c_str(), stdout);
    return EXIT_SUCCESS;
  }
  if (line->version) {
    std::printf("%s\n", WARREN_VERSION);
    return EXIT_SUCCESS;
  }
  return run(std::move(line->settings));
} catch (const std::exception& error) {
  std::fprintf(stderr, "warren-server: %s\n", error.what());
  return EXIT_FAILURE;
}
