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
  bool on_reply(std::uint64_t secret, const queue::Content* content) override {
    if (secret != 5) return false;
    replies.emplace_back(content == nullptr ? "asked" : content->body);
    return true;
  }
  void on_incarnation_lost() override {
    ++lost;
    if (when_lost) when_lost();
  }
  std::vector<std::string> replies;
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
  void carry_replies(NodeId node, std::vector<DirectReply> replies, RepliesTaken taken) override {
    carried.push_back({node, std::move(replies), std::move(taken)});
  }

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
  struct Carried {
    NodeId node;
    std::vector<DirectReply> replies;
    RepliesTaken taken;
  };
  std::vector<Carried> carried;
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

class Replies : public DoorTest {
 protected:
  Replies() { open(); }
  DirectReply reply_to(NodeId node, std::string_view body, Incarnation life = Incarnation(50)) {
    const Bytes octets = Bytes::copy_of(body);
    return {{{node, life}, 1, 5}, queue::Content{octets.owner(), {}, {}, {}, octets.view()}};
  }
  void send(DirectReply reply) {
    door->reply(std::move(reply), [this](bool taken) { answers.push_back(taken); });
  }
  std::vector<bool> answers;
};

TEST_F(Replies, OfOneTurnGoTogetherAndTheNextWhenThoseAreThere) {
  at_door([&](ReactorDoor&) {
    for (const char* body : {"a", "b", "c"})
      send(reply_to(NodeId(2), body));
  });
  ASSERT_EQ(carried.size(), 1u);
  ASSERT_EQ(carried[0].replies.size(), 3u);
  EXPECT_EQ(carried[0].replies[2].content->body, "c");
  at_door([&](ReactorDoor&) { send(reply_to(NodeId(2), "d")); });
  at_door([&](ReactorDoor&) { send(reply_to(NodeId(2), "e")); });
  EXPECT_EQ(carried.size(), 1u) << "one batch after the other: replies keep their order";
  at_door([&](ReactorDoor&) { carried[0].taken({true, false, true}); });
  EXPECT_EQ(answers, (std::vector{true, false, true}));
  ASSERT_EQ(carried.size(), 2u);
  EXPECT_EQ(carried[1].replies.size(), 2u);
  at_door([&](ReactorDoor&) { carried[1].taken({}); });  // it did not arrive
  EXPECT_EQ(answers, (std::vector{true, false, true, false, false}));
}

TEST_F(Replies, ToOneNodeWaitForNoOther) {
  at_door([&](ReactorDoor&) {
    send(reply_to(NodeId(2), "a"));
    send(reply_to(NodeId(3), "b"));
  });
  ASSERT_EQ(carried.size(), 2u);
  at_door([&](ReactorDoor&) { send(reply_to(NodeId(1), "home")); });
  at_door([&](ReactorDoor&) { send(reply_to(NodeId(1), "again")); });
  EXPECT_EQ(carried.size(), 4u) << "what stays at home keeps its order by itself";
}

TEST_F(Replies, AreNotKeptWithoutBound) {
  const std::string large(3u << 20, 'x');
  at_door([&](ReactorDoor&) {
    for (int i = 0; i < 3; ++i)
      send(reply_to(NodeId(2), large));
    send(reply_to(NodeId(3), std::string(9u << 20, 'x')));
  });
  EXPECT_EQ(answers, (std::vector{false, false}));
  ASSERT_EQ(carried.size(), 2u);
  EXPECT_EQ(carried[1].replies.size(), 1u) << "one alone may be larger";
  at_door([&](ReactorDoor&) { carried[0].taken({true}); });
  at_door([&](ReactorDoor&) { send(reply_to(NodeId(2), large)); });
  EXPECT_EQ(carried.size(), 3u) << "what was decided is not counted any more";
}

TEST_F(Replies, ToALifeThatIsOverAreNotSent) {
  at_door([&](ReactorDoor&) {
    send(reply_to(NodeId(9), "nobody"));
    send(reply_to(NodeId(1), "before", Incarnation(1)));
    send(reply_to(NodeId(1), "now", fixture.incarnation()));
  });
  EXPECT_EQ(answers, (std::vector{false, false}));
  ASSERT_EQ(carried.size(), 1u);
  EXPECT_EQ(carried[0].replies.at(0).content->body, "now");
}

TEST_F(Replies, AreHandedToTheirChannel) {
  Sink sink;
  std::uint64_t key = 0;
  std::vector<bool> taken;
  at_door([&](ReactorDoor& d) {
    key = d.open_channel(&sink);
    DirectReply reply = reply_to(NodeId(1), "hello");
    reply.to.channel = key;
    taken.push_back(d.on_reply(reply));
    reply.content.reset();
    taken.push_back(d.on_reply(reply));
    reply.to.secret = 6;
    taken.push_back(d.on_reply(reply));
    reply.to.channel = key + 1;
    taken.push_back(d.on_reply(reply));
    reply.to.channel = 0;
    taken.push_back(d.on_reply(reply));
    d.close_channel(key, [] {});
    taken.push_back(d.on_reply({{{}, key, 5}, std::nullopt}));
  });
  EXPECT_EQ(taken, (std::vector{true, true, false, false, false, false}));
  EXPECT_EQ(sink.replies, (std::vector<std::string>{"hello", "asked"}));
}

}  // namespace
}  // namespace warren::cluster
