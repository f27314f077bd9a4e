// GET /api/bindings[/vhost], /api/queues/vhost/name/bindings,
// /api/exchanges/vhost/name/bindings/{source,destination}
#include "broker/management/arguments.h"
#include "broker/management/collect.h"
#include "broker/management/listing.h"
#include "broker/management/resources.h"

namespace warren::management {

namespace {

namespace json = boost::json;

json::object binding_json(const inspect::Binding& binding) {
  return {{"source", binding.source},
          {"vhost", binding.vhost},
          {"destination", binding.destination},
          {"destination_type", binding.to_exchange ? "exchange" : "queue"},
          {"routing_key", binding.routing_key},
          {"arguments", arguments_json(binding.arguments)},
          {"properties_key", properties_key(binding)}};
}

// Does the binding end at, or start from, what the path names?
bool is_asked_for(const Request& request, const inspect::Binding& binding) {
  if (const std::string queue = request.at("queue"); !queue.empty()) {
    return !binding.to_exchange && binding.destination == queue;
  }
  const auto exchange = request.part.find("exchange");
  if (exchange == request.part.end()) return true;
  const std::string name = exchange->second == "amq.default" ? "" : exchange->second;
  if (request.at("end") == "source") return binding.source == name;
  return binding.to_exchange && binding.destination == name;
}

}  // namespace

boost::asio::awaitable<Response> get_bindings(inspect::Inspector& inspector, Request request) {
  if (request.part.contains("end") && request.at("end") != "source" &&
      request.at("end") != "destination") {
    co_return not_found();
  }
  const Visible visible = co_await Visible::of(inspector, request);
  json::array rows;
  for (const auto& binding : co_await collect<inspect::Binding>(inspector, request.at("vhost"))) {
    if (!visible.vhost(binding.vhost) || !is_asked_for(request, binding)) continue;
    rows.push_back(binding_json(binding));
  }
  co_return list_response(request, std::move(rows));
}

}  // namespace warren::management
