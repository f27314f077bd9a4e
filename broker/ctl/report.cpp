// Errors to the operator, in rabbitmqctl's form, with its exit codes.
#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <cstdio>

#include "broker/ctl/options.h"

namespace warren::ctl {

int report_unreachable(const Options&, const std::string& error) {
  std::fflush(stdout);
  fmt::print(stderr,
             "Error: unable to perform an operation on the node: {}\n"
             "Is it running, and is this the port of its HTTP API (management.tcp.port)? Name "
             "another with -n HOST:PORT or WARREN_NODE.\n",
             error);
  return exit_unavailable;
}

int report_refusal(const Options& options, const Reply& reply) {
  std::fflush(stdout);
  std::string reason;
  if (const auto* body = reply.body.if_object()) {
    if (const auto* text = body->if_contains("reason")) reason = cell_text(*text);
  }
  if (reply.status == 401) {
    fmt::print(stderr, "Error:\nuser '{}' was refused: {}. Name another with -u and --password.\n",
               options.target.user, reason);
    return exit_usage;
  }
  if (reply.status == 404) {
    fmt::print(stderr, "Error:\nVirtual host '{}' does not exist\n", options.vhost);
    return exit_data;
  }
  if (reply.status == 503) {
    fmt::print(stderr, "Error:\nthe node does not serve clients: {}\n", reason);
    return exit_unavailable;
  }
  fmt::print(stderr, "Error:\nthe node answered {} {}\n", reply.status, reason);
  return exit_software;
}

int report_usage(const std::string& problem) {
  std::fflush(stdout);
  fmt::print(stderr, "Error (argument validation): {}\nUsage: warrenctl --help\n", problem);
  return exit_usage;
}

}  // namespace warren::ctl
