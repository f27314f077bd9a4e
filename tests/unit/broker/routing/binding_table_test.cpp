#include "broker/routing/binding_table.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace warren::routing {
namespace {

constexpr ExchangeType all_types[] = {ExchangeType::direct,       ExchangeType::fanout,
                                      ExchangeType::topic,        ExchangeType::headers,
                                      ExchangeType::modulus_hash, ExchangeType::consistent_hash,
                                      ExchangeType::random};

std::vector<QueueId> queues_for(const BindingTable& table, std::string_view key) {
  std::vector<QueueId> queues;
  Matched matched{queues, {}};
  table.match({key}, matched);
  std::ranges::sort(queues);
  return queues;
}

TEST(BindingTable, KnowsItsTypes) {
  EXPECT_EQ(exchange_type_of("direct"), ExchangeType::direct);
  EXPECT_EQ(exchange_type_of("fanout"), ExchangeType::fanout);
  EXPECT_EQ(exchange_type_of("topic"), ExchangeType::topic);
  EXPECT_EQ(exchange_type_of("headers"), ExchangeType::headers);
  EXPECT_EQ(exchange_type_of("x-consistent-hash"), ExchangeType::consistent_hash);
  EXPECT_EQ(exchange_type_of("x-modulus-hash"), ExchangeType::modulus_hash);
  EXPECT_EQ(exchange_type_of("x-random"), ExchangeType::random);
  EXPECT_EQ(exchange_type_of("x-delayed-message"), ExchangeType::delayed);
  EXPECT_EQ(exchange_type_of("Direct"), std::nullopt);
  EXPECT_EQ(exchange_type_of(""), std::nullopt);
}

TEST(BindingTable, EveryTypeForgetsWhatIsRemoved) {
  for (ExchangeType type : all_types) {
    BindingTable table(type);
    const Binding one{{QueueId(1), {}}, "1", {}}, two{{QueueId(2), {}}, "1", {}};
    table.add(one);
    table.add(two);
    table.remove(one);
    EXPECT_EQ(queues_for(table, "1"), std::vector{QueueId(2)});
    table.remove(one);
    table.remove(two);
    EXPECT_TRUE(queues_for(table, "1").empty());
  }
}

TEST(BindingTable, CopyOfEveryTypeIsUnaffectedByLaterChanges) {
  for (ExchangeType type : all_types) {
    BindingTable table(type);
    const Binding one{{QueueId(1), {}}, "1", {}}, two{{QueueId(2), {}}, "1", {}};
    table.add(one);
    const BindingTable before = table;
    table.add(two);
    table.remove(one);
    EXPECT_EQ(queues_for(before, "1"), std::vector{QueueId(1)});
    EXPECT_EQ(queues_for(table, "1"), std::vector{QueueId(2)});
  }
}

TEST(BindingTable, ExchangesAreToldFromQueues) {
  for (ExchangeType type : all_types) {
    BindingTable table(type);
    table.add({{QueueId(), "other"}, "1", {}});
    std::vector<QueueId> queues;
    Matched matched{queues, {}};
    table.match({"1"}, matched);
    EXPECT_TRUE(queues.empty());
    ASSERT_EQ(matched.exchanges.size(), 1u);
    EXPECT_EQ(matched.exchanges[0], "other");
  }
}

TEST(BindingTable, OnlyHeadersLookAtArguments) {
  const std::vector bad{HeaderField{"x-match", "longstr", "some"}};
  for (ExchangeType type : all_types) {
    const Binding binding{{QueueId(1), {}}, "1", bad};
    EXPECT_EQ(BindingTable(type).check(binding).has_value(), type != ExchangeType::headers);
  }
}

TEST(BindingTable, OnlyConsistentHashLooksForAWeight) {
  for (ExchangeType type : all_types) {
    const Binding binding{{QueueId(1), {}}, "no weight", {}};
    EXPECT_EQ(BindingTable(type).check(binding).has_value(), type != ExchangeType::consistent_hash);
  }
}

TEST(BindingTable, CopiesGoWhereTheirKeysLead) {
  const std::vector<std::string> copies{"b", "c"};
  for (ExchangeType type : {ExchangeType::direct, ExchangeType::topic}) {
    BindingTable table(type);
    for (const char* key : {"a", "b", "c", "d"})
      table.add({{QueueId(static_cast<std::uint64_t>(key[0])), {}}, key, {}});
    std::vector<QueueId> queues;
    Matched matched{queues, {}};
    table.match({"a", nullptr, copies}, matched);
    EXPECT_EQ(queues, (std::vector{QueueId('a'), QueueId('b'), QueueId('c')}));
  }
}

}  // namespace
}  // namespace warren::routing
