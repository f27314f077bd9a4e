// status, cluster_status, ping, await_startup, version.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <thread>

#include "broker/ctl/options.h"

namespace warren::ctl {

namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

// A field's text wherever it is, empty when absent.
std::string text_at(const json::value& value, std::string_view name) {
  const auto* object = value.if_object();
  const json::value* found = object ? object->if_contains(name) : nullptr;
  return found ? cell_text(*found) : "";
}

std::int64_t number_at(const json::value& value, std::string_view name) {
  const auto* object = value.if_object();
  const json::value* found = object ? object->if_contains(name) : nullptr;
  boost::system::error_code not_number;
  const auto number = found ? found->to_number<std::int64_t>(not_number) : 0;
  return not_number ? 0 : number;
}

bool is_true(const json::value& value, std::string_view name) {
  return text_at(value, name) == "true";
}

json::array list_at(const json::value& value, std::string_view name) {
  const auto* object = value.if_object();
  const json::value* found = object ? object->if_contains(name) : nullptr;
  return found && found->is_array() ? found->get_array() : json::array{};
}

json::value object_at(const json::value& value, std::string_view name) {
  const auto* object = value.if_object();
  const json::value* found = object ? object->if_contains(name) : nullptr;
  return found ? *found : json::value(json::object{});
}

std::string mebibytes(std::int64_t octets) {
  return fmt::format("{:.1f} MiB", static_cast<double>(octets) / 1048576);
}

void print_listeners(const json::value& status) {
  fmt::print("\nListeners\n\n");
  for (const json::value& row : list_at(status, "listeners")) {
    fmt::print("Interface: {}, port: {}, protocol: {}\n", text_at(row, "ip_address"),
               text_at(row, "port"), text_at(row, "protocol"));
  }
}

void print_status(const json::value& status) {
  const json::value self = object_at(status, "self");
  const json::value totals = object_at(status, "totals");
  fmt::print("Runtime\n\nOS PID: {}\nUptime (seconds): {}\nServing clients: {}\n",
             text_at(self, "os_pid"), number_at(self, "uptime") / 1000,
             is_true(status, "serving") ? "yes" : "no: " + text_at(status, "not_serving_reason"));
  fmt::print(
      "Warren version: {}\nRabbitMQ API level: {}\nNode name: {}\nCluster name: {}\n"
      "Cluster id: {}\n",
      text_at(status, "version"), text_at(status, "rabbitmq_version"), text_at(status, "node"),
      text_at(status, "cluster_name"), text_at(status, "cluster_id"));
  fmt::print("\nData directory\n\nNode data directory: {}\n", text_at(status, "data_dir"));
  fmt::print("\nConfig files\n\n * {}\n", text_at(status, "config_file"));
  fmt::print("\nLog file(s)\n\n * {}\n", text_at(status, "log_file"));
  fmt::print("\nAlarms\n\n");
  const json::array alarms = list_at(status, "alarms");
  if (alarms.empty()) fmt::print("(none)\n");
  for (const json::value& alarm : alarms)
    fmt::print("{}\n", cell_text(alarm));
  fmt::print("\nMemory\n\nTotal memory used: {}\nMemory high watermark: {}\n",
             mebibytes(number_at(self, "mem_used")), mebibytes(number_at(self, "mem_limit")));
  fmt::print("\nFile Descriptors\n\nTotal: {}, limit: {}\n", number_at(self, "fd_used"),
             number_at(self, "fd_total"));
  fmt::print("\nFree Disk Space\n\nLow free disk space watermark: {}\nFree disk space: {}\n",
             mebibytes(number_at(self, "disk_free_limit")),
             mebibytes(number_at(self, "disk_free")));
  fmt::print("\nTotals\n\nConnection count: {}\nQueue count: {}\n",
             number_at(totals, "connections"), number_at(totals, "queues"));
  print_listeners(status);
}

void print_nodes(const char* heading, const json::array& nodes, bool running_only) {
  fmt::print("\n{}\n\n", heading);
  for (const json::value& node : nodes) {
    if (!running_only || is_true(node, "running")) fmt::print("{}\n", text_at(node, "name"));
  }
}

void print_cluster_status(const json::value& status, const json::array& nodes) {
  fmt::print("Basics\n\nCluster name: {}\nCluster id: {}\n", text_at(status, "cluster_name"),
             text_at(status, "cluster_id"));
  print_nodes("Disk Nodes", nodes, false);
  print_nodes("Running Nodes", nodes, true);
  fmt::print("\nVersions\n\n");
  for (const json::value& node : nodes) {
    if (!is_true(node, "running")) continue;
    fmt::print("{}: Warren {}\n", text_at(node, "name"), text_at(node, "warren_version"));
  }
  fmt::print("\nAlarms\n\n");
  bool any = false;
  for (const json::value& node : nodes) {
    for (const char* alarm : {"mem_alarm", "disk_free_alarm"}) {
      if (!is_true(node, alarm)) continue;
      fmt::print("{} on node {}\n", alarm, text_at(node, "name"));
      any = true;
    }
  }
  if (!any) fmt::print("(none)\n");
  fmt::print("\nNetwork Partitions\n\n(none)\n");
  print_listeners(status);
}

void print_json(const json::value& value) {
  fmt::print("{}\n", json::serialize(value));
}

}  // namespace

