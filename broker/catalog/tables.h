// Tables: the definitions as persistent maps, by the keys that they are looked up by. Copying the
// whole costs a dozen pointers. Owned by Catalog (which changes it) and by each Snapshot.
#pragma once

#include <memory>
#include <string_view>
#include <tuple>

#include "broker/catalog/definitions.h"
#include "broker/routing/binding_table.h"
#include "broker/routing/persistent_map.h"

namespace warren::catalog {

// Two names: vhost and name; for permissions vhost and user.
struct PairKey {
  std::string_view vhost, name;
  auto operator<=>(const PairKey&) const = default;
};

struct BindingKey {
  std::string_view vhost, source;
  DestinationKind kind = DestinationKind::queue;
  std::string_view destination, routing_key, arguments_identity;
  auto operator<=>(const BindingKey&) const = default;
};

inline BindingKey key_of(const BindingInfo& b) {
  return {b.vhost, b.source, b.kind, b.destination, b.routing_key, b.arguments_identity};
}

struct ExchangeRecord {
  std::shared_ptr<const ExchangeInfo> info;
  routing::BindingTable bindings;
};

inline std::uint64_t hash_pair(const PairKey& key) {
  return routing::hash_octets(key.name, routing::hash_octets(key.vhost));
}

template <typename Item>
struct ByPair {
  using Key = PairKey;
  static Key key(const Item& item) { return {item.vhost, item.name}; }
  static std::uint64_t hash(const Key& key) { return hash_pair(key); }
};
struct ByExchange {
  using Key = PairKey;
  static Key key(const ExchangeRecord& record) { return {record.info->vhost, record.info->name}; }
  static std::uint64_t hash(const Key& key) { return hash_pair(key); }
};
struct ByPermission {
  using Key = PairKey;
  static Key key(const PermissionInfo& item) { return {item.vhost, item.user}; }
  static std::uint64_t hash(const Key& key) { return hash_pair(key); }
};
template <typename Item>
struct ByName {
  using Key = std::string_view;
  static Key key(const Item& item) { return item.name; }
  static std::uint64_t hash(const Key& key) { return routing::hash_octets(key); }
};
template <typename Item>
struct ById {
  using Key = decltype(Item::id);
  static Key key(const Item& item) { return item.id; }
  static std::uint64_t hash(const Key& key) { return routing::hash_mix(key.value, 0); }
};
struct ByBinding {
  using Key = BindingKey;
  static Key key(const BindingInfo& item) { return key_of(item); }
  static std::uint64_t hash(const Key& key) {
    std::uint64_t hash = hash_pair({key.vhost, key.source});
    hash = routing::hash_octets(key.destination, hash + static_cast<std::uint64_t>(key.kind));
    hash = routing::hash_octets(key.routing_key, hash);
    return routing::hash_octets(key.arguments_identity, hash);
  }
};

// How many queues a queue group hosts, hidden ones too. Derived: for placement.
struct GroupLoad {
  GroupId id;
  std::uint64_t queues = 0;
};

struct Tables {
  CatalogIndex index;
  std::uint64_t cluster_id = 0;
  std::string cluster_name;
  std::uint32_t replicas = 0;
  bool test_placement = false;
  NodeId last_node;  // numbers are never given twice

  routing::PersistentMap<VhostInfo, ByName<VhostInfo>> vhosts;
  routing::PersistentMap<UserInfo, ByName<UserInfo>> users;
  routing::PersistentMap<PermissionInfo, ByPermission> permissions;
  routing::PersistentMap<ExchangeRecord, ByExchange> exchanges;
  routing::PersistentMap<QueueInfo, ByPair<QueueInfo>> queues;
  routing::PersistentMap<QueueInfo, ById<QueueInfo>> queues_by_id;
  routing::PersistentMap<BindingInfo, ByBinding> bindings;
  routing::PersistentMap<NodeInfo, ById<NodeInfo>> nodes;
  routing::PersistentMap<GroupInfo, ById<GroupInfo>> groups;
  routing::PersistentMap<GroupLoad, ById<GroupLoad>> loads;  // absent: none
};

// Nodes are few: a walk. Null when there is none of that name.
inline const NodeInfo* find_node(const Tables& tables, std::string_view name) {
  const NodeInfo* found = nullptr;
  tables.nodes.for_each([&](const NodeInfo& node) {
    if (node.name == name) found = &node;
  });
  return found;
}

}  // namespace warren::catalog
