// Catalog: bindings. The order of checks is RabbitMQ's.
#include "broker/catalog/arguments.h"
#include "broker/catalog/catalog.h"
#include "broker/catalog/names.h"

namespace warren::catalog {

namespace {

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
Result<void> Catalog::run(const Unbind& command, Applied& applied) {
  if (auto allowed = check_not_default(command); !allowed) return allowed;
  if (auto bindable = check_bindable(command, false); !bindable) return bindable;
  const auto wanted = binding_of(command);
  if (auto binding = tables_.bindings.find_shared(key_of(*wanted))) {
    Doomed doomed;
    remove_binding(binding, doomed);
    remove_exchanges(std::move(doomed), applied.effects);
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
