// Catalog: adding and removing queues and bindings, with the indexes that removal needs and all
// that goes with what is removed. Nothing here recurses: a chain of auto-delete exchanges may be
// long.
#include "broker/base/check.h"
#include "broker/catalog/arguments.h"
#include "broker/catalog/catalog.h"

namespace warren::catalog {

void Catalog::count_queue(GroupId group, std::int64_t change) {
  const GroupLoad* known = tables_.loads.find(group);
  const std::uint64_t before = known == nullptr ? 0 : known->queues;
  tables_.loads.put({group, before + static_cast<std::uint64_t>(change)});
}

void Catalog::add_queue(std::shared_ptr<const QueueInfo> queue) {
  if (is_local(queue->group))
    local_queues_[{queue->node, queue->incarnation}].insert(queue->id);
  else
    count_queue(queue->group, 1);
  tables_.queues_by_id.put(queue);
  if (!queue->hidden()) tables_.queues.put(std::move(queue));
}

void Catalog::remove_queue(const QueueInfo& queue, Effects& effects) {
  // The caller's reference may lie in the tables.
  const auto kept = tables_.queues_by_id.find_shared(queue.id);
  CHECK(kept != nullptr, "queue {} is not in the catalog", queue.id);
  Doomed doomed;
  remove_bindings_to(DestinationKind::queue, kept->vhost, kept->name, doomed);
  if (is_local(kept->group)) {
    auto locals = local_queues_.find({kept->node, kept->incarnation});
    locals->second.erase(kept->id);
    if (locals->second.empty()) local_queues_.erase(locals);
  } else {
    count_queue(kept->group, -1);
  }
  tables_.queues.erase({kept->vhost, kept->name});
  tables_.queues_by_id.erase(kept->id);
  effects.queues_gone.push_back({kept->id, kept->group});
  remove_exchanges(std::move(doomed), effects);
}

void Catalog::remove_history(QueueId id, Effects& effects) {
  const auto queue = tables_.queues_by_id.find_shared(id);
  CHECK(queue != nullptr && queue->hidden(), "history {} is not in the catalog", id);
  count_queue(queue->group, -1);
  tables_.queues_by_id.erase(id);
  effects.queues_gone.push_back({id, queue->group});
}

void Catalog::remove_exchange(const std::string& vhost, const std::string& name, Effects& effects) {
  remove_exchanges({{vhost, name}}, effects);
}

void Catalog::remove_exchanges(Doomed doomed, Effects& effects) {
  while (!doomed.empty()) {
    const auto [vhost, name] = std::move(doomed.back());
    doomed.pop_back();
    const ExchangeRecord* record = tables_.exchanges.find({vhost, name});
    if (record == nullptr) continue;
    if (const QueueId history = record->info->history) remove_history(history, effects);
    tables_.exchanges.erase({vhost, name});
    auto next = by_source_.lower_bound(BindingKey{.vhost = vhost, .source = name});
    while (next != by_source_.end() && next->vhost == vhost && next->source == name) {
      auto binding = tables_.bindings.find_shared(*next);
      ++next;
      remove_binding(binding, doomed);
    }
    remove_bindings_to(DestinationKind::exchange, vhost, name, doomed);
  }
}

routing::Target Catalog::target_of(const BindingInfo& binding) const {
  if (binding.kind == DestinationKind::exchange) return {QueueId(), binding.destination};
  const QueueInfo* queue = tables_.queues.find({binding.vhost, binding.destination});
  CHECK(queue != nullptr, "binding to a queue that is gone: {}", binding.destination);
  return {queue->id, {}};
}

void Catalog::change_routes(const BindingInfo& binding, bool add) {
  const ExchangeRecord* record = tables_.exchanges.find({binding.vhost, binding.source});
  if (record == nullptr) return;  // it goes as a whole
  ExchangeRecord changed = *record;
  const auto fields = header_fields(binding.arguments);
  const routing::Binding route{target_of(binding), binding.routing_key, fields};
  if (add)
    changed.bindings.add(route);
  else
    changed.bindings.remove(route);
  tables_.exchanges.put(std::move(changed));
}

void Catalog::add_binding(std::shared_ptr<const BindingInfo> binding) {
  change_routes(*binding, true);
  const BindingKey key = key_of(*binding);
  by_source_.insert(key);
  by_destination_.insert({key.kind, key.vhost, key.destination, key});
  tables_.bindings.put(std::move(binding));
}

// Views in the indexes point into the binding, which the parameter keeps until the end.
void Catalog::remove_binding(std::shared_ptr<const BindingInfo> binding, Doomed& doomed) {
  change_routes(*binding, false);
  const BindingKey key = key_of(*binding);
  by_source_.erase(key);
  by_destination_.erase({key.kind, key.vhost, key.destination, key});
  tables_.bindings.erase(key);
  const ExchangeRecord* source = tables_.exchanges.find({key.vhost, key.source});
  if (source != nullptr && source->info->auto_delete && !has_bindings_from(key.vhost, key.source))
    doomed.emplace_back(key.vhost, key.source);
}

void Catalog::remove_bindings_to(DestinationKind kind, std::string_view vhost,
                                 std::string_view name, Doomed& doomed) {
  auto next = by_destination_.lower_bound(DestinationKey{kind, vhost, name, {}});
  while (next != by_destination_.end() && next->kind == kind && next->vhost == vhost &&
         next->destination == name) {
    auto binding = tables_.bindings.find_shared(next->binding);
    ++next;
    remove_binding(binding, doomed);
  }
}

bool Catalog::has_bindings_from(std::string_view vhost, std::string_view source) const {
  auto first = by_source_.lower_bound(BindingKey{.vhost = vhost, .source = source});
  return first != by_source_.end() && first->vhost == vhost && first->source == source;
}

}  // namespace warren::catalog
