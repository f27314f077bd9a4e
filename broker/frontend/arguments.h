// Arguments: the argument tables of declares and binds as the catalog keeps them, and the checks of
// the arguments that queues, exchanges and consumers know. Pure: any thread.
// Source: RabbitMQ's documentation of queue arguments.
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

// Errors: 406 in RabbitMQ's words. `resource` is "queue 'q' in vhost '/'".
Result<void> check_queue_arguments(const amqp::FieldTable& table, std::string_view resource);
Result<void> check_exchange_arguments(const amqp::FieldTable& table, std::string_view resource);

// `x-priority`, 0 when absent. Errors: 406 not an integer, or an argument of streams.
Result<std::int32_t> consumer_priority(const amqp::FieldTable& table, std::string_view resource);

}  // namespace warren::frontend
