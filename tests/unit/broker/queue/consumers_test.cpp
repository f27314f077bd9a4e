#include "broker/queue/consumers.h"

#include <gtest/gtest.h>

namespace warren::queue {
namespace {

constexpr SessionId session{NodeId(1), Incarnation(1)};

Consumer consumer(std::uint64_t number, std::uint32_t prefetch, std::int32_t priority = 0) {
  Consumer made;
  made.number = ConsumerNumber(number);
  made.prefetch = prefetch;
  made.priority = priority;
  return made;
}

std::uint64_t serve_next(Consumers& consumers, const DispatcherConfig& config) {
  ConsumerState* state = consumers.front();
  if (state == nullptr) return 0;
  consumers.served(*state, 10, config);
  return state->consumer.number.value;
}

TEST(Credit, OfAPrefetchIsCountedInMessages) {
  DispatcherConfig config;
  ConsumerState state;
  state.consumer.prefetch = 2;
  state.outstanding = 1;
  EXPECT_TRUE(has_credit(state, config));
  state.outstanding = 2;
  EXPECT_FALSE(has_credit(state, config));
}

TEST(Credit, WithoutPrefetchIsBoundedByWhatIsOnItsWay) {
  DispatcherConfig config;
  ConsumerState state;
  state.outstanding = 1'000'000, state.octets = config.window_octets - 1;
  EXPECT_TRUE(has_credit(state, config));
  state.octets += 1;
  EXPECT_FALSE(has_credit(state, config));
  state.consumer.prefetch = 65535;
  EXPECT_FALSE(has_credit(state, config));
}

TEST(Credit, ShrinksUnderPressure) {
  DispatcherConfig config;
  ConsumerState state;
  state.pressure = 1, state.octets = config.tight_window_octets - 1;
  EXPECT_TRUE(has_credit(state, config));
  state.octets += 1;
  EXPECT_FALSE(has_credit(state, config));
  state.pressure = 2, state.octets = 1;
  EXPECT_FALSE(has_credit(state, config));
  state.octets = 0;
  EXPECT_TRUE(has_credit(state, config));
}

TEST(SessionFlow, PressureRisesAtItsBoundsAndFallsLater) {
  DispatcherConfig config;
  config.session_octets = 100;
  SessionFlow flow;
  auto after = [&](std::uint64_t octets) {
    flow.octets = octets;
    return static_cast<int>(flow.pressure = wanted_pressure(flow, config));
  };
  EXPECT_EQ(after(99), 0);
  EXPECT_EQ(after(100), 1);
  EXPECT_EQ(after(80), 1);
  EXPECT_EQ(after(74), 0);
  EXPECT_EQ(after(199), 1);
  EXPECT_EQ(after(200), 2);
  EXPECT_EQ(after(160), 2);
  EXPECT_EQ(after(149), 1);
  EXPECT_EQ(after(10), 0);
}

TEST(Credit, OfNoAckIgnoresPrefetchAndIsBoundedByMessagesAndOctets) {
  DispatcherConfig config;
  ConsumerState state;
  state.consumer.no_ack = true, state.consumer.prefetch = 1;
  state.outstanding = config.no_ack_messages - 1;
  EXPECT_TRUE(has_credit(state, config));
  state.octets = config.window_octets;
  EXPECT_FALSE(has_credit(state, config));
  state.octets = 0, state.outstanding = config.no_ack_messages;
  EXPECT_FALSE(has_credit(state, config));
}

TEST(Credit, IsNoneWhileTheStreamIsDown) {
  ConsumerState state;
  state.attached = false;
  EXPECT_FALSE(has_credit(state, {}));
}

TEST(Consumers, TakeTurnsAmongEquals) {
  DispatcherConfig config;
  Consumers consumers;
  for (std::uint64_t i = 1; i <= 3; ++i)
    consumers.add(session, consumer(i, 2), config);
  std::vector<std::uint64_t> order;
  for (int i = 0; i < 7; ++i)
    order.push_back(serve_next(consumers, config));
  EXPECT_EQ(order, (std::vector<std::uint64_t>{1, 2, 3, 1, 2, 3, 0}));
}

TEST(Consumers, OfHigherPriorityComeFirstWhileTheyHaveCredit) {
  DispatcherConfig config;
  Consumers consumers;
  consumers.add(session, consumer(1, 2, -5), config);
  consumers.add(session, consumer(2, 2, 10), config);
  std::vector<std::uint64_t> order;
  for (int i = 0; i < 5; ++i)
    order.push_back(serve_next(consumers, config));
  EXPECT_EQ(order, (std::vector<std::uint64_t>{2, 2, 1, 1, 0}));
}

TEST(Consumers, WithFreedCreditQueueUpBehindTheOthers) {
  DispatcherConfig config;
  Consumers consumers;
  ConsumerState& first = consumers.add(session, consumer(1, 1), config);
  consumers.add(session, consumer(2, 2), config);
  EXPECT_EQ(serve_next(consumers, config), 1u);
  consumers.free(first, 10, config);
  EXPECT_EQ(serve_next(consumers, config), 2u);
  EXPECT_EQ(serve_next(consumers, config), 1u);
}

TEST(Consumers, LeaveTheirTurnWhenRemovedOrDetached) {
  DispatcherConfig config;
  Consumers consumers;
  ConsumerState& first = consumers.add(session, consumer(1, 0), config);
  ConsumerState& second = consumers.add(session, consumer(2, 0), config);
  consumers.add(session, consumer(3, 0), config);
  consumers.remove(second, config);
  consumers.attach(first, false, config);
  EXPECT_EQ(serve_next(consumers, config), 3u);
  EXPECT_EQ(serve_next(consumers, config), 3u);
  consumers.attach(first, true, config);
  EXPECT_EQ(serve_next(consumers, config), 3u);
  EXPECT_EQ(serve_next(consumers, config), 1u);
  EXPECT_EQ(consumers.size(), 2u);
  EXPECT_EQ(consumers.find(session, ConsumerNumber(2)), nullptr);
}

TEST(ConsumersDeathTest, BooksMustBalance) {
  DispatcherConfig config;
  Consumers consumers;
  ConsumerState& first = consumers.add(session, consumer(1, 1), config);
  EXPECT_DEATH(consumers.free(first, 10, config), "consumer 1");
  EXPECT_DEATH(consumers.add(session, consumer(1, 1), config), "consumer 1");
}

TEST(Consumers, WhatTheSocketTookIsNotOnItsWayAnyMore) {
  DispatcherConfig config;
  config.window_octets = 20;
  config.message_octets = 0;
  SessionFlow flow;
  Consumers consumers;
  ConsumerState& state = consumers.add(session, consumer(1, 0), config, &flow);
  EXPECT_EQ(serve_next(consumers, config), 1u);
  EXPECT_EQ(serve_next(consumers, config), 1u);
  EXPECT_EQ(serve_next(consumers, config), 0u);  // nothing is acknowledged, and nothing needs to be
  EXPECT_EQ(flow.octets, 20u);
  consumers.taken(state, 1, config);
  EXPECT_EQ(flow.octets, 10u);
  EXPECT_EQ(serve_next(consumers, config), 1u);
  EXPECT_EQ(state.outstanding, 3u);
  consumers.free(state, 10, config);  // an ack changes nothing here
  EXPECT_EQ(state.octets, 20u);
  consumers.taken(state, 100, config);  // more than was handed out: a report of a former stream
  EXPECT_EQ(state.octets, 0u);
  EXPECT_EQ(serve_next(consumers, config), 1u);
  consumers.attach(state, true, config);
  EXPECT_EQ(flow.octets, 0u);
  EXPECT_EQ(serve_next(consumers, config), 1u);
  consumers.remove(state, config);
  EXPECT_EQ(flow.octets, 0u);
}

}  // namespace
}  // namespace warren::queue