int run_status(const Options& options) {
  if (!options.quiet && options.formatter != Formatter::json) {
    fmt::print("Status of node {} ...\n", options.target.text());
    std::fflush(stdout);
  }
  const auto reply = get(options.target, "/api/warren/status", options.timeout);
  if (!reply) return report_unreachable(options, reply.error());
  if (reply->status != 200) return report_refusal(options, *reply);
  if (options.formatter == Formatter::json) {
    print_json(reply->body);
  } else {
    print_status(reply->body);
  }
  return exit_ok;
}

int run_cluster_status(const Options& options) {
  if (!options.quiet && options.formatter != Formatter::json) {
    fmt::print("Cluster status of node {} ...\n", options.target.text());
    std::fflush(stdout);
  }
  const auto status = get(options.target, "/api/warren/status", options.timeout);
  if (!status) return report_unreachable(options, status.error());
  if (status->status != 200) return report_refusal(options, *status);
  const auto nodes = get(options.target, "/api/nodes", options.timeout);
  if (!nodes) return report_unreachable(options, nodes.error());
  if (nodes->status != 200 || !nodes->body.is_array()) return report_refusal(options, *nodes);
  if (options.formatter == Formatter::json) {
    print_json(json::object{{"cluster_name", text_at(status->body, "cluster_name")},
                            {"cluster_id", text_at(status->body, "cluster_id")},
                            {"nodes", nodes->body},
                            {"listeners", list_at(status->body, "listeners")}});
  } else {
    print_cluster_status(status->body, nodes->body.get_array());
  }
  return exit_ok;
}

int run_ping(const Options& options) {
  if (!options.quiet) {
    fmt::print("Will ping {}. This only checks if its process is running and answers\n",
               options.target.text());
  }
  const auto reply = get(options.target, "/api/warren/ready", options.timeout);
  if (!reply) return report_unreachable(options, reply.error());
  if (!options.quiet) fmt::print("Ping succeeded\n");
  return exit_ok;
}

int run_await_startup(const Options& options) {
  const auto deadline = Clock::now() + options.timeout;
  std::string reason;
  do {
    const auto reply = get(options.target, "/api/warren/ready", std::chrono::seconds(5));
    if (reply && reply->status == 200) return exit_ok;
    reason = reply ? text_at(reply->body, "reason") : reply.error();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  } while (Clock::now() < deadline);
  fmt::print(stderr, "Error:\nthe node at {} does not serve clients: {}\n", options.target.text(),
             reason);
  return exit_unavailable;
}

int run_version(const Options&) {
  fmt::print("{}\n", WARREN_VERSION);
  return exit_ok;
}

}  // namespace warren::ctl
