#include "broker/cluster/membership.h"

#include <gtest/gtest.h>

namespace warren::cluster {
namespace {

catalog::MemberAssignment assignment(std::uint32_t node, std::uint64_t assigned = 1,
                                     bool voter = true) {
  return {NodeId(node), DiskId(node * 10 + assigned), CatalogIndex(assigned), voter};
}
raft::MemberId member(std::uint32_t node, std::uint64_t assigned = 1) {
  return member_of(assignment(node, assigned));
}
raft::MemberProgress progress(raft::MemberId id, std::uint64_t match, bool active = true) {
  return {id, true, active, false, raft::Index(match)};
}
raft::Configuration proposed(const MembershipStep& step) {
  auto* change = std::get_if<ProposeConfiguration>(&step);
  return change ? change->configuration : raft::Configuration{};
}

TEST(Membership, NothingToDoWhenTheConfigurationIsAsDesired) {
  auto step =
      next_membership_step({{member(1), member(2)}, {}}, std::vector{assignment(1), assignment(2)},
                           {}, member(1), raft::Index(5));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(step));
}

TEST(Membership, NewMemberStartsAsLearner) {
  auto step = next_membership_step({{member(1)}, {}}, std::vector{assignment(1), assignment(2, 9)},
                                   {}, member(1), raft::Index(5));
  EXPECT_EQ(proposed(step), (raft::Configuration{{member(1)}, {member(2, 9)}}));
}

TEST(Membership, LearnerIsPromotedOnlyWhenCaughtUpAndAlive) {
  raft::Configuration current{{member(1)}, {member(2, 9)}};
  std::vector desired{assignment(1), assignment(2, 9)};
  auto behind = next_membership_step(current, desired, std::vector{progress(member(2, 9), 10)},
                                     member(1), raft::Index(5000));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(behind));
  auto silent =
      next_membership_step(current, desired, std::vector{progress(member(2, 9), 5000, false)},
                           member(1), raft::Index(5000));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(silent));
  auto ready = next_membership_step(current, desired, std::vector{progress(member(2, 9), 4900)},
                                    member(1), raft::Index(5000));
  EXPECT_EQ(proposed(ready), (raft::Configuration{{member(1), member(2, 9)}, {}}));
}

TEST(Membership, LearnerForGoodStaysLearner) {
  auto step = next_membership_step(
      {{member(1)}, {member(2, 9)}}, std::vector{assignment(1), assignment(2, 9, false)},
      std::vector{progress(member(2, 9), 5)}, member(1), raft::Index(5));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(step));
}

TEST(Membership, ReplacedDiskLeavesOnlyAfterItsSuccessorVotes) {
  std::vector desired{assignment(1), assignment(2), assignment(3, 9)};
  raft::Configuration learning{{member(1), member(2), member(3)}, {member(3, 9)}};
  EXPECT_TRUE(std::holds_alternative<std::monostate>(
      next_membership_step(learning, desired, {}, member(1), raft::Index(5))));

  raft::Configuration four{{member(1), member(2), member(3), member(3, 9)}, {}};
  auto step = next_membership_step(four, desired, {}, member(1), raft::Index(5));
  EXPECT_EQ(proposed(step), (raft::Configuration{{member(1), member(2), member(3, 9)}, {}}));
}

TEST(Membership, DiskThatLeftAndCameBackLeavesBeforeItJoinsUnderItsNewName) {
  catalog::MemberAssignment back = assignment(3);
  back.assigned = CatalogIndex(9);
  std::vector desired{assignment(1), assignment(2), back};
  raft::Configuration before{{member(1), member(2), member(3)}, {}};
  auto waits = next_membership_step(before, desired, std::vector{progress(member(2), 5, false)},
                                    member(1), raft::Index(5));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(waits)) << "two of which one is silent";
  auto leaves = next_membership_step(before, desired, std::vector{progress(member(2), 5)},
                                     member(1), raft::Index(5));
  raft::Configuration two{{member(1), member(2)}, {}};
  EXPECT_EQ(proposed(leaves), two);
  auto leads = next_membership_step(before, desired, std::vector{progress(member(2), 5)}, member(3),
                                    raft::Index(5));
  ASSERT_TRUE(std::holds_alternative<HandOver>(leads));
  EXPECT_EQ(std::get<HandOver>(leads).to, member(2));
  auto joins = next_membership_step(two, desired, {}, member(1), raft::Index(6));
  EXPECT_EQ(proposed(joins), (raft::Configuration{{member(1), member(2)}, {member_of(back)}}));
}

TEST(Membership, LeaderThatIsToLeaveHandsOverFirst) {
  raft::Configuration current{{member(1), member(2), member(3)}, {}};
  auto step = next_membership_step(current, std::vector{assignment(2), assignment(3)},
                                   std::vector{progress(member(2), 5)}, member(1), raft::Index(5));
  ASSERT_TRUE(std::holds_alternative<HandOver>(step));
  EXPECT_EQ(std::get<HandOver>(step).to, member(2));
}

TEST(Membership, UndesiredLearnerIsDropped) {
  auto step = next_membership_step({{member(1)}, {member(2, 9)}}, std::vector{assignment(1)}, {},
                                   member(1), raft::Index(5));
  EXPECT_EQ(proposed(step), (raft::Configuration{{member(1)}, {}}));
}

TEST(Membership, FoundersStartTogetherAndLaterMembersStartEmpty) {
  catalog::GroupInfo group{GroupId(1), {assignment(2), assignment(1), assignment(3)}};
  EXPECT_EQ(founding_configuration(group),
            (raft::Configuration{{member(1), member(2), member(3)}, {}}));
  group.desired[2] = assignment(3, 9);
  EXPECT_EQ(founding_configuration(group), raft::Configuration{});
}

}  // namespace
}  // namespace warren::cluster
