#include "broker/cluster/lane.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "broker/cluster/session_codec.h"
#include "tests/unit/broker/cluster/lane_fixture.h"

namespace warren::cluster {
namespace {

constexpr GroupId local_of_2 = local_group_of(NodeId(2));

// The stream's Open that went to node 2 last; nothing: none did.
std::optional<session::Open> last_open(RecordingWorld& world) {
  std::optional<session::Open> found;
  for (proto::SessionFrame frame : world.to_hosts[NodeId(2)])
    if (auto message = decode_to_host(frame))
      if (const auto* open = std::get_if<session::Open>(&message->body)) found = *open;
  return found;
}

TEST_F(LaneTest, StreamToALocalGroupNamesTheLifeThatItMeans) {
  Incarnation life = join(2);
  world.up = {NodeId(2)};
  begin();
  publish(local_of_2, QueueId(99));
  auto open = last_open(world);
  ASSERT_TRUE(open);
  EXPECT_EQ(open->host, life);
}

TEST_F(LaneTest, WhatIsSubmittedToADeadNodesLocalGroupIsDecidedAtOnce) {
  Incarnation life = join(2);
  fixture.run(catalog::NodeDead{NodeId(2), life});
  begin();
  publish(local_of_2, QueueId(99));
  ASSERT_EQ(world.outcomes.size(), 1u);
  EXPECT_EQ(world.outcomes[0].outcome.code, queue::OutcomeCode::session_ended);
  EXPECT_EQ(world.sessions_ended, 0);
}

TEST_F(LaneTest, LocalGroupIsAbandonedWhenItsNodeIsFoundDeadInACatalogThatCameWhole) {
  Incarnation life = join(2);
  begin();
  publish(local_of_2, QueueId(99));
  EXPECT_TRUE(world.outcomes.empty());
  fixture.run(catalog::NodeDead{NodeId(2), life});
  catalog::Effects effects;
  effects.unknown = true;
  tell_catalog(effects);
  EXPECT_EQ(world.outcomes.size(), 1u);
}

TEST_F(LaneTest, NodeThatIsBornAgainIsMetUnderItsNewLife) {
  join(2);
  world.up = {NodeId(2)};
  begin();
  publish(local_of_2, QueueId(99));
  Incarnation life = join(2);
  tell_catalog();
  EXPECT_EQ(world.outcomes.size(), 1u);
  publish(local_of_2, QueueId(99));
  auto open = last_open(world);
  ASSERT_TRUE(open);
  EXPECT_EQ(open->host, life);
}

TEST_F(LaneTest, ReplicaThatMayHaveBeenHereBeforeATornTailAbstains) {
  config.may_lack_replicas = true;
  begin();
  ASSERT_EQ(store.created.size(), 1u);
  EXPECT_EQ(store.created[0].group, raft::GroupId(1));
  EXPECT_TRUE(store.created[0].abstain);
  with_lane([](Lane& l) { EXPECT_TRUE(l.groups().status(GroupId(1))->abstaining); });
}

raft::Message heartbeat_to(raft::MemberId member, raft::GroupId group = raft::GroupId(1)) {
  raft::Message message;
  message.kind = raft::MessageKind::heartbeat_request;
  message.group = group;
  message.from = {2, 2, 1};
  message.to = member;
  message.term = raft::Term(5);
  return message;
}

TEST_F(LaneTest, ReplicaThatLeftAndCameBackOnTheSameDiskBeginsAnew) {
  begin();
  const raft::MemberId again{1, 1, 77};
  with_lane([&](Lane& l) { l.receive_raft({heartbeat_to(again)}); });
  ASSERT_EQ(store.removed.size(), 1u);
  ASSERT_EQ(store.created.size(), 2u);
  EXPECT_EQ(store.created[1].self, again);
  with_lane([](Lane& l) {
    auto status = l.groups().status(GroupId(1));
    EXPECT_EQ(status->term, raft::Term(5));
    EXPECT_TRUE(status->configuration.voters.empty());
  });
}

TEST_F(LaneTest, ReplicaIsNotGivenUpForAnotherDiskOrAnOlderName) {
  begin();
  with_lane([](Lane& l) {
    l.receive_raft({heartbeat_to({1, 9, 77}), heartbeat_to({1, 1, 0}), heartbeat_to({3, 1, 77})});
  });
  EXPECT_TRUE(store.removed.empty());
}

// Sixty ticks are as many turns to who counts turns. Twenty are enough: each of them is three ticks
// long, or more.
TEST_F(LaneTest, SlowTurnsDoNotSlowRaftsClocksDown) {
  constexpr int most_turns = 40;
  config.groups.raft.election_min_ticks = config.groups.raft.election_max_ticks = 60;
  const raft::MemberId self{1, 1, 1}, leader{2, 2, 1};
  with_lane([&](Lane& l) {
    l.create_catalog(self, {{self, leader}, {}});
    l.receive_raft({heartbeat_to(self, raft::GroupId(catalog_group.value))});
    l.start();
  });
  bool asked = false;  // for votes, now that the leader is silent
  int turns = 0;
  for (; !asked && turns < most_turns; ++turns)
    run([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(30));
      asked = std::ranges::any_of(world.raft[NodeId(2)], [](const raft::Message& message) {
        return message.kind == raft::MessageKind::pre_vote_request;
      });
    });
  EXPECT_TRUE(asked);
}

TEST_F(LaneTest, ReplicaOnAWholeStoreDoesNotAbstain) {
  begin();
  ASSERT_EQ(store.created.size(), 1u);
  EXPECT_FALSE(store.created[0].abstain);
}

}  // namespace
}  // namespace warren::cluster
