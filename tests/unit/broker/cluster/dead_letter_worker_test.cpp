// Dead letters on their way: where they go by a catalog, and a worker before a door that keeps
// what it is asked.
#include "broker/cluster/dead_letter_worker.h"

#include <gtest/gtest.h>

#include "broker/amqp/properties.h"
#include "tests/unit/broker/replica/catalog_fixture.h"

namespace warren::cluster {
namespace {

using queue::OutcomeCode;

constexpr GroupId source{7};

class RecordingDoor final : public Door {
 public:
  NodeId self() const override { return NodeId(1); }
  std::shared_ptr<const catalog::Snapshot> catalog() const override { return snapshot; }
  bool may_route() const override { return routable; }
  void when_routable(std::function<void()> resume) override { waiting.push_back(resume); }
  std::uint64_t open_channel(ChannelSink* opened) override {
    sink = opened;
    return 5;
  }
  void submit(GroupId, std::vector<queue::ClientCommand> commands) override {
    std::ranges::move(commands, std::back_inserter(submitted));
  }
  bool writable(GroupId) const override { return room; }
  void when_writable(GroupId, std::function<void()> resume) override { waiting.push_back(resume); }
  void fetch(GroupId group, MessageId part,
             std::function<void(Result<std::optional<Bytes>>)> done) override {
    EXPECT_EQ(group, source);
    fetched.push_back({part, done});
  }
  // What a worker never asks.
  void close_channel(std::uint64_t, std::function<void()>) override { FAIL(); }
  void submit_whole(GroupId, std::vector<queue::ClientCommand>) override { FAIL(); }
  void consume(GroupId, queue::Consumer, std::function<void(Result<ConsumerNumber>)>) override {
    FAIL();
  }
  void cancel(GroupId, ConsumerNumber, std::function<void()>) override { FAIL(); }
  void taken(GroupId, ConsumerNumber, std::uint64_t) override { FAIL(); }
  void set_prefetch(GroupId, ConsumerNumber, std::uint32_t) override { FAIL(); }
  void acknowledge(GroupId, ConsumerNumber, std::vector<Ordinal>) override { FAIL(); }
  void get(GroupId, queue::GetRequest, std::function<void(Result<queue::GetReply>)>) override {
    FAIL();
  }
  void counts(GroupId, QueueId, std::function<void(Result<queue::QueueCounts>)>) override {
    FAIL();
  }
  void browse(GroupId, QueueId, Ordinal, std::function<void(Result<queue::BrowsedPage>)>) override {
    FAIL();
  }
  void reply(DirectReply, std::function<void(bool)>) override { FAIL(); }
  void define(catalog::Command, std::function<void(Result<catalog::Outcome>)>) override { FAIL(); }
  void delete_queue(QueueId, bool, bool, std::function<void(Result<std::uint64_t>)>) override {
    FAIL();
  }

  struct Fetch {
    MessageId part;
    std::function<void(Result<std::optional<Bytes>>)> done;
  };
  std::shared_ptr<const catalog::Snapshot> snapshot;
  ChannelSink* sink = nullptr;
  bool routable = true, room = true;
  std::vector<std::function<void()>> waiting;
  std::vector<queue::ClientCommand> submitted;
  std::vector<Fetch> fetched;
};

class DeadLetterWorkerTest : public testing::Test {
 protected:
  DeadLetterWorkerTest() { door.snapshot = fixture.snapshot(); }

  replica::DeadLetterJob letter(const std::string& body, const std::string& key = "d") {
    replica::DeadLetterJob job;
    job.queue = QueueId(900);
    job.number = queue::DeadLetterNumber(++last);
    job.route = {"/", "q", "", key, false};
    job.reason = queue::DeathReason::expired;
    job.died = Stamp(1'700'000'000'999);
    const Bytes octets = Bytes::copy_of(body);
    job.content = {octets.owner(), "x", "q", std::string_view("\0\0", 2), octets.view()};
    return job;
  }
  void take(std::vector<replica::DeadLetterJob> jobs) { worker.take(source, std::move(jobs)); }
  const queue::Publish& published(std::size_t at) {
    return std::get<queue::Publish>(door.submitted.at(at));
  }
  QueueId declare(const std::string& name, const catalog::Arguments& arguments = {}) {
    catalog::DeclareQueue declare;
    declare.vhost = "/";
    declare.name = name;
    declare.durable = true;
    declare.node = NodeId(1);
    declare.incarnation = fixture.incarnation();
    declare.arguments = arguments;
    const QueueId queue = fixture.run(declare).queue;
    fixture.run(catalog::Bind{
        "/", "amq.fanout", name, catalog::DestinationKind::queue, "", {}, "", NodeId(1), {}, 0});
    door.snapshot = fixture.snapshot();
    return queue;
  }
  // To d, and whatever is declared.
  replica::DeadLetterJob to_all(bool retained) {
    auto job = letter("x");
    job.route.exchange = "amq.fanout";
    job.route.retained = retained;
    return job;
  }
  void decide(std::size_t at, OutcomeCode code) {
    const CommandOutcome outcome{published(at).origin, {code, 0}};
    door.sink->on_outcomes(std::span(&outcome, 1));
  }
  void resume() {
    for (auto& one : std::exchange(door.waiting, {}))
      one();
  }
  std::string told() {
    std::string text;
    for (const replica::DeadLetterAnswer& answer : answers)
      text += fmt::format("{}{}", answer.number.value, answer.done ? "+" : "-");
    return text;
  }

