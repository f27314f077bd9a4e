// Catalog as octets, for snapshots of group 0:
//   u8 version (1), scalars, then each kind as a varint count and its items in sorted order.
// What can be derived (routing tables, indexes, loads) is not written.
#include "broker/base/check.h"
#include "broker/catalog/arguments.h"
#include "broker/catalog/catalog.h"
#include "broker/catalog/fields.h"

namespace warren::catalog {

namespace {

constexpr std::uint8_t version = 1;

void scalars(auto& archive, auto& tables) {
  archive(tables.index, tables.cluster_id, tables.cluster_name, tables.replicas,
          tables.test_placement, tables.last_node);
}

template <typename Map>
void write_map(ByteWriter& out, const Map& map) {
  out.varint(map.size());
  WriteArchive archive(out);
  auto less = [](const auto& a, const auto& b) { return Map::key_of(a) < Map::key_of(b); };
  for (const auto* item : map.sorted(less))
    archive(*item);
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
  ByteWriter out;
  out.u8(version);
  WriteArchive archive(out);
  scalars(archive, tables_);
  write_map(out, tables_.nodes);
  write_map(out, tables_.groups);
  write_map(out, tables_.vhosts);
  write_map(out, tables_.users);
  write_map(out, tables_.permissions);
  out.varint(tables_.exchanges.size());
  snapshot()->for_each_exchange([&](const ExchangeInfo& exchange) { archive(exchange); });
  write_map(out, tables_.queues_by_id);
  write_map(out, tables_.bindings);
  return out.take();
}

Result<Catalog> Catalog::restore(std::string_view octets) {
  ByteReader in(octets);
  bool valid = in.u8() == version;
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
  if (!valid || !in.at_end()) return fail(ReplyCode::internal_error, "malformed catalog snapshot");
  return catalog;
}

bool Catalog::restore_exchange(ExchangeInfo exchange) {
  if (!routing_type(exchange.type, exchange.arguments)) return false;
  put_exchange(std::move(exchange));
  return true;
}

bool Catalog::restore_queue(QueueInfo queue) {
  if (!queue.id || tables_.queues.find({queue.vhost, queue.name}) != nullptr) return false;
  if (tables_.queues_by_id.find(queue.id) != nullptr) return false;
  add_queue(std::make_shared<const QueueInfo>(std::move(queue)));
  return true;
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
