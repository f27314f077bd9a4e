#include "broker/catalog/placement.h"

#include <algorithm>

namespace warren::catalog {

namespace {

std::uint64_t load_of(const Tables& tables, GroupId group) {
  const GroupLoad* load = tables.loads.find(group);
  return load == nullptr ? 0 : load->queues;
}

std::vector<const GroupInfo*> queue_groups(const Tables& tables) {
  auto groups =
      tables.groups.sorted([](const GroupInfo& a, const GroupInfo& b) { return a.id < b.id; });
  std::erase_if(groups, [](const GroupInfo* group) { return group->id == catalog_group; });
  return groups;
}

bool has_member(const GroupInfo& group, NodeId node) {
  return std::ranges::find(group.desired, node, &MemberAssignment::node) != group.desired.end();
}

}  // namespace

std::vector<GroupInfo> initial_groups(const std::vector<NodeInfo>& nodes, std::uint32_t groups,
                                      std::uint32_t replicas) {
  std::vector<GroupInfo> result;
  GroupInfo catalog{catalog_group, {}};
  for (const NodeInfo& node : nodes)
    catalog.desired.push_back(
        {node.id, node.disk, founding_assignment, catalog.desired.size() < catalog_voters});
  result.push_back(std::move(catalog));
  const std::size_t voters = std::min<std::size_t>(replicas, nodes.size());
  for (std::uint32_t number = 1; number <= groups; ++number) {
    GroupInfo group{GroupId(number), {}};
    for (std::size_t i = 0; i < voters; ++i) {
      const NodeInfo& node = nodes[(number - 1 + i) % nodes.size()];
      group.desired.push_back({node.id, node.disk, founding_assignment, true});
    }
    result.push_back(std::move(group));
  }
  return result;
}

bool is_queue_group(const Tables& tables, GroupId group) {
  return group != catalog_group && tables.groups.find(group) != nullptr;
}

std::optional<GroupId> choose_group(const Tables& tables, NodeId declaring) {
  const auto groups = queue_groups(tables);
  for (const GroupInfo* group : groups) {
    const bool own = !group->desired.empty() && group->desired.front().node == declaring;
    if (own && load_of(tables, group->id) < group_fill_limit) return group->id;
  }
  auto fewest = std::ranges::min_element(
      groups, {}, [&](const GroupInfo* group) { return load_of(tables, group->id); });
  if (fewest == groups.end()) return std::nullopt;
  return (*fewest)->id;
}

std::optional<GroupId> choose_led_group(const Tables& tables, std::span<const GroupId> led) {
  std::optional<GroupId> first;
  for (const GroupId group : led)
    if (is_queue_group(tables, group) && load_of(tables, group) < group_fill_limit)
      first = first ? std::min(*first, group) : group;
  return first;
}

std::optional<NodeId> choose_replacement(const Tables& tables, const GroupInfo& group) {
  std::optional<std::pair<std::size_t, NodeId>> best;
  const auto groups = queue_groups(tables);
  tables.nodes.for_each([&](const NodeInfo& node) {
    if (node.dead || has_member(group, node.id)) return;
    const auto memberships = static_cast<std::size_t>(std::ranges::count_if(
        groups, [&](const GroupInfo* other) { return has_member(*other, node.id); }));
    std::pair candidate(memberships, node.id);
    if (!best || candidate < *best) best = candidate;
  });
  if (!best) return std::nullopt;
  return best->second;
}

}  // namespace warren::catalog
