#include "broker/routing/binding_table.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace warren::routing {
namespace {

constexpr ExchangeType all_types[] = {ExchangeType::direct, ExchangeType::fanout,
                                      ExchangeType::topic, ExchangeType::headers};

std::vector<QueueId> queues_for(const BindingTable& table, std::string_view key) {
  std::vector<QueueId> queues;
  Matched matched{queues, {}};
  table.match(key, nullptr, matched);
  std::ranges::sort(queues);
  return queues;
}

TEST(BindingTable, KnowsTheFourTypes) {
  EXPECT_EQ(exchange_type_of("direct"), ExchangeType::direct);
  EXPECT_EQ(exchange_type_of("fanout"), ExchangeType::fanout);
  EXPECT_EQ(exchange_type_of("topic"), ExchangeType::topic);
  EXPECT_EQ(exchange_type_of("headers"), ExchangeType::headers);
  EXPECT_EQ(exchange_type_of("Direct"), std::nullopt);
  EXPECT_EQ(exchange_type_of(""), std::nullopt);
}

TEST(BindingTable, EveryTypeForgetsWhatIsRemoved) {
  for (ExchangeType type : all_types) {
    BindingTable table(type);
    const Binding one{{QueueId(1), {}}, "k", {}}, two{{QueueId(2), {}}, "k", {}};
    table.add(one);
    table.add(two);
    table.remove(one);
    EXPECT_EQ(queues_for(table, "k"), std::vector{QueueId(2)});
    table.remove(one);
    table.remove(two);
    EXPECT_TRUE(queues_for(table, "k").empty());
  }
}

TEST(BindingTable, CopyOfEveryTypeIsUnaffectedByLaterChanges) {
  for (ExchangeType type : all_types) {
    BindingTable table(type);
    const Binding one{{QueueId(1), {}}, "k", {}}, two{{QueueId(2), {}}, "k", {}};
    table.add(one);
    const BindingTable before = table;
    table.add(two);
    table.remove(one);
    EXPECT_EQ(queues_for(before, "k"), std::vector{QueueId(1)});
    EXPECT_EQ(queues_for(table, "k"), std::vector{QueueId(2)});
  }
}

TEST(BindingTable, ExchangesAreToldFromQueues) {
  for (ExchangeType type : all_types) {
    BindingTable table(type);
    table.add({{QueueId(), "other"}, "k", {}});
    std::vector<QueueId> queues;
    Matched matched{queues, {}};
    table.match("k", nullptr, matched);
    EXPECT_TRUE(queues.empty());
    ASSERT_EQ(matched.exchanges.size(), 1u);
    EXPECT_EQ(matched.exchanges[0], "other");
  }
}

TEST(BindingTable, OnlyHeadersLookAtArguments) {
  const std::vector bad{HeaderField{"x-match", "longstr", "some"}};
  for (ExchangeType type : all_types) {
    const Binding binding{{QueueId(1), {}}, "k", bad};
    EXPECT_EQ(BindingTable(type).check(binding).has_value(), type != ExchangeType::headers);
  }
}

}  // namespace
}  // namespace warren::routing
