// warrenctl: the operator's command line, with rabbitmqctl's verbs and output.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>

#include "broker/ctl/options.h"
#include "broker/ctl/verbs.h"

namespace warren::ctl {

namespace {

struct Flags {
  Options options;
  std::string formatter = "table";
  std::string config;
  unsigned port = 0;
  double timeout_s = 60;
  bool silent = false;
  bool no_headers = false;
};

void add_common(CLI::App& app, Flags& flags) {
  app.add_option("-n,--node", flags.options.node,
                 "Node: name@host, or host:port of its HTTP API (WARREN_NODE)");
  app.add_option("--port", flags.port, "Port of its HTTP API (WARREN_PORT)")
      ->check(CLI::Range(1, 65535));
  app.add_option("--config", flags.config, "Take both from this warren.conf (WARREN_CONFIG)");
  app.add_option("-u,--user", flags.options.target.user, "User (WARREN_USER; guest)");
  app.add_option("--password", flags.options.target.password, "Its password (WARREN_PASSWORD)");
  app.add_option("-p,--vhost", flags.options.vhost, "Virtual host (/)");
  app.add_option("-t,--timeout", flags.timeout_s, "Seconds to wait (60)")
      ->check(CLI::Range(0.001, 86400.0));
  app.add_option("--formatter", flags.formatter, "table, pretty_table, json, csv or erlang");
  app.add_flag("-q,--quiet", flags.options.quiet, "No informational lines");
  app.add_flag("-s,--silent", flags.silent, "Nor table headers");
  app.add_flag("--no-table-headers", flags.no_headers, "No table headers");
  app.fallthrough();
  app.require_subcommand(1);
  app.set_version_flag("-V,--version", WARREN_VERSION);
}

void add_verbs(CLI::App& app, Flags& flags) {
  const auto add = [&](std::string_view name, std::string_view help) {
    return app.add_subcommand(std::string(name), std::string(help));
  };
  add("status", "What this node is and does");
  add("cluster_status", "The cluster's nodes, versions, alarms and listeners");
  add("ping", "Does the node answer?");
  add("await_startup", "Wait until the node serves clients, at most the timeout");
  add("version", "Warren's version");
  for (const Verb& verb : listing_verbs()) {
    add(verb.name, verb.help)->add_option("column", flags.options.arguments, "Columns to show");
  }
}

int run(const Options& options) {
  if (options.verb == "status") return run_status(options);
  if (options.verb == "cluster_status") return run_cluster_status(options);
  if (options.verb == "ping") return run_ping(options);
  if (options.verb == "await_startup") return run_await_startup(options);
  if (options.verb == "version") return run_version(options);
  return run_listing(options);
}

int run_main(int argc, char** argv) {
  Flags flags;
  flags.options.target.user.clear();
  flags.options.target.password.clear();
  CLI::App app("warrenctl: the command line of Warren, with rabbitmqctl's verbs", "warrenctl");
  add_common(app, flags);
  add_verbs(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? exit_ok : exit_usage;
  }
  Options& options = flags.options;
  options.verb = app.get_subcommands().front()->get_name();
  const auto formatter = formatter_named(flags.formatter);
  if (!formatter) {
    return report_usage(fmt::format(
        "'{}' is no formatter: table, pretty_table, json, csv or erlang", flags.formatter));
  }
  options.formatter = *formatter;
  options.quiet = options.quiet || flags.silent;
  options.headers = !flags.silent && !flags.no_headers;
  options.timeout = std::chrono::milliseconds(static_cast<std::int64_t>(flags.timeout_s * 1000));
  auto target = find_target(options, flags.config, flags.port);
  if (!target) return report_usage(target.error());
  options.target = *std::move(target);
  return run(options);
}

}  // namespace

}  // namespace warren::ctl

int main(int argc, char** argv) {
  try {  // a library's exception, at startup or in a request
    return warren::ctl::run_main(argc, argv);
  } catch (const std::exception& e) {
    fmt::print(stderr, "Error:\n{}\n", e.what());
    return warren::ctl::exit_software;
  }
}
