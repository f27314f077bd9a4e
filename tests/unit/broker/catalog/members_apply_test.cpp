#include "tests/unit/broker/catalog/fixture.h"

namespace warren::catalog {
namespace {

class Members : public CatalogTest {
 protected:
  std::string members(std::uint32_t group) {
    std::string list;
    for (const MemberAssignment& member : catalog_.snapshot()->group(GroupId(group))->desired)
      list += fmt::format("{}@{}#{}{} ", member.node, member.disk, member.assigned,
                          member.voter ? "" : "L");
    return list;
  }
};

TEST_F(Members, FoundingMakesNodesGroupsAndGuest) {
  const auto snapshot = catalog_.snapshot();
  EXPECT_EQ(snapshot->cluster_id(), 77u);
  EXPECT_EQ(snapshot->cluster_name(), "burrow");
  EXPECT_TRUE(snapshot->vhost_exists("/"));
  EXPECT_EQ(snapshot->user("guest")->tags, std::vector<std::string>{"administrator"});
  EXPECT_EQ(snapshot->user("guest")->password_hash, "hash");
  EXPECT_EQ(snapshot->permission("guest", "/")->configure, ".*");
  EXPECT_EQ(snapshot->node("n2")->id, NodeId(2));
  EXPECT_EQ(snapshot->node(NodeId(2))->address, "host2:25672");
  EXPECT_EQ(members(0), "1@101#1 2@102#1 3@103#1 ");
  EXPECT_EQ(members(1), "1@101#1 2@102#1 3@103#1 ");
  EXPECT_EQ(members(2), "2@102#1 3@103#1 1@101#1 ");
  EXPECT_EQ(members(8), "2@102#1 3@103#1 1@101#1 ");
  EXPECT_EQ(snapshot->group(GroupId(9)), nullptr);
}

TEST_F(Members, SecondFoundingIsRefusedUnlessItIsTheSame) {
  Found other = three_nodes();
  ok(other);
  other.cluster_id = 78;
  refused(other, ReplyCode::internal_error, "another cluster is founded already");
}

TEST(MembersBeforeFounding, NothingElseIsAccepted) {
  Catalog catalog;
  EXPECT_FALSE(catalog.founded());
  EXPECT_TRUE(catalog.apply(CatalogIndex(1), queue("q"), Stamp(1)).outcome.error.has_value());
  EXPECT_TRUE(catalog.apply(CatalogIndex(2), Found{}, Stamp(1)).outcome.error.has_value());
  EXPECT_FALSE(catalog.apply(CatalogIndex(3), three_nodes(), Stamp(1)).outcome.error.has_value());
}

TEST(MembersBeforeFounding, FoundingNeedsNodesOfDistinctNamesAndNumbers) {
  Found same_number = three_nodes(), same_name = three_nodes(), unnumbered = three_nodes();
  same_number.nodes[1].node = NodeId(1);
  same_name.nodes[1].name = "n1";
  unnumbered.nodes[1].node = NodeId();
  Catalog catalog;
  CatalogIndex index;
  for (const Found& found : {same_number, same_name, unnumbered}) {
    index = index.next();
    EXPECT_EQ(catalog.apply(index, found, Stamp(1)).outcome.error->text,
              "a cluster needs an id and numbered nodes");
  }
  EXPECT_FALSE(catalog.founded());
}

TEST(MembersBeforeFounding, TheFirstUserIsTheOneThatIsGiven) {
  Catalog catalog;
  Found found = three_nodes();
  found.first_user = {"rabbit", {"monitoring", "policymaker"}, "warren"};
  found.password_hash = "hash";
  ASSERT_FALSE(catalog.apply(CatalogIndex(1), found, Stamp(1)).outcome.error);
  const auto snapshot = catalog.snapshot();
  EXPECT_EQ(snapshot->user("guest"), nullptr);
  EXPECT_FALSE(snapshot->vhost_exists("/"));
  EXPECT_TRUE(snapshot->vhost_exists("warren"));
  EXPECT_NE(snapshot->exchange("warren", "amq.topic"), nullptr);
  const UserInfo* user = snapshot->user("rabbit");
  ASSERT_NE(user, nullptr);
  EXPECT_EQ(user->password_hash, "hash");
  EXPECT_EQ(user->tags, (std::vector<std::string>{"monitoring", "policymaker"}));
  const PermissionInfo* permission = snapshot->permission("rabbit", "warren");
  ASSERT_NE(permission, nullptr);
  EXPECT_EQ(permission->configure, ".*");
}

TEST(MembersBeforeFounding, TheFirstUserAndItsVhostHaveNames) {
  Found no_user = three_nodes(), no_vhost = three_nodes();
  no_user.first_user.name.clear();
  no_vhost.first_user.vhost.clear();
  Catalog catalog;
  EXPECT_TRUE(catalog.apply(CatalogIndex(1), no_user, Stamp(1)).outcome.error);
  EXPECT_TRUE(catalog.apply(CatalogIndex(2), no_vhost, Stamp(1)).outcome.error);
  EXPECT_FALSE(catalog.founded());
}

TEST(MembersBeforeFounding, OneNodeAloneVotesAlone) {
  Catalog catalog;
  Found found = three_nodes();
  found.nodes.resize(1);
  catalog.apply(CatalogIndex(1), found, Stamp(1));
  EXPECT_EQ(catalog.snapshot()->group(GroupId(8))->desired.size(), 1u);
}

TEST_F(Members, RegistrationGivesTheIndexAsIncarnation) {
  const Applied applied = give(RegisterNode{"n1", NodeId(), DiskId(101), "elsewhere:1"});
  EXPECT_EQ(applied.outcome.node, NodeId(1));
  EXPECT_EQ(applied.outcome.incarnation.value, applied.outcome.index.value);
  EXPECT_TRUE(applied.effects.incarnations_ended.empty()) << "it had none before";
  EXPECT_TRUE(applied.effects.placement_changed.empty());
  EXPECT_EQ(catalog_.snapshot()->node("n1")->address, "elsewhere:1");
}

TEST_F(Members, NewIncarnationEndsThePreviousOneWithItsQueues) {
  const Incarnation first = start(1);
  const Incarnation other = start(2);
  const QueueId mine = ok(exclusive("mine", first)).queue;
  DeclareQueue theirs = exclusive("theirs", other);
  theirs.node = NodeId(2);
  ok(theirs);
  ok(queue("durable"));
  Bind command = binding("amq.fanout", "mine");
  command.node = NodeId(1);
  command.incarnation = first;
  command.owner = 5;
  ok(command);
  const Applied applied = give(RegisterNode{"n1", NodeId(1), DiskId(101), "host1:25672"});
  EXPECT_EQ(applied.effects.incarnations_ended,
            (std::vector<IncarnationEnded>{{NodeId(1), first}}));
  EXPECT_EQ(applied.effects.queues_gone,
            (std::vector<QueueGone>{{mine, local_group_of(NodeId(1))}}));
  const auto snapshot = catalog_.snapshot();
  EXPECT_EQ(snapshot->queue("/", "mine"), nullptr);
  EXPECT_NE(snapshot->queue("/", "theirs"), nullptr);
  EXPECT_NE(snapshot->queue("/", "durable"), nullptr);
  EXPECT_EQ(snapshot->binding_count(), 0u);
}

TEST_F(Members, DeadNodeLosesItsIncarnationOnce) {
  const Incarnation first = start(1);
  ok(exclusive("mine", first));
  EXPECT_EQ(give(NodeDead{NodeId(1), first}).effects.incarnations_ended.size(), 1u);
  EXPECT_TRUE(catalog_.snapshot()->node(NodeId(1))->dead);
  EXPECT_EQ(catalog_.snapshot()->queue("/", "mine"), nullptr);
  EXPECT_TRUE(give(NodeDead{NodeId(1), first}).effects.incarnations_ended.empty());
  EXPECT_TRUE(
      give(RegisterNode{"n1", NodeId(1), DiskId(101), "a:1"}).effects.incarnations_ended.empty());
  EXPECT_FALSE(catalog_.snapshot()->node(NodeId(1))->dead);
}

TEST_F(Members, DeathOfAnOlderIncarnationIsIgnored) {
  const Incarnation first = start(1);
  const Incarnation second = start(1);
  EXPECT_TRUE(give(NodeDead{NodeId(1), first}).effects.incarnations_ended.empty());
  EXPECT_FALSE(catalog_.snapshot()->node(NodeId(1))->dead);
  EXPECT_EQ(catalog_.snapshot()->node(NodeId(1))->incarnation, second);
}

TEST_F(Members, NewDiskIsANewMemberOfEveryGroup) {
  const Applied applied = give(RegisterNode{"n2", NodeId(2), DiskId(555), "host2:25672"});
  EXPECT_EQ(applied.effects.placement_changed.size(), 9u);
  const std::string own = fmt::format("2@555#{} ", applied.outcome.index);
  EXPECT_EQ(members(0), "1@101#1 " + own + "3@103#1 ");
  EXPECT_EQ(members(2), own + "3@103#1 1@101#1 ");
}

TEST_F(Members, NewNodeGetsTheNextNumberAndJoinsTheCatalogOnly) {
  const Applied applied = give(RegisterNode{"n4", NodeId(), DiskId(104), "host4:25672"});
  EXPECT_EQ(applied.outcome.node, NodeId(4));
  EXPECT_TRUE(applied.outcome.created);
  EXPECT_EQ(applied.effects.placement_changed, std::vector{catalog_group});
  EXPECT_EQ(catalog_.snapshot()->group(GroupId(1))->desired.size(), 3u);
}

TEST_F(Members, CatalogHasAtMostFiveVoters) {
  for (std::uint32_t i = 4; i <= 7; ++i)
    ok(RegisterNode{"n" + std::to_string(i), NodeId(), DiskId(100 + i), "h:1"});
  const std::string later = members(0);
  EXPECT_EQ(std::count(later.begin(), later.end(), 'L'), 2);
  ok(ForgetNode{NodeId(1)});
  const std::string after = members(0);
  EXPECT_EQ(std::count(after.begin(), after.end(), 'L'), 1) << "a learner moved up";
}

TEST_F(Members, NumbersAreNeverGivenTwice) {
  ok(RegisterNode{"n4", NodeId(), DiskId(104), "h:1"});
  ok(ForgetNode{NodeId(4)});
  EXPECT_EQ(ok(RegisterNode{"n4", NodeId(), DiskId(104), "h:1"}).node, NodeId(5));
}

TEST_F(Members, ForgottenNodeIsReplacedInItsGroups) {
  ok(RegisterNode{"n4", NodeId(), DiskId(104), "h:1"});
  const Incarnation first = start(1);
  ok(exclusive("mine", first));
  const Applied applied = give(ForgetNode{NodeId(1)});
  EXPECT_EQ(applied.effects.incarnations_ended.size(), 1u);
  EXPECT_EQ(applied.effects.queues_gone.size(), 1u);
  EXPECT_EQ(applied.effects.placement_changed.size(), 9u);
  EXPECT_EQ(members(1), fmt::format("2@102#1 3@103#1 4@104#{} ", applied.outcome.index));
  EXPECT_EQ(catalog_.snapshot()->node(NodeId(1)), nullptr);
  refused(ForgetNode{NodeId(1)}, ReplyCode::not_found, "no node 1");
}

TEST_F(Members, LastNodeCannotBeForgotten) {
  ok(ForgetNode{NodeId(1)});
  ok(ForgetNode{NodeId(2)});
  EXPECT_EQ(catalog_.snapshot()->group(GroupId(1))->desired.size(), 1u);
  refused(ForgetNode{NodeId(3)}, ReplyCode::precondition_failed,
          "the last node cannot be forgotten");
}

TEST_F(Members, RegistrationUnderAnotherNumberIsRefused) {
  refused(RegisterNode{"n1", NodeId(2), DiskId(101), "h:1"}, ReplyCode::internal_error,
          "node n1 has another number");
  refused(RegisterNode{"new", NodeId(9), DiskId(101), "h:1"}, ReplyCode::internal_error,
          "node new has another number");
  refused(RegisterNode{"", NodeId(), DiskId(101), "h:1"}, ReplyCode::internal_error,
          "a node needs a name and a disk");
}

}  // namespace
}  // namespace warren::catalog
