#include "broker/catalog/catalog.h"

#include <algorithm>

#include "broker/base/check.h"
#include "broker/catalog/placement.h"

namespace warren::catalog {

namespace {

bool are_numbered(const std::vector<RegisterNode>& nodes) {
  std::set<NodeId> numbers;
  std::set<std::string_view> names;
  for (const RegisterNode& node : nodes) {
    if (!node.node || !numbers.insert(node.node).second) return false;
    if (node.name.empty() || !names.insert(node.name).second) return false;
  }
  return !nodes.empty();
}

}  // namespace

Applied Catalog::apply(CatalogIndex index, const Command& command, Stamp) {
  advance(index);
  Applied applied;
  applied.outcome.index = index;
  const bool founding = std::holds_alternative<Found>(command);
  Result<void> result =
      founding || founded()
          ? std::visit([&](const auto& c) { return run(c, applied); }, command)
          : Result<void>(fail(ReplyCode::internal_error, "the cluster is not founded yet"));
  if (!result) applied.outcome.error = result.error();
  return applied;
}

void Catalog::advance(CatalogIndex index) {
  CHECK(index > tables_.index, "index {} after {}", index, tables_.index);
  tables_.index = index;
}

std::shared_ptr<const Snapshot> Catalog::snapshot() const {
  return std::make_shared<const Snapshot>(tables_);
}

Result<void> Catalog::run(const Found& command, Applied& applied) {
  if (founded()) {
    if (command.cluster_id == tables_.cluster_id) return {};
    return fail(ReplyCode::internal_error, "another cluster is founded already");
  }
  if (command.cluster_id == 0 || !are_numbered(command.nodes))
    return fail(ReplyCode::internal_error, "a cluster needs an id and numbered nodes");
  if (command.first_user.name.empty() || command.first_user.vhost.empty())
    return fail(ReplyCode::internal_error, "a cluster needs a first user and vhost with names");
  tables_.cluster_id = command.cluster_id;
  tables_.cluster_name = command.cluster_name;
  tables_.replicas = std::max(command.replicas, 1u);
  tables_.test_placement = command.test_placement;
  std::vector<NodeInfo> nodes;
  for (const RegisterNode& node : command.nodes) {
    nodes.push_back({node.node, node.name, node.disk, node.address, {}, false});
    tables_.last_node = std::max(tables_.last_node, node.node);
    tables_.nodes.put(nodes.back());
  }
  for (GroupInfo& group :
       initial_groups(nodes, std::max(command.queue_groups, 1u), tables_.replicas)) {
    applied.effects.placement_changed.push_back(group.id);
    tables_.groups.put(std::move(group));
  }
  const FirstUser& first = command.first_user;
  create_vhost(first.vhost, "Default virtual host");
  tables_.users.put(
      UserInfo{first.name, command.password_hash, "rabbit_password_hashing_sha256", first.tags});
  tables_.permissions.put(PermissionInfo{first.name, first.vhost, ".*", ".*", ".*"});
  applied.outcome.created = true;
  return {};
}

}  // namespace warren::catalog
