// GET /api/health/checks/ready-to-serve-clients, and /api/warren/ready without a login
#include "broker/management/collect.h"
#include "broker/management/resources.h"

namespace warren::management {

namespace json = boost::json;

boost::asio::awaitable<Response> get_ready_to_serve_clients(inspect::Inspector& inspector,
                                                            Request) {
  const inspect::Status status = co_await collect_status(inspector);
  if (status.serving) co_return Response{200, json::object{{"status", "ok"}}};
  co_return Response{503,
                     json::object{{"status", "failed"}, {"reason", status.not_serving_reason}}};
}

boost::asio::awaitable<Response> get_ready(inspect::Inspector& inspector, Request request) {
  return get_ready_to_serve_clients(inspector, std::move(request));
}

}  // namespace warren::management
