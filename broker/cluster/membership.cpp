#include "broker/cluster/membership.h"

#include <algorithm>
#include <vector>

namespace warren::cluster {

namespace {

// A learner this close to the commit index needs no more than the next round of appends.
constexpr std::uint64_t caught_up_entries = 256;

using Members = std::vector<raft::MemberId>;

bool contains(const Members& members, raft::MemberId member) {
  return std::ranges::binary_search(members, member);
}
void insert(Members& members, raft::MemberId member) {
  members.insert(std::ranges::lower_bound(members, member), member);
}

const raft::MemberProgress* find(std::span<const raft::MemberProgress> progress,
                                 raft::MemberId member) {
  auto it = std::ranges::find(progress, member, &raft::MemberProgress::member);
  return it == progress.end() ? nullptr : &*it;
}

bool has_caught_up(const raft::MemberProgress* progress, raft::Index commit) {
  return progress && progress->recently_active && !progress->in_snapshot &&
         progress->match.value + caught_up_entries >= commit.value;
}

std::optional<raft::Configuration> addition(const raft::Configuration& current,
                                            std::span<const catalog::MemberAssignment> desired) {
  for (const auto& assignment : desired) {
    raft::MemberId member = member_of(assignment);
    if (contains(current.voters, member) || contains(current.learners, member)) continue;
    raft::Configuration next = current;
    insert(next.learners, member);
    return next;
  }
  return std::nullopt;
}

std::optional<raft::Configuration> promotion(const raft::Configuration& current,
                                             std::span<const catalog::MemberAssignment> desired,
                                             std::span<const raft::MemberProgress> progress,
                                             raft::Index commit) {
  for (const auto& assignment : desired) {
    raft::MemberId member = member_of(assignment);
    if (!assignment.voter || !contains(current.learners, member)) continue;
    if (!has_caught_up(find(progress, member), commit)) continue;
    raft::Configuration next = current;
    std::erase(next.learners, member);
    insert(next.voters, member);
    return next;
  }
  return std::nullopt;
}

}  // namespace

raft::MemberId member_of(const catalog::MemberAssignment& assignment) {
  return {assignment.node.value, assignment.disk.value, assignment.assigned.value};
}

raft::Configuration founding_configuration(const catalog::GroupInfo& group) {
  raft::Configuration configuration;
  for (const auto& assignment : group.desired) {
    if (assignment.assigned != founding_assignment) return {};
    insert(assignment.voter ? configuration.voters : configuration.learners, member_of(assignment));
  }
  return configuration;
}

MembershipStep next_membership_step(const raft::Configuration& current,
                                    std::span<const catalog::MemberAssignment> desired,
                                    std::span<const raft::MemberProgress> progress,
                                    raft::MemberId self, raft::Index commit) {
  auto wanted = [&](raft::MemberId member) {
    return std::ranges::any_of(
        desired, [&](const auto& assignment) { return member_of(assignment) == member; });
  };
  if (auto next = addition(current, desired)) return ProposeConfiguration{std::move(*next)};
  if (auto next = promotion(current, desired, progress, commit))
    return ProposeConfiguration{std::move(*next)};

  for (raft::MemberId learner : current.learners) {
    if (wanted(learner)) continue;
    raft::Configuration next = current;
    std::erase(next.learners, learner);
    return ProposeConfiguration{std::move(next)};
  }
  // A voter goes only when every desired one has its vote: the group is never smaller than wished.
  const bool all_vote = std::ranges::all_of(desired, [&](const auto& assignment) {
    return !assignment.voter || contains(current.voters, member_of(assignment));
  });
  if (!all_vote) return {};
  for (raft::MemberId voter : current.voters) {
    if (wanted(voter)) continue;
    if (voter == self) {
      for (raft::MemberId other : current.voters)
        if (wanted(other) && has_caught_up(find(progress, other), commit)) return HandOver{other};
      continue;
    }
    raft::Configuration next = current;
    std::erase(next.voters, voter);
    return ProposeConfiguration{std::move(next)};
  }
  return {};
}

}  // namespace warren::cluster
