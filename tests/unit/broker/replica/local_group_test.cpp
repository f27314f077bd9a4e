// A GroupClient of node 1 and the local group of node 2, which is born again meanwhile.
#include "broker/replica/local_group.h"

#include <gtest/gtest.h>

#include <deque>
#include <variant>

#include "broker/base/bytes.h"
#include "broker/replica/group_client.h"
#include "tests/unit/broker/replica/catalog_fixture.h"

namespace warren::replica {
namespace {

using namespace queue;
using namespace std::chrono_literals;

struct Outlet : LocalGroupOutlet {
  void send(GroupId, session::ToClient message) override { sent.push_back(std::move(message)); }
  void on_queue_sealed(GroupId, QueueId) override {}
  void on_queue_unused(GroupId, QueueId) override {}
  void on_dead_letters(GroupId, std::vector<DeadLetterJob>) override {}
  std::deque<session::ToClient> sent;
};

struct Front : GroupClientSink {
  void send(session::ToHost message) override { sent.push_back(std::move(message)); }
  void seek_leader(NodeId) override { ++seeks; }
  void on_outcomes(std::vector<CommandOutcome> told) override {
    outcomes.insert(outcomes.end(), told.begin(), told.end());
  }
  void on_deliveries(std::uint64_t, std::vector<Delivery>) override {}
  void on_consumer_cancelled(std::uint64_t, ConsumerNumber) override {}
  void on_holdings_refused(std::uint64_t, QueueId, std::vector<Held>) override {}
  void on_writable() override {}
  void on_session_ended() override { ++ended; }
  std::deque<session::ToHost> sent;
  std::vector<CommandOutcome> outcomes;
  int seeks = 0, ended = 0;
};

class LocalGroupTest : public ::testing::Test {
 protected:
  void be_born() {
    life = fixture.run(catalog::RegisterNode{"node2", NodeId(2), DiskId(2), ""}).incarnation;
    group = std::make_unique<LocalGroup>(SessionId{NodeId(2), life}, outlet, QueueHostConfig{},
                                         fixture.snapshot(), Stamp(1), now);
  }
  std::unique_ptr<GroupClient> client_of(Front& front, Incarnation host) {
    SessionId session{NodeId(1), fixture.incarnation()};
    return std::make_unique<GroupClient>(session, GroupClientConfig{}, front, host);
  }
  QueueId declare() {
    catalog::DeclareQueue declare;
    declare.vhost = "/";
    declare.name = "q" + std::to_string(fixture.index().value);
    declare.node = NodeId(2);
    declare.incarnation = life;
    QueueId queue = fixture.run(declare).queue;
    group->set_catalog(fixture.snapshot(), {});
    return queue;
  }
  static void publish(GroupClient& client, QueueId queue, BootTime now) {
    Publish p;
    p.queues.push_back(queue);
    client.submit({ClientCommand(p)}, now);
  }
  void settle(GroupClient& client, Front& front) {
    for (int i = 0; i < 10; ++i) {
      client.turn(now);
      for (auto& message : std::exchange(front.sent, {}))
        group->on_session_message(std::move(message), now);
      group->turn(now);
      for (auto& message : std::exchange(outlet.sent, {}))
        client.on_message(std::move(message), now);
    }
  }

  BootTime now{1s};
  CatalogFixture fixture;
  Outlet outlet;
  Incarnation life;
  std::unique_ptr<LocalGroup> group;
};

// The client's catalog does not know the new life yet: its session must not begin there with the
// numbers of the old one, or the next client of that life would never be let in.
TEST_F(LocalGroupTest, ClientOfAFormerLifeIsEndedAndTheNextOneIsLetIn) {
  be_born();
  Front front;
  auto old = client_of(front, life);
  QueueId queue = declare();
  old->connect(now);
  publish(*old, queue, now);
  settle(*old, front);
  ASSERT_EQ(front.outcomes.size(), 1u);
  EXPECT_EQ(front.outcomes[0].outcome.code, OutcomeCode::ok);

  be_born();
  old->disconnect(NodeId());
  publish(*old, queue, now);
  old->connect(now);
  settle(*old, front);
  EXPECT_EQ(front.ended, 1);
  ASSERT_EQ(front.outcomes.size(), 2u);
  EXPECT_EQ(front.outcomes[1].outcome.code, OutcomeCode::session_ended);
  EXPECT_TRUE(old->idle());

  Front again;
  auto next = client_of(again, life);
  next->connect(now);
  publish(*next, declare(), now);
  settle(*next, again);
  ASSERT_EQ(again.outcomes.size(), 1u);
  EXPECT_EQ(again.outcomes[0].outcome.code, OutcomeCode::ok);
}

TEST_F(LocalGroupTest, ClientOfTheNextLifeIsToldToComeBack) {
  be_born();
  Front front;
  auto client = client_of(front, life.next());
  client->connect(now);
  settle(*client, front);
  EXPECT_EQ(front.seeks, 1);
  EXPECT_EQ(front.ended, 0);
}

}  // namespace
}  // namespace warren::replica
