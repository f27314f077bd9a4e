#include "broker/catalog/names.h"

#include <fmt/format.h>

namespace warren::catalog {

std::string queue_resource(std::string_view name, std::string_view vhost) {
  return fmt::format("queue '{}' in vhost '{}'", name, vhost);
}
std::string exchange_resource(std::string_view name, std::string_view vhost) {
  return fmt::format("exchange '{}' in vhost '{}'", name, vhost);
}

Error not_found_queue(std::string_view name, std::string_view vhost) {
  return {ReplyCode::not_found, "no " + queue_resource(name, vhost)};
}
Error not_found_exchange(std::string_view name, std::string_view vhost) {
  return {ReplyCode::not_found, "no " + exchange_resource(name, vhost)};
}
Error not_found_vhost(std::string_view name) {
  return {ReplyCode::not_found, fmt::format("no vhost '{}'", name)};
}
Error not_found_user(std::string_view name) {
  return {ReplyCode::not_found, fmt::format("no user '{}'", name)};
}

Error reserved_queue_name(std::string_view name) {
  return {ReplyCode::access_refused,
          fmt::format("queue name '{}' contains reserved prefix 'amq.*'", name)};
}
Error reserved_exchange_name(std::string_view name) {
  return {ReplyCode::access_refused,
          fmt::format("exchange name '{}' contains reserved prefix 'amq.*'", name)};
}
Error default_exchange_refused() {
  return {ReplyCode::access_refused, "operation not permitted on the default exchange"};
}
Error system_exchange_refused(std::string_view name, std::string_view vhost) {
  return {ReplyCode::access_refused,
          fmt::format("deletion of system {} not allowed", exchange_resource(name, vhost))};
}
Error internal_exchange_refused(std::string_view name, std::string_view vhost) {
  return {ReplyCode::access_refused,
          fmt::format("cannot publish to internal {}", exchange_resource(name, vhost))};
}
Error access_refused(std::string_view permission, std::string_view resource,
                     std::string_view user) {
  return {ReplyCode::access_refused,
          fmt::format("{} access to {} refused for user '{}'", permission, resource, user)};
}

Error queue_locked(std::string_view name, std::string_view vhost) {
  return {
      ReplyCode::resource_locked,
      fmt::format("cannot obtain exclusive access to locked {}. It could be originally declared "
                  "on another connection or the exclusive property value does not match that "
                  "of the original declaration.",
                  queue_resource(name, vhost))};
}

Error unknown_exchange_type(std::string_view type) {
  return {ReplyCode::precondition_failed, fmt::format("unknown exchange type '{}'", type)};
}
Error exchange_in_use(std::string_view name, std::string_view vhost) {
  return {ReplyCode::precondition_failed, exchange_resource(name, vhost) + " in use"};
}
Error queue_in_use(std::string_view name, std::string_view vhost) {
  return {ReplyCode::precondition_failed, queue_resource(name, vhost) + " in use"};
}
Error queue_not_empty(std::string_view name, std::string_view vhost) {
  return {ReplyCode::precondition_failed, queue_resource(name, vhost) + " not empty"};
}
Error inequivalent_argument(std::string_view argument, std::string_view resource,
                            std::string_view received, std::string_view current) {
  return {ReplyCode::precondition_failed,
          fmt::format("inequivalent arg '{}' for {}: received {} but current is {}", argument,
                      resource, received, current)};
}
Error invalid_queue_argument(std::string_view argument, std::string_view name,
                             std::string_view vhost, std::string_view why) {
  return {ReplyCode::precondition_failed,
          fmt::format("invalid arg '{}' for {}: {}", argument, queue_resource(name, vhost), why)};
}

bool has_reserved_prefix(std::string_view name) {
  return name.starts_with("amq.");
}

}  // namespace warren::catalog
