// Resources as RabbitMQ names them in its texts, and the errors that both the catalog and the front
// end answer with. Pure. Texts as RabbitMQ 4.3 words them, to the letter.
#pragma once

#include <string>
#include <string_view>

#include "broker/base/error.h"

namespace warren::catalog {

std::string queue_resource(std::string_view name, std::string_view vhost);
std::string exchange_resource(std::string_view name, std::string_view vhost);

// 404
Error not_found_queue(std::string_view name, std::string_view vhost);
Error not_found_exchange(std::string_view name, std::string_view vhost);
Error not_found_vhost(std::string_view name);
Error not_found_user(std::string_view name);
// 403
Error reserved_queue_name(std::string_view name);
Error reserved_exchange_name(std::string_view name);
Error default_exchange_refused();
Error system_exchange_refused(std::string_view name, std::string_view vhost);
Error internal_exchange_refused(std::string_view name, std::string_view vhost);
// `resource` is queue_resource or exchange_resource; `user` the one that is refused.
Error access_refused(std::string_view permission, std::string_view resource, std::string_view user);
// 405
Error queue_locked(std::string_view name, std::string_view vhost);
// 406
Error unknown_exchange_type(std::string_view type);
Error exchange_in_use(std::string_view name, std::string_view vhost);
Error queue_in_use(std::string_view name, std::string_view vhost);
Error queue_not_empty(std::string_view name, std::string_view vhost);
Error inequivalent_argument(std::string_view argument, std::string_view resource,
                            std::string_view received, std::string_view current);
Error invalid_queue_argument(std::string_view argument, std::string_view name,
                             std::string_view vhost, std::string_view why);

bool has_reserved_prefix(std::string_view name);  // "amq."

}  // namespace warren::catalog
