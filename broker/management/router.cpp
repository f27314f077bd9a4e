#include "broker/management/router.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "broker/auth/http_basic.h"
#include "broker/management/collect.h"
#include "broker/management/resources.h"

namespace warren::management {

namespace {

struct Route {
  std::string_view pattern;  // segments below /api; ":name" takes any one segment
  Handler* handler;
  bool needs_login = true;
};

constexpr std::array routes{
    Route{"overview", get_overview},
    Route{"whoami", get_whoami},
    Route{"nodes", get_nodes},
    Route{"nodes/:name", get_nodes},
    Route{"queues", get_queues},
    Route{"queues/:vhost", get_queues},
    Route{"queues/:vhost/:name", get_queues},
    Route{"queues/:vhost/:queue/bindings", get_bindings},
    Route{"exchanges", get_exchanges},
    Route{"exchanges/:vhost", get_exchanges},
    Route{"exchanges/:vhost/:name", get_exchanges},
    Route{"exchanges/:vhost/:exchange/bindings/:end", get_bindings},
    Route{"bindings", get_bindings},
    Route{"bindings/:vhost", get_bindings},
    Route{"connections", get_connections},
    Route{"connections/:name", get_connections},
    Route{"connections/:connection/channels", get_channels},
    Route{"channels", get_channels},
    Route{"channels/:name", get_channels},
    Route{"consumers", get_consumers},
    Route{"consumers/:vhost", get_consumers},
    Route{"vhosts", get_vhosts},
    Route{"vhosts/:name", get_vhosts},
    Route{"vhosts/:vhost/permissions", get_permissions},
    Route{"vhosts/:vhost/connections", get_connections},
    Route{"vhosts/:vhost/channels", get_channels},
    Route{"users", get_users},
    Route{"users/:name", get_users},
    Route{"users/:user/permissions", get_permissions},
    Route{"permissions", get_permissions},
    Route{"permissions/:vhost/:user", get_permissions},
    Route{"health/checks/ready-to-serve-clients", get_ready_to_serve_clients},
    Route{"warren/groups", get_groups},
    Route{"warren/digests", get_digests},
    Route{"warren/status", get_status},
    Route{"warren/ready", get_ready, false},
};

bool matches(std::string_view pattern, const std::vector<std::string>& path,
             std::map<std::string, std::string>& part) {
  part.clear();
  for (const std::string& segment : path) {
    if (pattern.empty()) return false;
    const std::size_t slash = std::min(pattern.find('/'), pattern.size());
    const std::string_view expected = pattern.substr(0, slash);
    pattern.remove_prefix(std::min(slash + 1, pattern.size()));
    if (expected.starts_with(':')) {
      part[std::string(expected.substr(1))] = segment;
    } else if (expected != segment) {
      return false;
    }
  }
  return pattern.empty();
}

const Route* find_route(Request& request) {
  for (const Route& route : routes) {
    if (matches(route.pattern, request.path, request.part)) return &route;
  }
  return nullptr;
}

bool may_use_api(const inspect::Login& login) {
  for (const std::string& tag : login.tags) {
    if (tag == "administrator" || tag == "monitoring" || tag == "policymaker" ||
        tag == "management") {
      return true;
    }
  }
  return false;
}

// Fills in request.login; nothing when the request may go on.
std::optional<Response> refuse(inspect::Inspector& inspector, Request& request) {
  const auto credentials = auth::parse_basic(request.authorization);
  if (!credentials) return not_authorised("Login failed");
  auto login = inspector.login(credentials->user, credentials->password, request.loopback);
  if (!login) return not_authorised("Login failed");
  if (!may_use_api(*login)) return not_authorised("Not management user");
  request.login = *std::move(login);
  return std::nullopt;
}

// Listings below a vhost that is not there are 404, not empty.
boost::asio::awaitable<bool> is_vhost_missing(inspect::Inspector& inspector, std::string name) {
  for (const auto& vhost : co_await collect<inspect::Vhost>(inspector, "")) {
    if (vhost.name == name) co_return false;
  }
  co_return true;
}

}  // namespace

boost::asio::awaitable<Response> route(inspect::Inspector& inspector, Request request) {
  const Route* found = find_route(request);
  if (!found || found->needs_login) {
    if (auto refusal = refuse(inspector, request)) co_return *std::move(refusal);
  }
  if (!found) co_return not_found();
  if (request.method != "GET" && request.method != "HEAD") {
    co_return error_response(405, "method_not_allowed", "only GET and HEAD are allowed here");
  }
  if (request.part.contains("vhost") && co_await is_vhost_missing(inspector, request.at("vhost"))) {
    co_return not_found();
  }
  Handler* handler = found->handler;
  co_return co_await handler(inspector, std::move(request));
}

}  // namespace warren::management
