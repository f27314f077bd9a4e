// Snapshot: all definitions as of one catalog index, immutable. Every reactor routes and looks up
// on it without a lock. Publishing one costs a dozen pointers: what did not change is shared.
// Pointers and views that it returns live as long as it does. Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "broker/catalog/definitions.h"
#include "broker/catalog/tables.h"
#include "broker/routing/router.h"

namespace warren::catalog {

using routing::HeaderView;
using routing::Message;
using routing::RouteResult;

class Snapshot {
 public:
  Snapshot() = default;  // of the empty catalog
  explicit Snapshot(Tables tables) : tables_(std::move(tables)) {}

  CatalogIndex index() const { return tables_.index; }
  std::uint64_t cluster_id() const { return tables_.cluster_id; }  // 0: not founded
  const std::string& cluster_name() const { return tables_.cluster_name; }

  // Null when there is none. No allocation.
  const ExchangeInfo* exchange(std::string_view vhost, std::string_view name) const;
  const QueueInfo* queue(std::string_view vhost, std::string_view name) const;
  const QueueInfo* queue(QueueId id) const;  // hidden ones too, as nothing else here
  const UserInfo* user(std::string_view name) const;
  bool vhost_exists(std::string_view name) const;
  const PermissionInfo* permission(std::string_view user, std::string_view vhost) const;
  const NodeInfo* node(NodeId id) const;
  const NodeInfo* node(std::string_view name) const;
  const GroupInfo* group(GroupId id) const;
  // Where a new queue goes best, of the groups that its declarer's node leads; see placement.h.
  std::optional<GroupId> choose_led_group(std::span<const GroupId> led) const;

  // Appends the ids of all queues that a publish reaches; `out` as a whole is then in ascending
  // order, each queue once.
  RouteResult route(std::string_view vhost, std::string_view exchange, const Message& message,
                    std::vector<QueueId>& out) const;

  // In stable order: by vhost, then name; bindings by source, destination, key; nodes and groups
  // by number. Sorts on each call: for listings, not for every message.
  void for_each_vhost(const std::function<void(const VhostInfo&)>& visit) const;
  void for_each_user(const std::function<void(const UserInfo&)>& visit) const;
  void for_each_permission(const std::function<void(const PermissionInfo&)>& visit) const;
  void for_each_exchange(const std::function<void(const ExchangeInfo&)>& visit) const;
  void for_each_queue(const std::function<void(const QueueInfo&)>& visit) const;
  void for_each_binding(const std::function<void(const BindingInfo&)>& visit) const;
  void for_each_node(const std::function<void(const NodeInfo&)>& visit) const;
  void for_each_group(const std::function<void(const GroupInfo&)>& visit) const;

  std::size_t queue_count() const { return tables_.queues.size(); }
  std::size_t exchange_count() const { return tables_.exchanges.size(); }
  std::size_t binding_count() const { return tables_.bindings.size(); }

 private:
  Tables tables_;
};

}  // namespace warren::catalog
