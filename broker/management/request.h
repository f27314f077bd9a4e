// A request to the HTTP API, taken apart, and the answer to it. Pure values: any thread.
#pragma once

#include <boost/json/value.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/inspect/inspector.h"

namespace warren::management {

struct Request {
  std::string method;
  std::vector<std::string> path;             // segments below /api, decoded; no empty last one
  std::map<std::string, std::string> query;  // decoded
  std::string authorization;                 // the header as it came
  bool loopback = false;
  // Filled in by the router.
  inspect::Login login;
  std::map<std::string, std::string> part;  // what stood at ":vhost" in the route

  // A part or query value, empty when absent.
  std::string at(const std::string& name) const;
  std::optional<std::string> query_value(const std::string& name) const;
  bool is_administrator() const;
  bool is_monitor() const;  // sees all vhosts and everyone's connections
};

struct Response {
  unsigned status = 200;
  boost::json::value body;
};

// From a request target such as "/api/queues/%2F?page=1"; nothing when it is malformed or not
// below /api.
std::optional<Request> parse_target(std::string_view target);

// {"error": …, "reason": …} as RabbitMQ words it.
Response error_response(unsigned status, std::string_view error, std::string_view reason);
Response not_found();
Response not_authorised(std::string_view reason);
Response bad_request(std::string_view reason);

}  // namespace warren::management
