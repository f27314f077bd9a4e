// GET /api/nodes[/name]
#include "broker/management/collect.h"
#include "broker/management/listing.h"
#include "broker/management/resources.h"

namespace warren::management {

namespace json = boost::json;

json::object node_json(const inspect::Node& node) {
  json::object out{{"name", node.name},
                   {"type", "disc"},
                   {"running", node.running},
                   {"partitions", json::array{}},
                   {"cluster_links", json::array{}},
                   {"applications", json::array{}},
                   {"contexts", json::array{}},
                   {"being_drained", false},
                   {"rates_mode", "none"},
                   {"warren_id", node.id.value},
                   {"warren_address", node.address},
                   {"warren_incarnation", node.incarnation.value},
                   {"warren_dead", node.dead}};
  if (!node.running) return out;
  out["os_pid"] = std::to_string(node.os_pid);
  out["uptime"] = node.uptime_ms;
  out["mem_used"] = node.memory_used;
  out["mem_limit"] = node.memory_limit;
  out["mem_alarm"] = node.memory_alarm;
  out["disk_free"] = node.disk_free;
  out["disk_free_limit"] = node.disk_free_limit;
  out["disk_free_alarm"] = node.disk_alarm;
  out["fd_used"] = node.fd_used;
  out["fd_total"] = node.fd_total;
  out["sockets_used"] = 0;
  out["sockets_total"] = node.fd_total;
  out["proc_used"] = 0;
  out["proc_total"] = 0;
  out["run_queue"] = 0;
  out["processors"] = node.processors;
  out["warren_version"] = node.version;
  return out;
}

boost::asio::awaitable<Response> get_nodes(inspect::Inspector& inspector, Request request) {
  if (!request.is_monitor()) co_return not_authorised("Not monitor user");
  const bool one = request.part.contains("name");
  json::array rows;
  for (const auto& row : co_await collect<inspect::Node>(inspector, "")) {
    if (!one || row.name == request.at("name")) rows.push_back(node_json(row));
  }
  if (one) co_return one_response(request, rows);
  co_return list_response(request, std::move(rows));
}

}  // namespace warren::management
