// GET /api/permissions[/vhost/user], /api/vhosts/vhost/permissions, /api/users/user/permissions;
// for administrators.
#include "broker/management/collect.h"
#include "broker/management/listing.h"
#include "broker/management/resources.h"

namespace warren::management {

namespace json = boost::json;

boost::asio::awaitable<Response> get_permissions(inspect::Inspector& inspector, Request request) {
  if (!request.is_administrator()) co_return not_authorised("Not administrator user");
  const bool of_user = request.part.contains("user");
  json::array rows;
  for (const auto& row : co_await collect<inspect::Permission>(inspector, request.at("vhost"))) {
    if (of_user && row.user != request.at("user")) continue;
    rows.push_back(json::object{{"user", row.user},
                                {"vhost", row.vhost},
                                {"configure", row.configure},
                                {"write", row.write},
                                {"read", row.read}});
  }
  if (of_user && request.part.contains("vhost")) co_return one_response(request, rows);
  co_return list_response(request, std::move(rows));
}

}  // namespace warren::management
