// GET /api/connections[/name], /api/vhosts/vhost/connections
#include "broker/management/arguments.h"
#include "broker/management/collect.h"
#include "broker/management/listing.h"
#include "broker/management/resources.h"

namespace warren::management {

namespace {

namespace json = boost::json;

json::object connection_json(const inspect::Connection& connection) {
  json::object out{{"name", connection.name},
                   {"node", connection.node},
                   {"user", connection.user},
                   {"vhost", connection.vhost},
                   {"state", connection.state},
                   {"type", "network"},
                   {"protocol", connection.protocol},
                   {"auth_mechanism", connection.auth_mechanism},
                   {"host", connection.host},
                   {"port", connection.port},
                   {"peer_host", connection.peer_host},
                   {"peer_port", connection.peer_port},
                   {"ssl", connection.ssl},
                   {"channels", connection.channels},
                   {"channel_max", connection.channel_max},
                   {"frame_max", connection.frame_max},
                   {"timeout", connection.timeout_s},
                   {"recv_oct", connection.received_octets},
                   {"send_oct", connection.sent_octets},
                   {"send_pend", connection.unsent_octets},
                   {"connected_at", connection.connected_at_ms},
                   {"client_properties", arguments_json(connection.client_properties)}};
  for (const auto& property : connection.client_properties) {
    if (property.name == "connection_name") out["user_provided_name"] = property.value;
  }
  return out;
}

}  // namespace

boost::asio::awaitable<Response> get_connections(inspect::Inspector& inspector, Request request) {
  const Visible visible = co_await Visible::of(inspector, request);
  const bool one = request.part.contains("name");
  json::array rows;
  for (const auto& row : co_await collect<inspect::Connection>(inspector, request.at("vhost"))) {
    if (!visible.user(row.user) || (one && row.name != request.at("name"))) continue;
    rows.push_back(connection_json(row));
  }
  if (one) co_return one_response(request, rows);
  co_return list_response(request, std::move(rows));
}

}  // namespace warren::management
