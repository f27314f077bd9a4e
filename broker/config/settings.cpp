#include "broker/config/settings.h"

#include <fmt/format.h>

#include <algorithm>

namespace warren::config {

std::string Endpoint::text() const {
  return host.contains(':') ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

bool Settings::is_loopback_user(const std::string& user) const {
  return std::ranges::find(loopback_users, user) != loopback_users.end();
}

}  // namespace warren::config
