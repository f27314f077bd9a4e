// What the command line asks for, and the exit codes that answer it (sysexits.h, as rabbitmqctl).
#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <vector>

#include "broker/ctl/format.h"
#include "broker/ctl/http_client.h"

namespace warren::ctl {

enum Exit : int {
  exit_ok = 0,
  exit_usage = 64,
  exit_data = 65,         // what was named is not there
  exit_unavailable = 69,  // the node does not answer, or does not serve
  exit_software = 70,
};

struct Options {
  std::string verb;
  std::vector<std::string> arguments;
  std::string vhost = "/";
  std::string node;  // as given by -n: a name, host:port, or empty
  Target target;
  Formatter formatter = Formatter::table;
  bool quiet = false;   // no informational lines
  bool headers = true;  // of tables
  std::chrono::milliseconds timeout{60000};
};

// Where the node is: -n host:port, --port, WARREN_NODE, WARREN_PORT, or the warren.conf of
// --config. An error is a text for exit_usage.
std::expected<Target, std::string> find_target(const Options& options, const std::string& config,
                                               unsigned port);

int run_listing(const Options& options);  // list_…
int run_status(const Options& options);   // status
int run_cluster_status(const Options& options);
int run_ping(const Options& options);
int run_await_startup(const Options& options);
int run_version(const Options& options);

// Prints and gives the exit code: for verbs, when the API could not be asked or refused.
int report_unreachable(const Options& options, const std::string& error);
int report_refusal(const Options& options, const Reply& reply);
int report_usage(const std::string& problem);

}  // namespace warren::ctl
