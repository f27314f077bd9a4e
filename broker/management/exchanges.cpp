// GET /api/exchanges[/vhost[/name]]; the default exchange is "amq.default" in paths.
#include "broker/management/arguments.h"
#include "broker/management/collect.h"
#include "broker/management/listing.h"
#include "broker/management/resources.h"

namespace warren::management {

namespace {

namespace json = boost::json;

json::object exchange_json(const inspect::Exchange& exchange) {
  return {{"name", exchange.name},
          {"vhost", exchange.vhost},
          {"type", exchange.type},
          {"durable", exchange.durable},
          {"auto_delete", exchange.auto_delete},
          {"internal", exchange.internal},
          {"arguments", arguments_json(exchange.arguments)},
          {"policy", nullptr},
          {"user_who_performed_action", ""}};
}

}  // namespace

boost::asio::awaitable<Response> get_exchanges(inspect::Inspector& inspector, Request request) {
  const Visible visible = co_await Visible::of(inspector, request);
  const bool one = request.part.contains("name");
  const std::string name = request.at("name") == "amq.default" ? "" : request.at("name");
  json::array rows;
  for (const auto& exchange : co_await collect<inspect::Exchange>(inspector, request.at("vhost"))) {
    if (!visible.vhost(exchange.vhost) || (one && exchange.name != name)) continue;
    rows.push_back(exchange_json(exchange));
  }
  if (one) co_return one_response(request, rows);
  co_return list_response(request, std::move(rows));
}

}  // namespace warren::management
