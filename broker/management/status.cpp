// GET /api/warren/status: one node's state, for `warrenctl status`.
#include <fmt/format.h>

#include "broker/management/collect.h"
#include "broker/management/resources.h"

namespace warren::management {

namespace json = boost::json;

boost::asio::awaitable<Response> get_status(inspect::Inspector& inspector, Request request) {
  if (!request.is_monitor()) co_return not_authorised("Not monitor user");
  const inspect::Status status = co_await collect_status(inspector);
  co_return Response{
      200, json::object{{"node", status.node},
                        {"cluster_name", status.cluster_name},
                        {"cluster_id", fmt::format("{:016x}", status.cluster_id)},
                        {"version", status.version},
                        {"rabbitmq_version", status.rabbitmq_version},
                        {"data_dir", status.data_dir},
                        {"log_file", status.log_file},
                        {"config_file", status.config_file},
                        {"serving", status.serving},
                        {"not_serving_reason", status.not_serving_reason},
                        {"alarms", json::array(status.alarms.begin(), status.alarms.end())},
                        {"listeners", listeners_json(status.listeners)},
                        {"totals", json::object{{"connections", status.connections},
                                                {"channels", status.channels},
                                                {"consumers", status.consumers},
                                                {"queues", status.queues},
                                                {"exchanges", status.exchanges}}},
                        {"self", node_json(status.self)}}};
}

}  // namespace warren::management
