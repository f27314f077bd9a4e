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

// A member that the same disk was under an earlier assignment: two cannot live there at once.
bool was(raft::MemberId member, const catalog::MemberAssignment& now) {
  return member.node == now.node.value && member.disk == now.disk.value &&
         member.assigned < now.assigned.value;
}

bool is_back(raft::MemberId member, std::span<const catalog::MemberAssignment> desired) {
  return std::ranges::any_of(desired,
                             [&](const auto& assignment) { return was(member, assignment); });
}

std::optional<raft::MemberId> successor(const raft::Configuration& current,
                                        std::span<const raft::MemberProgress> progress,
                                        raft::MemberId self, raft::Index commit) {
  for (raft::MemberId other : current.voters)
    if (other != self && has_caught_up(find(progress, other), commit)) return other;
  return std::nullopt;
}

// One who lives there under an earlier name goes first, when the group can do without.
std::optional<raft::Configuration> departure(const raft::Configuration& current,
                                             std::span<const catalog::MemberAssignment> desired,
                                             std::span<const raft::MemberProgress> progress,
                                             raft::MemberId self) {
  auto leaves = [&](raft::MemberId member) { return member != self && is_back(member, desired); };
  raft::Configuration next = current;
  if (auto learner = std::ranges::find_if(next.learners, leaves); learner != next.learners.end()) {
    next.learners.erase(learner);
    return next;
  }
  auto voter = std::ranges::find_if(next.voters, leaves);
  if (voter == next.voters.end()) return std::nullopt;
  next.voters.erase(voter);
  const auto alive = std::ranges::count_if(next.voters, [&](raft::MemberId other) {
    const auto* known = find(progress, other);
    return other == self || (known && known->recently_active);
  });
  if (static_cast<std::size_t>(alive) <= next.voters.size() / 2) return std::nullopt;
  return next;
}

std::optional<raft::Configuration> addition(const raft::Configuration& current,
                                            std::span<const catalog::MemberAssignment> desired) {
  for (const auto& assignment : desired) {
    raft::MemberId member = member_of(assignment);
    if (contains(current.voters, member) || contains(current.learners, member)) continue;
    auto lives_there = [&](raft::MemberId other) { return was(other, assignment); };
    if (std::ranges::any_of(current.voters, lives_there)) continue;
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
  if (is_back(self, desired))
    if (auto other = successor(current, progress, self, commit)) return HandOver{*other};
  if (auto next = departure(current, desired, progress, self))
    return ProposeConfiguration{std::move(*next)};
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
