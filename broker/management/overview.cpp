// GET /api/overview
#include "broker/management/collect.h"
#include "broker/management/resources.h"
#include "broker/routing/binding_table.h"

namespace warren::management {

namespace json = boost::json;

namespace {

json::array exchange_types() {
  json::array out;
  for (std::string_view name : routing::exchange_type_names)
    out.push_back(json::object{{"name", name}, {"enabled", true}});
  return out;
}

}  // namespace

json::array listeners_json(const std::vector<inspect::Listener>& listeners) {
  json::array out;
  for (const auto& listener : listeners) {
    out.push_back(json::object{{"node", listener.node},
                               {"protocol", listener.protocol},
                               {"ip_address", listener.address},
                               {"port", listener.port}});
  }
  return out;
}

boost::asio::awaitable<Response> get_overview(inspect::Inspector& inspector, Request) {
  const inspect::Status status = co_await collect_status(inspector);
  co_return Response{
      200, json::object{
               {"management_version", status.rabbitmq_version},
               {"rabbitmq_version", status.rabbitmq_version},
               {"product_name", "Warren"},
               {"product_version", status.version},
               {"cluster_name", status.cluster_name},
               {"node", status.node},
               {"rates_mode", "none"},
               {"disable_stats", false},
               {"enable_queue_totals", true},
               {"default_queue_type", "quorum"},
               {"exchange_types", exchange_types()},
               {"cluster_tags", json::array{}},
               {"node_tags", json::array{}},
               {"message_stats", json::object{}},
               {"queue_totals",
                json::object{{"messages", status.messages_ready + status.messages_unacknowledged +
                                              status.messages_delayed},
                             {"messages_ready", status.messages_ready},
                             {"messages_unacknowledged", status.messages_unacknowledged},
                             {"messages_delayed", status.messages_delayed}}},
               {"object_totals", json::object{{"connections", status.connections},
                                              {"channels", status.channels},
                                              {"consumers", status.consumers},
                                              {"exchanges", status.exchanges},
                                              {"queues", status.queues}}},
               {"listeners", listeners_json(status.listeners)},
               {"contexts", json::array{}}}};
}

}  // namespace warren::management
