// Catalog: nodes, their incarnations, and the desired members of groups.
#include <algorithm>

#include "broker/base/check.h"
#include "broker/catalog/catalog.h"
#include "broker/catalog/placement.h"

namespace warren::catalog {

namespace {

std::ptrdiff_t voters_in(const GroupInfo& group) {
  return std::ranges::count_if(group.desired, &MemberAssignment::voter);
}

bool has_room_for_voter(const GroupInfo& catalog) {
  return voters_in(catalog) < static_cast<std::ptrdiff_t>(catalog_voters);
}

}  // namespace

Result<void> Catalog::run(const RegisterNode& command, Applied& applied) {
  if (command.name.empty() || !command.disk)
    return fail(ReplyCode::internal_error, "a node needs a name and a disk");
  const NodeInfo* known = find_node(tables_, command.name);
  if (command.node && (known == nullptr || known->id != command.node))
    return fail(ReplyCode::internal_error, "node " + command.name + " has another number");

  NodeInfo node{
      NodeId(), command.name, command.disk, command.address, Incarnation(tables_.index.value),
      false};
  if (known == nullptr) {
    node.id = tables_.last_node = tables_.last_node.next();
    tables_.nodes.put(node);
    join_catalog_group(node, applied.effects);
    applied.outcome.created = true;
  } else {
    const NodeInfo before = *known;
    node.id = before.id;
    end_incarnation(before, applied.effects);
    tables_.nodes.put(node);
    if (before.disk != node.disk) replace_disk(node, applied.effects);
  }
  applied.outcome.node = node.id;
  applied.outcome.incarnation = node.incarnation;
  return {};
}

Result<void> Catalog::run(const NodeDead& command, Applied& applied) {
  const NodeInfo* known = tables_.nodes.find(command.node);
  if (known == nullptr || known->incarnation != command.incarnation) return {};
  NodeInfo node = *known;
  end_incarnation(node, applied.effects);
  node.dead = true;
  tables_.nodes.put(std::move(node));
  return {};
}

Result<void> Catalog::run(const ForgetNode& command, Applied& applied) {
  auto node = tables_.nodes.find_shared(command.node);
  if (!node) return fail(ReplyCode::not_found, "no node " + std::to_string(command.node.value));
  if (tables_.nodes.size() == 1)
    return fail(ReplyCode::precondition_failed, "the last node cannot be forgotten");
  end_incarnation(*node, applied.effects);
  tables_.nodes.erase(command.node);
  leave_groups(command.node, applied.effects);
  return {};
}

void Catalog::end_incarnation(const NodeInfo& node, Effects& effects) {
  if (!node.incarnation || node.dead) return;
  auto found = local_queues_.find({node.id, node.incarnation});
  if (found != local_queues_.end()) {
    const std::set<QueueId> queues = found->second;
    for (QueueId id : queues) {
      auto queue = tables_.queues_by_id.find_shared(id);
      CHECK(queue != nullptr, "local queue {} without a record", id);
      remove_queue(*queue, effects);
    }
  }
  effects.incarnations_ended.push_back({node.id, node.incarnation});
}

void Catalog::join_catalog_group(const NodeInfo& node, Effects& effects) {
  const GroupInfo* group = tables_.groups.find(catalog_group);
  CHECK(group != nullptr, "a founded cluster has its catalog group");
  GroupInfo changed = *group;
  changed.desired.push_back({node.id, node.disk, tables_.index, has_room_for_voter(changed)});
  tables_.groups.put(std::move(changed));
  effects.placement_changed.push_back(catalog_group);
}

// A new disk is a new member: the old one may have voted, the new one cannot know how.
void Catalog::replace_disk(const NodeInfo& node, Effects& effects) {
  const auto groups =
      tables_.groups.sorted([](const GroupInfo& a, const GroupInfo& b) { return a.id < b.id; });
  std::vector<GroupInfo> changed;
  for (const GroupInfo* group : groups) {
    auto member = std::ranges::find(group->desired, node.id, &MemberAssignment::node);
    if (member == group->desired.end()) continue;
    GroupInfo copy = *group;
    MemberAssignment& own = copy.desired[member - group->desired.begin()];
    own.disk = node.disk;
    own.assigned = tables_.index;
    changed.push_back(std::move(copy));
  }
  for (GroupInfo& group : changed) {
    effects.placement_changed.push_back(group.id);
    tables_.groups.put(std::move(group));
  }
}

void Catalog::leave_groups(NodeId node, Effects& effects) {
  std::set<GroupId> left;
  tables_.groups.for_each([&](const GroupInfo& group) {
    if (std::ranges::count(group.desired, node, &MemberAssignment::node) != 0)
      left.insert(group.id);
  });
  for (GroupId id : left) {
    GroupInfo group = *tables_.groups.find(id);
    std::erase_if(group.desired, [&](const MemberAssignment& m) { return m.node == node; });
    if (id == catalog_group) {
      // A learner moves up: it has the log already.
      auto learner = std::ranges::find(group.desired, false, &MemberAssignment::voter);
      if (learner != group.desired.end() && has_room_for_voter(group)) learner->voter = true;
    } else if (auto replacement = choose_replacement(tables_, group)) {
      const NodeInfo* info = tables_.nodes.find(*replacement);
      group.desired.push_back({info->id, info->disk, tables_.index, true});
    }
    tables_.groups.put(std::move(group));
    effects.placement_changed.push_back(id);
  }
}

}  // namespace warren::catalog
