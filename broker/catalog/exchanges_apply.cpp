// Catalog: exchanges. The order of checks is RabbitMQ's.
#include "broker/base/check.h"
#include "broker/catalog/arguments.h"
#include "broker/catalog/catalog.h"
#include "broker/catalog/names.h"

namespace warren::catalog {

namespace {

const char* text_of(bool value) {
  return value ? "'true'" : "'false'";
}
std::string quoted(const std::string& value) {
  return "'" + value + "'";
}

Result<void> check_equivalent(const ExchangeInfo& current, const DeclareExchange& received) {
  const std::string resource = exchange_resource(current.name, current.vhost);
  if (current.type != received.type)
    return std::unexpected(
        inequivalent_argument("type", resource, quoted(received.type), quoted(current.type)));
  const struct {
    const char* name;
    bool current, received;
  } flags[] = {{"durable", current.durable, received.durable},
               {"auto_delete", current.auto_delete, received.auto_delete},
               {"internal", current.internal, received.internal}};
  for (const auto& flag : flags) {
    if (flag.current != flag.received)
      return std::unexpected(inequivalent_argument(flag.name, resource, text_of(flag.received),
                                                   text_of(flag.current)));
  }
  return check_equivalent_argument("alternate-exchange", current.arguments, received.arguments,
                                   resource);
}

// An exchange of another type does not look at the arguments.
Result<routing::HashOn> hash_on(routing::ExchangeType type, const Arguments& arguments) {
  if (type != routing::ExchangeType::consistent_hash) return routing::HashOn();
  return routing::HashOn::from(header_fields(arguments));
}

}  // namespace

Result<void> Catalog::run(const DeclareExchange& command, Applied& applied) {
  if (tables_.vhosts.find(command.vhost) == nullptr)
    return std::unexpected(not_found_vhost(command.vhost));
  if (!routing::exchange_type_of(command.type))
    return std::unexpected(unknown_exchange_type(command.type));
  if (command.name.empty()) return std::unexpected(default_exchange_refused());
  if (const auto* record = tables_.exchanges.find({command.vhost, command.name}))
    return check_equivalent(*record->info, command);
  if (has_reserved_prefix(command.name))
    return std::unexpected(reserved_exchange_name(command.name));
  if (auto valid = check_exchange_arguments(command.arguments, command.name, command.vhost); !valid)
    return valid;
  const auto type = routing_type(command.type, command.arguments);
  if (!type) return std::unexpected(type.error());
  if (auto on = hash_on(*type, command.arguments); !on) return std::unexpected(on.error());
  ExchangeInfo info;
  info.vhost = command.vhost;
  info.name = command.name;
  info.type = command.type;
  info.durable = command.durable;
  info.auto_delete = command.auto_delete;
  info.internal = command.internal;
  info.arguments = command.arguments;
  info.arguments_octets = command.arguments_octets;
  put_exchange(std::move(info));
  applied.outcome.created = true;
  return {};
}

void Catalog::put_exchange(ExchangeInfo info) {
  const auto type = routing_type(info.type, info.arguments);
  CHECK(type.has_value(), "exchange type {}", info.type);
  if (const Argument* alternate = find_argument(info.arguments, "alternate-exchange")) {
    // As RabbitMQ does: the default exchange's queues are reached by no alternate way.
    info.has_alternate = !alternate->value.empty();
    info.alternate = alternate->value;
  }
  routing::BindingTable bindings(*type, hash_on(*type, info.arguments).value_or(routing::HashOn()));
  tables_.exchanges.put(
      ExchangeRecord{std::make_shared<const ExchangeInfo>(std::move(info)), std::move(bindings)});
}

Result<void> Catalog::run(const DeleteExchange& command, Applied&) {
  if (command.name.empty()) return std::unexpected(default_exchange_refused());
  if (has_reserved_prefix(command.name))
    return std::unexpected(system_exchange_refused(command.name, command.vhost));
  if (tables_.exchanges.find({command.vhost, command.name}) == nullptr) return {};
  if (command.if_unused && has_bindings_from(command.vhost, command.name))
    return std::unexpected(exchange_in_use(command.name, command.vhost));
  remove_exchange(command.vhost, command.name);
  return {};
}

}  // namespace warren::catalog
