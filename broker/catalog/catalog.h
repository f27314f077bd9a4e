// Catalog: the state machine of group 0. Applies commands in log order, decides every check that
// depends on other definitions, and publishes snapshots. Deterministic: replicas that applied the
// same commands have byte-identical snapshot_octets(). Pure; one at a time.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/base/ids.h"
#include "broker/base/result.h"
#include "broker/catalog/command.h"
#include "broker/catalog/snapshot.h"
#include "broker/catalog/tables.h"

namespace warren::catalog {

struct QueueGone {
  QueueId queue;
  GroupId group;
  bool operator==(const QueueGone&) const = default;
};
struct IncarnationEnded {
  NodeId node;
  Incarnation incarnation;
  bool operator==(const IncarnationEnded&) const = default;
};

// What a command asks of the world besides its outcome.
struct Effects {
  std::vector<QueueGone> queues_gone;
  std::vector<IncarnationEnded> incarnations_ended;
  std::vector<GroupId> placement_changed;
  // The catalog came from a snapshot: what it lost on the way is not listed, compare instead.
  bool unknown = false;
};

struct Applied {
  Outcome outcome;
  Effects effects;
};

class Catalog {
 public:
  Catalog() = default;

  // REQUIRES: index above every index applied before; one command an index (it becomes an id).
  Applied apply(CatalogIndex index, const Command& command, Stamp stamp);
  // An entry that holds no command (a leader's no-op): the index moves on.
  void advance(CatalogIndex index);
  CatalogIndex index() const { return tables_.index; }
  bool founded() const { return tables_.cluster_id != 0; }

  // Costs a dozen pointers.
  std::shared_ptr<const Snapshot> snapshot() const;

  // The whole state; first octet is the format's version.
  std::string snapshot_octets() const;
  // Error: 541, malformed or of a later version.
  static Result<Catalog> restore(std::string_view octets);

 private:
  struct DestinationKey {
    DestinationKind kind = DestinationKind::queue;
    std::string_view vhost, destination;
    BindingKey binding;
    auto operator<=>(const DestinationKey&) const = default;
  };

  Result<void> run(const Found& command, Applied& applied);
  Result<void> run(const DeclareExchange& command, Applied& applied);
  Result<void> run(const DeclareHistory& command, Applied& applied);
  Result<void> run(const DeleteExchange& command, Applied& applied);
  Result<void> run(const DeclareQueue& command, Applied& applied);
  Result<void> run(const DeleteQueue& command, Applied& applied);
  Result<void> run(const Bind& command, Applied& applied);
  Result<void> run(const Unbind& command, Applied& applied);
  Result<void> run(const PutVhost& command, Applied& applied);
  Result<void> run(const DeleteVhost& command, Applied& applied);
  Result<void> run(const PutUser& command, Applied& applied);
  Result<void> run(const DeleteUser& command, Applied& applied);
  Result<void> run(const PutPermission& command, Applied& applied);
  Result<void> run(const DeletePermission& command, Applied& applied);
  Result<void> run(const RegisterNode& command, Applied& applied);
  Result<void> run(const NodeDead& command, Applied& applied);
  Result<void> run(const ForgetNode& command, Applied& applied);

  using Doomed = std::vector<std::pair<std::string, std::string>>;  // exchanges: vhost, name

  Result<void> check_bindable(const Bind& command, bool must_exist) const;
  void create_vhost(const std::string& name, const std::string& description);
  Result<void> declare(const DeclareExchange& command, QueueId history, Applied& applied);
  void put_exchange(ExchangeInfo info);
  Result<GroupId> group_for(const DeclareQueue& command) const;
  Result<GroupId> local_group_for(const DeclareQueue& command) const;

  void end_incarnation(const NodeInfo& node, Effects& effects);
  void join_catalog_group(const NodeInfo& node, Effects& effects);
  void replace_disk(const NodeInfo& node, Effects& effects);
  void leave_groups(NodeId node, Effects& effects);

  void add_queue(std::shared_ptr<const QueueInfo> queue);
  void remove_queue(const QueueInfo& queue, Effects& effects);
  void remove_history(QueueId id, Effects& effects);
  void remove_exchange(const std::string& vhost, const std::string& name, Effects& effects);
  void remove_exchanges(Doomed doomed, Effects& effects);
  void add_binding(std::shared_ptr<const BindingInfo> binding);
  void remove_binding(std::shared_ptr<const BindingInfo> binding, Doomed& doomed);
  void remove_bindings_to(DestinationKind kind, std::string_view vhost, std::string_view name,
                          Doomed& doomed);
  void change_routes(const BindingInfo& binding, bool add);
  bool has_bindings_from(std::string_view vhost, std::string_view source) const;
  routing::Target target_of(const BindingInfo& binding) const;

  void count_queue(GroupId group, std::int64_t change);

  // False: not what a snapshot can hold.
  bool restore_exchange(ExchangeInfo exchange);
  bool restore_queue(QueueInfo queue);
  bool restore_history(const std::string& vhost, const std::string& exchange, QueueInfo queue);
  bool histories_are_whole() const;
  bool restore_binding(BindingInfo binding);

  Tables tables_;
  // Derived from tables_, for removals: views into the tables' own items.
  std::set<BindingKey> by_source_;
  std::set<DestinationKey> by_destination_;
  std::map<std::pair<NodeId, Incarnation>, std::set<QueueId>> local_queues_;
};

}  // namespace warren::catalog
