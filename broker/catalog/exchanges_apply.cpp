// Catalog: exchanges and bindings. The order of checks is RabbitMQ's.
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

std::shared_ptr<const BindingInfo> binding_of(const Bind& command) {
  auto binding = std::make_shared<BindingInfo>();
  binding->vhost = command.vhost;
  binding->source = command.source;
  binding->kind = command.kind;
  binding->destination = command.destination;
  binding->routing_key = command.routing_key;
  binding->arguments = command.arguments;
  binding->arguments_octets = command.arguments_octets;
  binding->arguments_identity = routing::identity_of(header_fields(command.arguments));
  return binding;
}

Result<void> check_not_default(const Bind& command) {
  const bool to_default = command.kind == DestinationKind::exchange && command.destination.empty();
  if (command.source.empty() || to_default) return std::unexpected(default_exchange_refused());
  return {};
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
  auto type = routing::exchange_type_of(info.type);
  CHECK(type.has_value(), "exchange type {}", info.type);
  if (const Argument* alternate = find_argument(info.arguments, "alternate-exchange")) {
    info.has_alternate = true;
    info.alternate = alternate->value;
  }
  tables_.exchanges.put(ExchangeRecord{std::make_shared<const ExchangeInfo>(std::move(info)),
                                       routing::BindingTable(*type)});
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

Result<void> Catalog::run(const Bind& command, Applied& applied) {
  if (auto allowed = check_not_default(command); !allowed) return allowed;
  const auto* source = tables_.exchanges.find({command.vhost, command.source});
  if (source == nullptr) return std::unexpected(not_found_exchange(command.source, command.vhost));
  if (auto bindable = check_bindable(command, true); !bindable) return bindable;
  auto binding = binding_of(command);
  const auto fields = header_fields(command.arguments);
  auto valid = source->bindings.check({target_of(*binding), binding->routing_key, fields});
  if (!valid) return valid;
  if (tables_.bindings.find(key_of(*binding)) != nullptr) return {};
  add_binding(std::move(binding));
  applied.outcome.created = true;
  return {};
}

// A binding, exchange or queue that is not there is as good as unbound.
Result<void> Catalog::run(const Unbind& command, Applied&) {
  if (auto allowed = check_not_default(command); !allowed) return allowed;
  if (auto bindable = check_bindable(command, false); !bindable) return bindable;
  const auto wanted = binding_of(command);
  if (auto binding = tables_.bindings.find_shared(key_of(*wanted))) {
    Doomed doomed;
    remove_binding(binding, doomed);
    remove_exchanges(std::move(doomed));
  }
  return {};
}

Result<void> Catalog::check_bindable(const Bind& command, bool must_exist) const {
  if (command.kind == DestinationKind::exchange) {
    if (!must_exist || tables_.exchanges.find({command.vhost, command.destination})) return {};
    return std::unexpected(not_found_exchange(command.destination, command.vhost));
  }
  const QueueInfo* queue = tables_.queues.find({command.vhost, command.destination});
  if (queue == nullptr) {
    if (!must_exist) return {};
    return std::unexpected(not_found_queue(command.destination, command.vhost));
  }
  if (queue->exclusive && !queue->owned_by(command.node, command.incarnation, command.owner))
    return std::unexpected(queue_locked(command.destination, command.vhost));
  return {};
}

}  // namespace warren::catalog
