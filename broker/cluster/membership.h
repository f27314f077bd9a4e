// One safe step from a group's configuration towards the members that the catalog desires. Pure;
// asked by the group's leader after each change of either, and every second. Raft thesis §4.1
// (one at a time), §4.2.1 (learners catch up first).
#pragma once

#include <optional>
#include <span>
#include <variant>

#include "broker/catalog/definitions.h"
#include "raft/ready.h"
#include "raft/types.h"

namespace warren::cluster {

using catalog::founding_assignment;

raft::MemberId member_of(const catalog::MemberAssignment& assignment);

// The group as its founders start it; nothing once a member was replaced: who comes later starts
// empty and is told by the leader.
raft::Configuration founding_configuration(const catalog::GroupInfo& group);

struct ProposeConfiguration {
  raft::Configuration configuration;
};
// This leader is to leave: somebody else must lead first.
struct HandOver {
  raft::MemberId to;
};
using MembershipStep = std::variant<std::monostate, ProposeConfiguration, HandOver>;

// `progress`: as the leader `self` sees the members; `commit`: its commit index.
MembershipStep next_membership_step(const raft::Configuration& current,
                                    std::span<const catalog::MemberAssignment> desired,
                                    std::span<const raft::MemberProgress> progress,
                                    raft::MemberId self, raft::Index commit);

}  // namespace warren::cluster
