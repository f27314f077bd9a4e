#include "broker/routing/router.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace warren::routing {
namespace {

class FakeVhost final : public Directory {
 public:
  struct Exchange {
    BindingTable table;
    bool internal = false;
    std::optional<std::string> alternate;
    QueueId history = {};
  };

  Exchange& declare(const std::string& name, ExchangeType type = ExchangeType::fanout) {
    return exchanges_.try_emplace(name, Exchange{BindingTable(type), false, {}, {}}).first->second;
  }
  void bind(const std::string& source, std::uint64_t queue, std::string_view key = "") {
    exchanges_.at(source).table.add({{QueueId(queue), {}}, key, {}});
  }
  void bind_exchange(const std::string& source, std::string_view destination,
                     std::string_view key = "") {
    exchanges_.at(source).table.add({{QueueId(), destination}, key, {}});
  }
  std::optional<ExchangeView> exchange(std::string_view name) const override {
    auto found = exchanges_.find(name);
    if (found == exchanges_.end()) return std::nullopt;
    const Exchange& exchange = found->second;
    return ExchangeView{&exchange.table, exchange.alternate.has_value(),
                        exchange.alternate ? *exchange.alternate : std::string_view(),
                        exchange.internal, exchange.history};
  }
  QueueId queue(std::string_view name) const override {
    return name == "seven" ? QueueId(7) : QueueId();
  }
  std::vector<std::uint64_t> routed(std::string_view exchange, std::string_view key = "") const {
    std::vector<QueueId> queues;
    EXPECT_EQ(route(*this, exchange, {key}, queues), RouteResult::routed);
    std::vector<std::uint64_t> ids;
    for (QueueId id : queues)
      ids.push_back(id.value);
    return ids;
  }

 private:
  std::map<std::string, Exchange, std::less<>> exchanges_;
};

using Ids = std::vector<std::uint64_t>;

TEST(Router, DefaultExchangeRoutesByTheQueuesName) {
  FakeVhost vhost;
  EXPECT_EQ(vhost.routed("", "seven"), Ids{7});
  EXPECT_EQ(vhost.routed("", "eight"), Ids{});
}

TEST(Router, DirectRoutesByEqualKeys) {
  FakeVhost vhost;
  vhost.declare("x", ExchangeType::direct);
  vhost.bind("x", 2, "red");
  vhost.bind("x", 1, "red");
  vhost.bind("x", 1, "green");
  EXPECT_EQ(vhost.routed("x", "red"), (Ids{1, 2}));
  EXPECT_EQ(vhost.routed("x", "green"), Ids{1});
  EXPECT_EQ(vhost.routed("x", "blue"), Ids{});
}

TEST(Router, FanoutIgnoresTheKeyAndReachesEachQueueOnce) {
  FakeVhost vhost;
  vhost.declare("x");
  vhost.bind("x", 3, "a");
  vhost.bind("x", 3, "b");
  vhost.bind("x", 1, "c");
  EXPECT_EQ(vhost.routed("x", "whatever"), (Ids{1, 3}));
}

TEST(Router, TopicReachesAQueueOnceThroughSeveralPatterns) {
  FakeVhost vhost;
  vhost.declare("x", ExchangeType::topic);
  vhost.bind("x", 1, "a.#");
  vhost.bind("x", 1, "*.b");
  vhost.bind("x", 1, "#");
  EXPECT_EQ(vhost.routed("x", "a.b"), Ids{1});
}

TEST(Router, MissingExchangeIsReported) {
  std::vector<QueueId> queues;
  EXPECT_EQ(route(FakeVhost(), "none", {}, queues), RouteResult::no_exchange);
  EXPECT_TRUE(queues.empty());
}

TEST(Router, InternalExchangeTakesOnlyWhatOtherExchangesSend) {
  FakeVhost vhost;
  vhost.declare("in").internal = true;
  vhost.bind("in", 1);
  vhost.declare("out");
  vhost.bind_exchange("out", "in");
  std::vector<QueueId> queues;
  EXPECT_EQ(route(vhost, "in", {}, queues), RouteResult::internal);
  EXPECT_EQ(vhost.routed("out"), Ids{1});
}

TEST(Router, CyclesOfExchangesAreVisitedOnce) {
  FakeVhost vhost;
  for (const char* name : {"a", "b", "c"})
    vhost.declare(name);
  vhost.bind_exchange("a", "b");
  vhost.bind_exchange("b", "c");
  vhost.bind_exchange("c", "a");
  vhost.bind_exchange("a", "a");
  vhost.bind("c", 3);
  vhost.bind("a", 1);
  EXPECT_EQ(vhost.routed("a"), (Ids{1, 3}));
}

TEST(Router, ManyExchangesAreVisitedOnceEach) {
  FakeVhost vhost;
  vhost.declare("hub");
  for (std::uint64_t i = 1; i <= 100; ++i) {
    const std::string name = "x" + std::to_string(i);
    vhost.declare(name);
    vhost.bind_exchange("hub", name);
    vhost.bind_exchange(name, "hub");
    vhost.bind(name, i);
  }
  EXPECT_EQ(vhost.routed("hub").size(), 100u);
}

TEST(Router, AlternateIsTakenOnlyWhenNothingMatched) {
  FakeVhost vhost;
  vhost.declare("x", ExchangeType::direct).alternate = "spare";
  vhost.declare("spare");
  vhost.bind("x", 1, "key");
  vhost.bind("spare", 2);
  EXPECT_EQ(vhost.routed("x", "key"), Ids{1});
  EXPECT_EQ(vhost.routed("x", "other"), Ids{2});
}

TEST(Router, AlternateIsNotTakenWhenAnExchangeMatched) {
  FakeVhost vhost;
  vhost.declare("x").alternate = "spare";
  vhost.declare("spare");
  vhost.declare("empty");
  vhost.bind("spare", 2);
  vhost.bind_exchange("x", "empty");
  EXPECT_EQ(vhost.routed("x"), Ids{});
}

TEST(Router, LoopOfAlternatesEnds) {
  FakeVhost vhost;
  vhost.declare("a").alternate = "b";
  vhost.declare("b").alternate = "a";
  EXPECT_EQ(vhost.routed("a"), Ids{});
}

TEST(Router, ChainOfAlternatesEndsAtTheFirstThatMatches) {
  FakeVhost vhost;
  vhost.declare("a", ExchangeType::direct).alternate = "b";
  vhost.declare("b", ExchangeType::direct).alternate = "c";
  vhost.declare("c", ExchangeType::direct).alternate = "a";
  vhost.bind("b", 2, "two");
  vhost.bind("c", 2, "two");
  vhost.bind("c", 3, "two");
  EXPECT_EQ(vhost.routed("a", "two"), Ids{2});
  EXPECT_EQ(vhost.routed("a", "three"), Ids{});
  vhost.bind("c", 3, "three");
  EXPECT_EQ(vhost.routed("a", "three"), Ids{3});
}

// One message, one decision: what one of its keys matched is not unroutable by another.
TEST(Router, AlternateIsNotTakenWhenACopyMatched) {
  FakeVhost vhost;
  vhost.declare("x", ExchangeType::direct).alternate = "spare";
  vhost.declare("spare");
  vhost.bind("x", 1, "copy");
  vhost.bind("spare", 2);
  const std::vector<std::string> copies{"copy"};
  std::vector<QueueId> queues;
  route(vhost, "x", {"nobody's", nullptr, copies}, queues);
  EXPECT_EQ(queues, std::vector{QueueId(1)});
}

TEST(Router, CopiesThroughTheDefaultExchangeAreQueuesNames) {
  const std::vector<std::string> copies{"seven", "eight"};
  std::vector<QueueId> queues;
  route(FakeVhost(), "", {"nobody", nullptr, copies}, queues);
  EXPECT_EQ(queues, std::vector{QueueId(7)});
}

// Were both to choose alike, half of the queues behind them would never be chosen.
TEST(Router, TwoRandomExchangesInARowChooseIndependently) {
  FakeVhost vhost;
  for (const char* name : {"first", "left", "right"})
    vhost.declare(name, ExchangeType::random);
  vhost.bind_exchange("first", "left");
  vhost.bind_exchange("first", "right");
  for (std::uint64_t id = 1; id <= 4; ++id)
    vhost.bind(id <= 2 ? "left" : "right", id);
  std::map<std::uint64_t, int> found;
  for (std::uint64_t i = 0; i < 400; ++i) {
    std::vector<QueueId> queues;
    route(vhost, "first", {"", nullptr, {}, hash_mix(i, 3)}, queues);
    ASSERT_EQ(queues.size(), 1u);
    ++found[queues[0].value];
  }
  for (std::uint64_t id = 1; id <= 4; ++id)
    EXPECT_NEAR(found[id], 100, 50) << "queue " << id;
}

class NoStore final : public HeaderView {
 public:
  explicit NoStore(HeaderValue value) : value_(value) {}
  std::optional<HeaderValue> lookup(std::string_view name) const override {
    return name == "x-recent-history-no-store" ? std::optional(value_) : std::nullopt;
  }
  std::optional<std::string_view> property(std::string_view) const override { return {}; }

