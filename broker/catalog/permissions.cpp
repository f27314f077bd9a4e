#include "broker/catalog/permissions.h"

namespace warren::catalog {

namespace {

// RabbitMQ's expressions are Perl's; ECMAScript's agree for all that permissions use. The library
// reports a bad one, and one whose search grows too complex, only by throwing.
std::unique_ptr<std::regex> compile(std::string_view expression) {
  try {
    return std::make_unique<std::regex>(expression.begin(), expression.end(),
                                        std::regex::ECMAScript | std::regex::optimize);
  } catch (const std::regex_error&) {
    return nullptr;
  }
}

bool search(const std::regex& expression, std::string_view name) {
  try {
    return std::regex_search(name.begin(), name.end(), expression);
  } catch (const std::regex_error&) {
    return false;
  }
}

const std::string& expression_of(const PermissionInfo& info, Permission permission) {
  switch (permission) {
    case Permission::configure:
      return info.configure;
    case Permission::write:
      return info.write;
    case Permission::read:
      return info.read;
  }
  return info.configure;
}

}  // namespace

const char* name_of(Permission permission) {
  switch (permission) {
    case Permission::configure:
      return "configure";
    case Permission::write:
      return "write";
    case Permission::read:
      return "read";
  }
  return "";
}

bool PermissionCache::allows(const Snapshot& snapshot, std::string_view user,
                             std::string_view vhost, Permission permission,
                             std::string_view resource_name) {
  const PermissionInfo* info = snapshot.permission(user, vhost);
  if (info == nullptr) return false;
  const std::string& expression = expression_of(*info, permission);
  if (expression == ".*") return true;
  if (expression.empty()) return false;
  return matches(expression, resource_name.empty() ? "amq.default" : resource_name);
}

bool PermissionCache::may_open(const Snapshot& snapshot, std::string_view user,
                               std::string_view vhost) {
  return snapshot.permission(user, vhost) != nullptr;
}

bool PermissionCache::matches(const std::string& expression, std::string_view name) {
  auto found = compiled_.find(expression);
  if (found == compiled_.end()) {
    if (compiled_.size() >= limit) compiled_.clear();
    found = compiled_.emplace(expression, compile(expression)).first;
  }
  return found->second != nullptr && search(*found->second, name);
}

bool is_valid_permission(std::string_view expression) {
  return compile(expression) != nullptr;
}

}  // namespace warren::catalog
