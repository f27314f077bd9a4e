// GET /api/vhosts[/name]
#include "broker/management/collect.h"
#include "broker/management/listing.h"
#include "broker/management/resources.h"

namespace warren::management {

namespace {

namespace json = boost::json;

json::object vhost_json(const inspect::Vhost& vhost) {
  return {{"name", vhost.name},
          {"description", vhost.description},
          {"tags", json::array(vhost.tags.begin(), vhost.tags.end())},
          {"default_queue_type", "quorum"},
          {"tracing", vhost.tracing}};
}

}  // namespace

boost::asio::awaitable<Response> get_vhosts(inspect::Inspector& inspector, Request request) {
  const Visible visible = co_await Visible::of(inspector, request);
  const bool one = request.part.contains("name");
  json::array rows;
  for (const auto& row : co_await collect<inspect::Vhost>(inspector, "")) {
    if (!visible.vhost(row.name) || (one && row.name != request.at("name"))) continue;
    rows.push_back(vhost_json(row));
  }
  if (one) co_return one_response(request, rows);
  co_return list_response(request, std::move(rows));
}

}  // namespace warren::management
