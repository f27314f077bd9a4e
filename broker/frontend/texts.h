// The explanations that several methods share, in RabbitMQ's words, and small helpers on names.
// Pure: any thread.
#pragma once

#include <string>
#include <string_view>

#include "broker/base/result.h"

namespace warren::frontend {

// "queue 'q' in vhost '/'"
std::string queue_text(std::string_view vhost, std::string_view queue);
std::string exchange_text(std::string_view vhost, std::string_view exchange);

Error no_queue(std::string_view vhost, std::string_view queue);        // 404
Error no_exchange(std::string_view vhost, std::string_view exchange);  // 404
Error locked_queue(std::string_view vhost, std::string_view queue);    // 405
Error default_exchange();                                              // 403

// Carriage returns and line feeds are dropped from the names of queues and exchanges.
std::string without_line_ends(std::string_view name);
bool is_reserved(std::string_view name);  // amq.*

// "amq.gen-" or "amq.ctag-" and 22 characters of base64url: 128 random bits.
std::string random_name(std::string_view prefix);

}  // namespace warren::frontend