 private:
  HeaderValue value_;
};

TEST(Router, AHistoryKeepsWhatItsExchangeRoutesUnlessToldNotTo) {
  FakeVhost vhost;
  vhost.declare("first");
  vhost.declare("h").history = QueueId(9);
  vhost.bind_exchange("first", "h");
  vhost.bind("h", 1);
  EXPECT_EQ(vhost.routed("h"), (Ids{1, 9}));
  EXPECT_EQ(vhost.routed("first"), (Ids{1, 9}));
  const auto with = [&](HeaderValue value) {
    std::vector<QueueId> queues;
    const NoStore headers(value);
    route(vhost, "first", {"", &headers}, queues);
    return queues.size();
  };
  EXPECT_EQ(with({"bool", "true"}), 1u);
  EXPECT_EQ(with({"bool", "false"}), 2u);
  EXPECT_EQ(with({"longstr", "true"}), 2u) << "as the plugin: a bool or nothing";
}

TEST(Router, WhatOnlyAHistoryKeepsTakesTheAlternateWay) {
  FakeVhost vhost;
  auto& exchange = vhost.declare("h");
  exchange.history = QueueId(9);
  exchange.alternate = "spare";
  vhost.declare("spare");
  vhost.bind("spare", 3);
  EXPECT_EQ(vhost.routed("h"), (Ids{3, 9}));
}

TEST(Router, MissingAlternateIsIgnored) {
  FakeVhost vhost;
  vhost.declare("a").alternate = "none";
  EXPECT_EQ(vhost.routed("a"), Ids{});
}

TEST(Router, AlternateMayBeTheDefaultExchange) {
  FakeVhost vhost;
  vhost.declare("a").alternate = "";
  EXPECT_EQ(vhost.routed("a", "seven"), Ids{7});
}

TEST(Router, QueuesAlreadyInTheOutputStayOnce) {
  FakeVhost vhost;
  vhost.declare("x");
  vhost.bind("x", 1);
  vhost.bind("x", 9);
  std::vector<QueueId> queues{QueueId(9), QueueId(4)};
  route(vhost, "x", {}, queues);
  EXPECT_EQ(queues, (std::vector{QueueId(1), QueueId(4), QueueId(9)}));
}

}  // namespace
}  // namespace warren::routing
