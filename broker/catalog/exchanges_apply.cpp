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
// A history's as Erlang prints an atom that is no plain word. Not others' of that kind: outcomes
// are replicated, and those have been answered without by older builds.
std::string quoted(const std::string& type) {
  const bool is_history = routing::exchange_type_of(type) == routing::ExchangeType::recent_history;
  return is_history ? "''" + type + "''" : "'" + type + "'";
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

// A history is declared by a command of its own: to an older build it is malformed, and so it is
// never taken for an exchange of a type that does not exist.
Result<void> Catalog::run(const DeclareExchange& command, Applied& applied) {
  if (tables_.vhosts.find(command.vhost) == nullptr)
    return std::unexpected(not_found_vhost(command.vhost));
  const auto type = routing::exchange_type_of(command.type);
  if (!type || *type == routing::ExchangeType::recent_history)
    return std::unexpected(unknown_exchange_type(command.type));
  return declare(command, QueueId(), applied);
}

// The queue is a stream of that length: it has each message once, in order, until so many others
// have come, whatever time to live or priority it has.
Result<void> Catalog::run(const DeclareHistory& command, Applied& applied) {
  if (tables_.vhosts.find(command.vhost) == nullptr)
    return std::unexpected(not_found_vhost(command.vhost));
  if (routing::exchange_type_of(command.type) != routing::ExchangeType::recent_history)
    return std::unexpected(unknown_exchange_type(command.type));
  DeclareQueue place;  // as any durable queue's
  place.vhost = command.vhost;
  place.durable = true;
  place.arguments = command.arguments;
  place.node = command.node;
  place.preferred_group = command.preferred_group;
  const Result<GroupId> group = group_for(place);
  if (!group) return std::unexpected(group.error());
  const QueueId id(tables_.index.value);
  if (Result<void> done = declare(command, id, applied); !applied.outcome.created) return done;
  auto queue = std::make_shared<QueueInfo>();
  queue->id = id;
  queue->vhost = command.vhost;
  queue->durable = true;
  queue->arguments = history_arguments(command.arguments);
  queue->group = *group;
  queue->node = command.node;
  add_queue(std::move(queue));
  return {};
}

Result<void> Catalog::declare(const DeclareExchange& command, QueueId history, Applied& applied) {
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
  info.history = history;
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

Result<void> Catalog::run(const DeleteExchange& command, Applied& applied) {
  if (command.name.empty()) return std::unexpected(default_exchange_refused());
  if (has_reserved_prefix(command.name))
    return std::unexpected(system_exchange_refused(command.name, command.vhost));
  if (tables_.exchanges.find({command.vhost, command.name}) == nullptr) return {};
  if (command.if_unused && has_bindings_from(command.vhost, command.name))
    return std::unexpected(exchange_in_use(command.name, command.vhost));
  remove_exchange(command.vhost, command.name, applied.effects);
  return {};
}

}  // namespace warren::catalog
