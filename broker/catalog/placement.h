// Placement: which group a queue goes to and which nodes a group is meant to live on. Pure policy,
// a function of the catalog's state alone, so that every replica decides alike.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "broker/base/ids.h"
#include "broker/catalog/definitions.h"
#include "broker/catalog/tables.h"

namespace warren::catalog {

// Queues that a group takes before new ones spread to others: enough that a fanout to them is one
// entry, few enough that one hot group does not hold a big installation.
constexpr std::uint64_t group_fill_limit = 1024;
// Voters of group 0; nodes beyond them learn.
constexpr std::size_t catalog_voters = 5;

// Group 0 on every node, then `groups` queue groups of `replicas` voters, dealt round robin.
std::vector<GroupInfo> initial_groups(const std::vector<NodeInfo>& nodes, std::uint32_t groups,
                                      std::uint32_t replicas);

bool is_queue_group(const Tables& tables, GroupId group);

// Fill before spread: a group whose natural leader is `declaring` while one is below the limit;
// else the group with the fewest queues. None when there are no queue groups.
std::optional<GroupId> choose_group(const Tables& tables, NodeId declaring);

// The same by who really leads, which only the declaring node knows: the first of the queue groups
// `led` by it that is below the limit. None: choose_group decides. What it declares at the same
// time is not counted yet, so a group may get a few more than the limit.
std::optional<GroupId> choose_led_group(const Tables& tables, std::span<const GroupId> led);

// The living node that is not in `group` and is a member of the fewest queue groups, if any.
std::optional<NodeId> choose_replacement(const Tables& tables, const GroupInfo& group);

}  // namespace warren::catalog
