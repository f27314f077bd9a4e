// Catalog as octets, for snapshots of group 0:
//   u8 version, scalars, then each kind as a varint count and its items in sorted order.
//   Version 2, written where some exchange has a history: last, each such exchange's vhost and name
//   and its hidden queue. Version 1 has none.
// What can be derived (routing tables, indexes, loads) is not written.
#include "broker/base/check.h"
#include "broker/catalog/arguments.h"
#include "broker/catalog/catalog.h"
#include "broker/catalog/fields.h"

namespace warren::catalog {

namespace {

constexpr std::uint8_t plain_version = 1;
constexpr std::uint8_t histories_version = 2;

void scalars(auto& archive, auto& tables) {
  archive(tables.index, tables.cluster_id, tables.cluster_name, tables.replicas,
          tables.test_placement, tables.last_node);
}

template <typename Map>
auto sorted(const Map& map) {
  return map.sorted([](const auto& a, const auto& b) { return Map::key_of(a) < Map::key_of(b); });
}

template <typename Map>
void write_map(ByteWriter& out, const Map& map) {
  out.varint(map.size());
  WriteArchive archive(out);
  for (const auto* item : sorted(map))
    archive(*item);
}

// The named ones, by id; nobody sorts the others.
void write_queues(ByteWriter& out, const Tables& tables) {
  out.varint(tables.queues.size());
  WriteArchive archive(out);
  for (const QueueInfo* queue : sorted(tables.queues_by_id))
    if (!queue->hidden()) archive(*queue);
}

void write_histories(ByteWriter& out, const Tables& tables,
                     const std::vector<const ExchangeInfo*>& exchanges) {
  out.varint(exchanges.size());
  WriteArchive archive(out);
  for (const ExchangeInfo* exchange : exchanges)
    archive(exchange->vhost, exchange->name, *tables.queues_by_id.find(exchange->history));
}

struct History {
  std::string vhost, exchange;
  QueueInfo queue;
};
void fields(auto& archive, History& history) {
  archive(history.vhost, history.exchange, history.queue);
}

// Calls `take` for each item until one is malformed or refused (false).
template <typename Item, typename Take>
void read_items(ByteReader& in, ReadArchive& archive, bool& valid, Take take) {
  const std::uint64_t count = in.varint();
  for (std::uint64_t i = 0; i < count && valid; ++i) {
    Item item;
    archive(item);
    valid = archive.ok() && take(std::move(item));
  }
  valid = valid && archive.ok();
}

template <typename Map>
auto putting_into(Map& map) {
  return [&map](auto item) {
    map.put(std::move(item));
    return true;
  };
}

}  // namespace

std::string Catalog::snapshot_octets() const {
  const auto all = snapshot();
  std::vector<const ExchangeInfo*> with_history;
  all->for_each_exchange([&](const ExchangeInfo& exchange) {
    if (exchange.history) with_history.push_back(&exchange);
  });
  ByteWriter out;
  out.u8(with_history.empty() ? plain_version : histories_version);
  WriteArchive archive(out);
  scalars(archive, tables_);
  write_map(out, tables_.nodes);
  write_map(out, tables_.groups);
  write_map(out, tables_.vhosts);
  write_map(out, tables_.users);
  write_map(out, tables_.permissions);
  out.varint(tables_.exchanges.size());
  all->for_each_exchange([&](const ExchangeInfo& exchange) { archive(exchange); });
  write_queues(out, tables_);
  write_map(out, tables_.bindings);
  if (!with_history.empty()) write_histories(out, tables_, with_history);
  return out.take();
}

Result<Catalog> Catalog::restore(std::string_view octets) {
  ByteReader in(octets);
  const std::uint8_t version = in.u8();
  bool valid = version == plain_version || version == histories_version;
  ReadArchive archive(in);
  Catalog catalog;
  Tables& tables = catalog.tables_;
  if (valid) {
    scalars(archive, tables);
    read_items<NodeInfo>(in, archive, valid, putting_into(tables.nodes));
    read_items<GroupInfo>(in, archive, valid, putting_into(tables.groups));
    read_items<VhostInfo>(in, archive, valid, putting_into(tables.vhosts));
    read_items<UserInfo>(in, archive, valid, putting_into(tables.users));
    read_items<PermissionInfo>(in, archive, valid, putting_into(tables.permissions));
    read_items<ExchangeInfo>(
        in, archive, valid, [&](ExchangeInfo e) { return catalog.restore_exchange(std::move(e)); });
    read_items<QueueInfo>(in, archive, valid,
                          [&](QueueInfo q) { return catalog.restore_queue(std::move(q)); });
    read_items<BindingInfo>(in, archive, valid,
                            [&](BindingInfo b) { return catalog.restore_binding(std::move(b)); });
  }
  if (valid && version == histories_version)
    read_items<History>(in, archive, valid, [&](History h) {
      return catalog.restore_history(h.vhost, h.exchange, std::move(h.queue));
    });
  valid = valid && catalog.histories_are_whole();
  if (!valid || !in.at_end()) return fail(ReplyCode::internal_error, "malformed catalog snapshot");
  return catalog;
}

bool Catalog::restore_exchange(ExchangeInfo exchange) {
  if (!routing_type(exchange.type, exchange.arguments)) return false;
  put_exchange(std::move(exchange));
  return true;
}

bool Catalog::restore_queue(QueueInfo queue) {
  if (!queue.id || queue.hidden()) return false;
  if (tables_.queues.find({queue.vhost, queue.name}) != nullptr) return false;
  if (tables_.queues_by_id.find(queue.id) != nullptr) return false;
  add_queue(std::make_shared<const QueueInfo>(std::move(queue)));
  return true;
}

bool Catalog::restore_history(const std::string& vhost, const std::string& exchange,
                              QueueInfo queue) {
  const ExchangeRecord* record = tables_.exchanges.find({vhost, exchange});
  if (record == nullptr || record->info->history || is_local(queue.group)) return false;
  if (routing::exchange_type_of(record->info->type) != routing::ExchangeType::recent_history)
    return false;
  if (!queue.id || !queue.hidden() || tables_.queues_by_id.find(queue.id) != nullptr) return false;
  ExchangeInfo info = *record->info;
  info.history = queue.id;
  tables_.exchanges.put(
      ExchangeRecord{std::make_shared<const ExchangeInfo>(std::move(info)), record->bindings});
  add_queue(std::make_shared<const QueueInfo>(std::move(queue)));
  return true;
}

bool Catalog::histories_are_whole() const {
  bool whole = true;
  tables_.exchanges.for_each([&](const ExchangeRecord& record) {
    const bool has_one =
        routing::exchange_type_of(record.info->type) == routing::ExchangeType::recent_history;
    whole = whole && has_one == static_cast<bool>(record.info->history);
  });
  return whole;
}

bool Catalog::restore_binding(BindingInfo binding) {
  const auto fields = header_fields(binding.arguments);
  binding.arguments_identity = routing::identity_of(fields);
  const ExchangeRecord* source = tables_.exchanges.find({binding.vhost, binding.source});
  if (source == nullptr || tables_.bindings.find(key_of(binding)) != nullptr) return false;
  const PairKey destination{binding.vhost, binding.destination};
  const bool known = binding.kind == DestinationKind::queue
                         ? tables_.queues.find(destination) != nullptr
                         : !destination.name.empty() && tables_.exchanges.find(destination);
  if (!known) return false;
  if (!source->bindings.check({target_of(binding), binding.routing_key, fields})) return false;
  add_binding(std::make_shared<const BindingInfo>(std::move(binding)));
  return true;
}

}  // namespace warren::catalog
