// GET /api/users[/name], for administrators, and /api/whoami
#include "broker/management/collect.h"
#include "broker/management/listing.h"
#include "broker/management/resources.h"

namespace warren::management {

namespace {

namespace json = boost::json;

json::array tags_json(const std::vector<std::string>& tags) {
  return json::array(tags.begin(), tags.end());
}

}  // namespace

boost::asio::awaitable<Response> get_users(inspect::Inspector& inspector, Request request) {
  if (!request.is_administrator()) co_return not_authorised("Not administrator user");
  const bool one = request.part.contains("name");
  json::array rows;
  for (const auto& row : co_await collect<inspect::User>(inspector, "")) {
    if (one && row.name != request.at("name")) continue;
    rows.push_back(json::object{{"name", row.name},
                                {"password_hash", row.password_hash},
                                {"hashing_algorithm", row.hashing_algorithm},
                                {"tags", tags_json(row.tags)},
                                {"limits", json::object{}}});
  }
  if (one) co_return one_response(request, rows);
  co_return list_response(request, std::move(rows));
}

boost::asio::awaitable<Response> get_whoami(inspect::Inspector&, Request request) {
  co_return Response{
      200, json::object{{"name", request.login.user}, {"tags", tags_json(request.login.tags)}}};
}

}  // namespace warren::management
