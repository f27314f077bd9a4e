// Arguments: the argument tables of declares and binds as the catalog keeps them (which checks
// them), and the checks of those that consumers know. Pure: any thread.
// Source: RabbitMQ's documentation of consumers.
#pragma once

#include <string>
#include <string_view>

#include "broker/amqp/types.h"
#include "broker/base/result.h"
#include "broker/catalog/command.h"

namespace warren::frontend {

catalog::Arguments to_arguments(const amqp::FieldTable& table);
// The table's fields as on the wire, without the length in front.
std::string arguments_octets(const amqp::FieldTable& table);

// `x-priority`, 0 when absent. `resource` is "queue 'q' in vhost '/'", `type` the queue's.
// Errors: 406 not an integer, or an argument that consumers of its type do not know.
Result<std::int32_t> consumer_priority(const amqp::FieldTable& table, std::string_view resource,
                                       std::string_view type);

// `x-consumer-timeout` in milliseconds. Errors: 406 not an integer, or below 0.
Result<void> check_consumer_timeout(const amqp::FieldTable& table, std::string_view resource);

}  // namespace warren::frontend