  replica::CatalogFixture fixture;
  QueueId d = fixture.declare("d");
  RecordingDoor door;
  std::vector<replica::DeadLetterAnswer> answers;
  DeadLetterWorker worker{
      door, [this](GroupId group, const std::vector<replica::DeadLetterAnswer>& told) {
        EXPECT_EQ(group, source);
        answers.insert(answers.end(), told.begin(), told.end());
      }};
  std::uint64_t last = 0;
};

TEST_F(DeadLetterWorkerTest, ALetterIsPublishedWithItsDeathAndItsNewAddress) {
  auto job = letter("body");
  amqp::BasicProperties properties;
  properties.delivery_mode = 2;
  properties.priority = 9;
  properties.expiration = "50";
  properties.headers.emplace();
  properties.headers->set("x-deduplication-header", std::string("once"));
  const std::string raw = amqp::encode_properties(properties);
  job.content.properties = raw;
  take({job});
  ASSERT_EQ(door.submitted.size(), 1u);
  const queue::Publish& publish = published(0);
  EXPECT_EQ(publish.content.exchange, "");
  EXPECT_EQ(publish.content.routing_key, "d");
  EXPECT_EQ(publish.content.body, "body");
  EXPECT_TRUE(publish.content.dead_letter);
  EXPECT_TRUE(publish.persistent);
  EXPECT_EQ(publish.priority, 9);
  EXPECT_FALSE(publish.ttl_ms);
  EXPECT_FALSE(publish.duplicate) << "it may come back to a queue that has had it";
  EXPECT_EQ(publish.queues.front(), d);
  auto now = amqp::decode_properties(publish.content.properties);
  ASSERT_TRUE(now);
  EXPECT_EQ(now->headers->as_string("x-first-death-exchange"), "x");
  EXPECT_FALSE(now->expiration);
  EXPECT_EQ(told(), "");
  decide(0, OutcomeCode::ok);
  EXPECT_EQ(told(), "1+");
}

TEST_F(DeadLetterWorkerTest, WhatIsRefusedIsLostAsInRabbitMQ) {
  take({letter("a"), letter("b"), letter("c")});
  decide(0, OutcomeCode::rejected);
  decide(1, OutcomeCode::session_ended);
  decide(2, OutcomeCode::queue_gone);
  EXPECT_EQ(told(), "1+2-3+");
}

TEST_F(DeadLetterWorkerTest, WhatIsRetainedIsTriedAgainWhereItIsNotYet) {
  const QueueId e = declare("e"), f = declare("f");
  take({to_all(true)});
  ASSERT_EQ(door.submitted.size(), 2u) << "each queue answers for itself";
  decide(0, OutcomeCode::ok);
  decide(1, OutcomeCode::rejected);
  ASSERT_EQ(told(), "1-");
  EXPECT_EQ(answers[0].reached, std::vector{e});
  auto again = to_all(true);
  again.reached = answers[0].reached;
  take({again});
  ASSERT_EQ(door.submitted.size(), 3u);
  EXPECT_EQ(published(2).queues.front(), f);
  decide(2, OutcomeCode::queue_gone);
  EXPECT_EQ(told(), "1-2-");
  again.reached = {e, f};
  take({again});
  EXPECT_EQ(door.submitted.size(), 3u);
  EXPECT_EQ(answers.back().done, true);
}

TEST_F(DeadLetterWorkerTest, ATargetThatBuriesWhatItRefusesHasIt) {
  declare("e", {{"x-overflow", "longstr", "reject-publish-dlx"},
                {"x-dead-letter-exchange", "longstr", "dlx"}});
  take({to_all(true)});
  decide(0, OutcomeCode::rejected);
  EXPECT_EQ(told(), "1+");
}

TEST_F(DeadLetterWorkerTest, OneCommandIsEnoughForAGroup) {
  declare("e"), declare("f");
  take({to_all(false)});
  ASSERT_EQ(door.submitted.size(), 1u);
  EXPECT_EQ(published(0).queues.size(), 2u);
}

TEST_F(DeadLetterWorkerTest, WithoutATargetItIsDroppedUnlessItIsToBeRetained) {
  auto retained = letter("b", "nobody");
  retained.route.retained = true;
  auto lost = letter("c", "d");
  lost.route.exchange = "no such exchange";
  take({letter("a", "nobody"), retained, lost});
  EXPECT_TRUE(door.submitted.empty());
  EXPECT_EQ(told(), "3+1-2+");
}

TEST_F(DeadLetterWorkerTest, AHistoryKeepsItAndIsNoQueueThatARetainedOneFinds) {
  catalog::DeclareHistory declare;
  declare.vhost = "/";
  declare.name = "h";
  declare.type = "x-recent-history";
  declare.node = NodeId(1);
  fixture.run(declare);
  door.snapshot = fixture.snapshot();
  auto job = letter("a");
  job.route.exchange = "h";
  take({job});
  decide(0, OutcomeCode::ok);
  EXPECT_EQ(told(), "1+");
  job.route.retained = true;
  take({job});
  decide(1, OutcomeCode::ok);
  EXPECT_EQ(told(), "1+1-");
  job.reached = answers.back().reached;
  take({job});
  EXPECT_EQ(door.submitted.size(), 2u) << "the history has it once";
  EXPECT_EQ(told(), "1+1-1-");
}

TEST_F(DeadLetterWorkerTest, WhatWouldGoRoundForEverIsDropped) {
  auto job = letter("a", "q");
  fixture.declare("q");
  door.snapshot = fixture.snapshot();
  job.route.retained = true;
  take({job});
  EXPECT_TRUE(door.submitted.empty());
  EXPECT_EQ(told(), "1+");
  const QueueId q = door.snapshot->queue("/", "q")->id;
  EXPECT_EQ(address_letter(job, *door.snapshot).cycles, std::vector{q});
  job.reason = queue::DeathReason::rejected;
  EXPECT_TRUE(address_letter(job, *door.snapshot).cycles.empty());
}

TEST_F(DeadLetterWorkerTest, NothingGoesWithoutALease) {
  door.routable = false;
  take({letter("a")});
  take({letter("b")});
  EXPECT_TRUE(door.submitted.empty());
  EXPECT_EQ(door.waiting.size(), 1u);
  door.routable = true;
  resume();
  ASSERT_EQ(door.submitted.size(), 2u);
  EXPECT_EQ(published(1).content.body, "b");
}

class LargeLetters : public DeadLetterWorkerTest {
 protected:
  LargeLetters() {
    auto large = letter("end");
    large.parts = {{{EntryIndex(3), Slot(0)}, 5}, {{EntryIndex(4), Slot(0)}, 5}};
    auto second = large;
    second.number = queue::DeadLetterNumber(++last);
    take({large, second, letter("small")});
  }
  void arrive(std::size_t at, std::string_view octets) {
    const auto done = door.fetched.at(at).done;
    done(std::optional(Bytes::copy_of(octets)));
  }
};

TEST_F(LargeLetters, GoAheadInPartsEachByItselfAndSmallOnesPass) {
  ASSERT_EQ(door.submitted.size(), 1u);
  EXPECT_EQ(published(0).content.body, "small");
  ASSERT_EQ(door.fetched.size(), 2u) << "the first part of each";
  arrive(0, "first");
  ASSERT_EQ(door.fetched.size(), 3u);
  EXPECT_EQ(door.fetched[2].part, (MessageId{EntryIndex(4), Slot(0)}));
  arrive(2, "other");
  ASSERT_EQ(door.submitted.size(), 4u);
  EXPECT_EQ(std::get<queue::Part>(door.submitted[1]).octets.body, "first");
  const queue::Publish whole = published(3);
  EXPECT_EQ(whole.upload, std::get<queue::Part>(door.submitted[2]).upload);
  EXPECT_EQ(whole.upload_octets, 10u);
  EXPECT_EQ(whole.content.body, "end");
  decide(3, OutcomeCode::ok);
  EXPECT_EQ(told(), "1+");
  arrive(1, "a part");
  EXPECT_NE(std::get<queue::Part>(door.submitted[4]).upload, whole.upload);
}

TEST_F(LargeLetters, APartThatIsOutOfReachDropsTheUpload) {
  arrive(0, "first");
  const auto done = door.fetched.at(2).done;
  done(fail(ReplyCode::internal_error, "no leader"));
  ASSERT_EQ(door.submitted.size(), 3u);
  EXPECT_EQ(std::get<queue::DropUpload>(door.submitted[2]).upload,
            std::get<queue::Part>(door.submitted[1]).upload);
  EXPECT_EQ(told(), "1-");
}

TEST_F(LargeLetters, PartsWaitForRoom) {
  door.room = false;
  arrive(0, "first");
  EXPECT_EQ(door.fetched.size(), 2u);
  door.room = true;
  resume();
  EXPECT_EQ(door.fetched.size(), 3u);
}

}  // namespace
}  // namespace warren::cluster
