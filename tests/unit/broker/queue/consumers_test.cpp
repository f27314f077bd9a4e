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
  state.outstanding = 1, state.octets = 1u << 30;
  EXPECT_TRUE(has_credit(state, config));
  state.outstanding = 2;
  EXPECT_FALSE(has_credit(state, config));
}

TEST(Credit, WithoutPrefetchIsBoundedByOctets) {
  DispatcherConfig config;
  ConsumerState state;
  state.outstanding = 1'000'000, state.octets = config.unlimited_octets - 1;
  EXPECT_TRUE(has_credit(state, config));
  state.octets += 1;
  EXPECT_FALSE(has_credit(state, config));
}

TEST(Credit, OfNoAckIgnoresPrefetchAndIsBoundedByMessagesAndOctets) {
  DispatcherConfig config;
  ConsumerState state;
  state.consumer.no_ack = true, state.consumer.prefetch = 1;
  state.outstanding = config.no_ack_messages - 1;
  EXPECT_TRUE(has_credit(state, config));
  state.octets = config.no_ack_octets;
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
  consumers.remove(second);
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

}  // namespace
}  // namespace warren::queue
