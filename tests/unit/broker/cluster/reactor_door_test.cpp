#include "broker/cluster/reactor_door.h"

#include <chrono>
#include <thread>

#include "tests/unit/broker/cluster/lane_fixture.h"

namespace warren::cluster {
namespace {

struct Sink final : ChannelSink {
  void on_outcomes(std::span<const CommandOutcome>) override {}
  void on_deliveries(std::vector<queue::Delivery>) override {}
  void on_consumer_cancelled(ConsumerNumber) override {}
  void on_holdings_refused(QueueId, std::span<const queue::Held>) override {}
  void on_incarnation_lost() override {
    ++lost;
    if (when_lost) when_lost();
  }
  int lost = 0;
  std::function<void()> when_lost;
};

class DoorTest : public LaneTest, public DoorWorld {
 protected:
  ~DoorTest() override { shut_down(); }
  NodeId self() const override { return NodeId(1); }
  Lane& lane_of(GroupId) override { return *lane; }
  bool may_route() const override { return true; }
  ConsumerNumber next_consumer() override { return ConsumerNumber(++consumers); }
  void define(catalog::Command command, replica::CatalogClient::Done done) override {
    defined.push_back(std::move(command));
    answer = std::move(done);
  }
  Milliseconds operation_timeout() const override { return time_limit; }
  std::optional<GroupId> preferred_group() const override { return std::nullopt; }

  void open() {
    run([this] {
      door = std::make_unique<ReactorDoor>(reactor, 0, 1, *this);
      door->set_catalog(fixture.snapshot());
    });
  }
  // Runs on the reactor, and what that posts.
  template <typename What>
  void at_door(What what) {
    run([&] { what(*door); });
    for (int i = 0; i < 4; ++i)
      run([] {});
  }

  std::unique_ptr<ReactorDoor> door;
  std::uint64_t consumers = 0;
  Milliseconds time_limit{15000};
  std::vector<catalog::Command> defined;
  replica::CatalogClient::Done answer;
};

TEST_F(DoorTest, DefinitionIsAnsweredOnceItsIndexIsAppliedHere) {
  open();
  std::optional<Result<catalog::Outcome>> told;
  at_door([&](ReactorDoor& d) {
    d.define(catalog::DeleteQueue{QueueId(9)}, [&](Result<catalog::Outcome> r) { told = r; });
  });
  ASSERT_EQ(defined.size(), 1u);
  at_door([&](ReactorDoor&) {
    catalog::Outcome outcome;
    outcome.index = CatalogIndex(fixture.index().value + 1);
    answer(outcome);
  });
  EXPECT_FALSE(told) << "a publish right after it would be routed by the catalog before";
  fixture.declare("next");
  at_door([&](ReactorDoor& d) { d.set_catalog(fixture.snapshot()); });
  ASSERT_TRUE(told);
  EXPECT_TRUE(*told);
}

TEST_F(DoorTest, DefinitionThatIsNotAppliedHereInTimeIs541) {
  open();
  time_limit = Milliseconds(1);
  std::vector<Result<catalog::Outcome>> told;
  at_door([&](ReactorDoor& d) {
    d.start();
    d.define(catalog::DeleteQueue{QueueId(9)},
             [&](Result<catalog::Outcome> r) { told.push_back(r); });
  });
  at_door([&](ReactorDoor&) {
    catalog::Outcome outcome;
    outcome.index = CatalogIndex(fixture.index().value + 1);
    answer(outcome);
  });
  for (int i = 0; i < 1000 && told.empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    at_door([](ReactorDoor&) {});
  }
  ASSERT_EQ(told.size(), 1u);
  ASSERT_FALSE(told[0]);
  EXPECT_EQ(told[0].error().code, ReplyCode::internal_error);
  fixture.declare("next");
  at_door([&](ReactorDoor& d) {
    d.set_catalog(fixture.snapshot());
    d.stop();
  });
  EXPECT_EQ(told.size(), 1u) << "answered once";
}

TEST_F(DoorTest, DeletingWhatIsNotThereIsDone) {
  open();
  std::optional<Result<std::uint64_t>> told;
  at_door([&](ReactorDoor& d) {
    d.delete_queue(QueueId(99), false, false, [&](Result<std::uint64_t> r) { told = r; });
  });
  ASSERT_TRUE(told && *told);
  EXPECT_EQ(**told, 0u);
  EXPECT_TRUE(defined.empty());
}

TEST_F(DoorTest, WithoutASessionADeletionIs541AndNothingIsDeleted) {
  QueueId queue = fixture.declare("q");
  with_lane([this](Lane& l) { l.set_catalog(fixture.snapshot(), {}); });
  open();
  std::optional<Result<std::uint64_t>> told;
  at_door([&](ReactorDoor& d) {
    d.delete_queue(queue, false, false, [&](Result<std::uint64_t> r) { told = r; });
  });
  ASSERT_TRUE(told);
  EXPECT_EQ(told->error().code, ReplyCode::internal_error);
  EXPECT_TRUE(defined.empty());
}

TEST_F(DoorTest, OneThatClosesAnotherWhenTheIncarnationIsLostHarmsNobody) {
  open();
  Sink first, second;
  at_door([&](ReactorDoor& d) {
    d.open_channel(&first);
    std::uint64_t other = d.open_channel(&second);
    first.when_lost = [&d, other] { d.close_channel(other, [] {}); };
    d.on_incarnation_lost();
  });
  EXPECT_EQ(first.lost, 1);
  EXPECT_EQ(second.lost, 0);
}

}  // namespace
}  // namespace warren::cluster
