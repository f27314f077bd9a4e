#include "broker/management/collect.h"
#include "broker/management/resources.h"

namespace warren::management {

boost::asio::awaitable<Visible> Visible::of(inspect::Inspector& inspector, Request request) {
  Visible visible;
  visible.all_ = request.is_monitor();
  visible.user_ = request.login.user;
  if (visible.all_) co_return visible;
  for (const auto& permission : co_await collect<inspect::Permission>(inspector, "")) {
    if (permission.user == visible.user_) visible.vhosts_.insert(permission.vhost);
  }
  co_return visible;
}

}  // namespace warren::management
