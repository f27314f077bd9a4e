// Arguments of queues and exchanges: which are known, what they may hold, and when two declarations
// agree. Pure. Arguments that no queue type knows are stored and never compared.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/result.h"
#include "broker/catalog/command.h"
#include "broker/routing/binding_table.h"
#include "broker/routing/headers_match.h"

namespace warren::catalog {

// The first of that name, or null.
const Argument* find_argument(const Arguments& arguments, std::string_view name);
// Its value, if it is there and an integer of any width.
std::optional<std::int64_t> integer_argument(const Arguments& arguments, std::string_view name);
// A queue's type as it was declared; all types but streams are one kind of queue here.
std::string_view queue_type_of(const Arguments& arguments);
bool is_stream(const Arguments& arguments);
// "7D": a number and one of the units Y M D h m s. None: it is no age.
std::optional<std::uint64_t> age_in_ms(std::string_view age);

// Errors: 406 for a value, a type, or an argument that only other types know.
Result<void> check_queue_arguments(const Arguments& arguments, std::string_view name,
                                   std::string_view vhost);
// Of a stream whose arguments are good. Errors: 406 for what is exclusive, transient or deletes
// itself, and for sizes beyond RabbitMQ's bounds.
Result<void> check_stream_declaration(const DeclareQueue& command);
// How an exchange of that type routes: x-delayed-message as its `x-delayed-type` says,
// x-recent-history as a fanout. Errors: 406 for a type that does not exist, and for a length that
// is not a number above 0.
Result<routing::ExchangeType> routing_type(std::string_view type, const Arguments& arguments);
// Of the queue that keeps the history of an exchange with these.
Arguments history_arguments(const Arguments& exchange);
// Error: 406 for an `alternate-exchange` that is not a string.
Result<void> check_exchange_arguments(const Arguments& arguments, std::string_view name,
                                      std::string_view vhost);

// Errors: 406, naming the first difference among the known arguments.
Result<void> check_equivalent_queue_arguments(const Arguments& current, const Arguments& received,
                                              std::string_view resource);
Result<void> check_equivalent_argument(std::string_view name, const Arguments& current,
                                       const Arguments& received, std::string_view resource);

std::vector<routing::HeaderField> header_fields(const Arguments& arguments);

}  // namespace warren::catalog
