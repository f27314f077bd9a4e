// Permission checks as RabbitMQ makes them: each of configure, write and read is a regular
// expression that is searched for in the resource's name; the empty one allows nothing.
// PermissionCache compiles each expression once. One a reactor, owned by its front end: not shared.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <regex>
#include <string>
#include <string_view>

#include "broker/catalog/snapshot.h"

namespace warren::catalog {

enum class Permission : std::uint8_t { configure, write, read };
const char* name_of(Permission permission);

class PermissionCache {
 public:
  // The default exchange is checked under the name amq.default. An expression that does not compile
  // allows nothing.
  bool allows(const Snapshot& snapshot, std::string_view user, std::string_view vhost,
              Permission permission, std::string_view resource_name);
  // Has the user any permission in the vhost, that is, may it open it?
  static bool may_open(const Snapshot& snapshot, std::string_view user, std::string_view vhost);

 private:
  // Expressions in use are few; beyond this many the cache starts again.
  static constexpr std::size_t limit = 1024;

  bool matches(const std::string& expression, std::string_view name);

  // Null: does not compile.
  boost::unordered_flat_map<std::string, std::unique_ptr<std::regex>> compiled_;
};

// False: not a regular expression; for set_permissions to refuse it.
bool is_valid_permission(std::string_view expression);

}  // namespace warren::catalog
