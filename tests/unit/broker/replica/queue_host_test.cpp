// What a host keeps and forgets over terms, sessions and catalogs.
#include "broker/replica/queue_host.h"

#include "tests/unit/broker/replica/link_fixture.h"

namespace warren::replica {
namespace {

using QueueHostTest = Link;

// A node restarts with a catalog from before a delete that every member had seen, and leads.
TEST_F(QueueHostTest, QueueThatIsGoneAndForgottenIsNotMadeAgainByAnOlderCatalog) {
  publish("m");
  settle();
  auto before = fixture.snapshot();
  catalog::Effects effects;
  effects.queues_gone.push_back({q, GroupId(1)});
  fixture.run(catalog::DeleteQueue{q});
  leader.set_catalog(fixture.snapshot(), effects);
  settle();
  EXPECT_TRUE(leader.state.machine().was_removed(q));
  leader.host->set_catalog_floor(fixture.index());
  leader.host->set_catalog_floor(CatalogIndex(1));  // of a member that has just restarted
  publish("to make an entry");
  settle();
  ASSERT_FALSE(leader.state.machine().was_removed(q));
  outcomes.clear();

  leader.set_catalog(before, {});
  leader.lead(Term(2), now);
  settle();
  client.connect(now);
  publish("late");
  settle();
  EXPECT_TRUE(outcomes.empty());
  EXPECT_EQ(leader.state.machine().find(q), nullptr);
  leader.set_catalog(fixture.snapshot(), {});
  settle();
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].outcome.code, OutcomeCode::queue_gone);
  EXPECT_EQ(leader.state.machine().find(q), nullptr);
}

TEST_F(QueueHostTest, EndedSessionThatAsksAgainIsToldSoAndLeavesNothing) {
  catalog::Effects effects;
  effects.incarnations_ended.push_back({NodeId(1), fixture.incarnation()});
  leader.host->on_catalog(fixture.snapshot(), effects);
  leader.turn(now);
  leader.to_client.clear();
  leader.host->on_message(
      {{NodeId(1), fixture.incarnation()}, session::StreamEpoch(9), session::Open{}}, now);
  ASSERT_EQ(leader.to_client.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<session::Ended>(leader.to_client.front().body));
  EXPECT_EQ(leader.host->streams(), 0u);
}

TEST_F(QueueHostTest, AutoDeleteQueueGoesThoughLeaderAndConsumerAreLostTogether) {
  q = fixture.declare("mine", true);
  leader.set_catalog(fixture.snapshot(), {});
  client.set_catalog_index(fixture.index());
  consume(1);
  ASSERT_TRUE(consumed && *consumed);
  EXPECT_TRUE(leader.unused.empty());
  connected = false;
  leader.lead(Term(2), now);
  settle();
  EXPECT_TRUE(leader.unused.empty());
  now += 2s;
  settle();
  EXPECT_EQ(leader.unused, std::vector<QueueId>{q});
}

}  // namespace
}  // namespace warren::replica
