#include "broker/management/request.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace warren::management {

namespace {

bool has_tag(const inspect::Login& login, std::string_view tag) {
  return std::ranges::find(login.tags, tag) != login.tags.end();
}

}  // namespace

std::string Request::at(const std::string& name) const {
  if (const auto found = part.find(name); found != part.end()) return found->second;
  if (const auto found = query.find(name); found != query.end()) return found->second;
  return {};
}

std::optional<std::string> Request::query_value(const std::string& name) const {
  const auto found = query.find(name);
  if (found == query.end()) return std::nullopt;
  return found->second;
}

bool Request::is_administrator() const {
  return has_tag(login, "administrator");
}

bool Request::is_monitor() const {
  return is_administrator() || has_tag(login, "monitoring");
}

std::optional<Request> parse_target(std::string_view target) {
  const auto url = boost::urls::parse_origin_form(target);
  if (!url) return std::nullopt;
  Request request;
  for (const auto& segment : url->segments())
    request.path.push_back(segment);
  if (!request.path.empty() && request.path.back().empty()) request.path.pop_back();
  if (request.path.empty() || request.path.front() != "api") return std::nullopt;
  request.path.erase(request.path.begin());
  for (const auto& parameter : url->params())
    request.query[parameter.key] = parameter.value;
  return request;
}

Response error_response(unsigned status, std::string_view error, std::string_view reason) {
  return {status, boost::json::object{{"error", error}, {"reason", reason}}};
}

Response not_found() {
  return error_response(404, "Object Not Found", "Not Found");
}

Response not_authorised(std::string_view reason) {
  return error_response(401, "not_authorised", reason);
}

Response bad_request(std::string_view reason) {
  return error_response(400, "bad_request", reason);
}

}  // namespace warren::management
