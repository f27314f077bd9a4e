#include "broker/frontend/arguments.h"

#include <gtest/gtest.h>

#include <limits>

namespace warren::frontend {
namespace {

using amqp::FieldTable;
using amqp::FieldValue;

std::string fault(FieldTable table) {
  Result<void> checked = check_queue_arguments(table, "queue 'q' in vhost '/'");
  return checked ? "" : checked.error().text;
}

TEST(Arguments, KeepTheOrderAndTheTypesOfTheClient) {
  const auto arguments =
      to_arguments(FieldTable{{"b", std::int32_t{5}}, {"a", "text"}, {"b", true}});
  ASSERT_EQ(arguments.size(), 3u);
  EXPECT_EQ(arguments[0], (catalog::Argument{"b", "signedint", "5"}));
  EXPECT_EQ(arguments[1], (catalog::Argument{"a", "longstr", "text"}));
  EXPECT_EQ(arguments[2], (catalog::Argument{"b", "bool", "true"}));
}

TEST(Arguments, UnknownOnesAreNotLookedAt) {
  EXPECT_EQ(fault({{"x-own", "anything"}}), "");
}

TEST(Arguments, IntegersHaveTheirRanges) {
  const std::string prefix = "invalid arg 'x-message-ttl' for queue 'q' in vhost '/': ";
  EXPECT_EQ(fault({{"x-message-ttl", std::int8_t{0}}}), "");
  EXPECT_EQ(fault({{"x-message-ttl", std::int32_t{-1}}}), prefix + "{value_negative,-1}");
  EXPECT_EQ(fault({{"x-message-ttl", "1"}}), prefix + "{unacceptable_type,longstr}");
  EXPECT_EQ(fault({{"x-message-ttl", std::int64_t{315'360'000'001}}}),
            prefix + "{value_too_large,315360000001}");
  EXPECT_EQ(fault({{"x-max-priority", std::int32_t{256}}}),
            "invalid arg 'x-max-priority' for queue 'q' in vhost '/': {value_too_large,256}");
}

TEST(Arguments, WordsAreOneOfTheirChoices) {
  for (const char* good : {"drop-head", "reject-publish", "reject-publish-dlx"})
    EXPECT_EQ(fault({{"x-overflow", good}}), "");
  EXPECT_NE(fault({{"x-overflow", "drop-tail"}}), "");
  EXPECT_NE(fault({{"x-overflow", ""}}), "");
  EXPECT_EQ(fault({{"x-queue-type", "classic"}}), "");
  EXPECT_EQ(fault({{"x-queue-type", "quorum"}}), "");
  EXPECT_NE(fault({{"x-queue-type", "stream"}}), "");
}

TEST(Arguments, ADeadLetterKeyNeedsAnExchange) {
  EXPECT_NE(fault({{"x-dead-letter-routing-key", "k"}}), "");
  EXPECT_EQ(fault({{"x-dead-letter-routing-key", "k"}, {"x-dead-letter-exchange", ""}}), "");
}

TEST(Arguments, ThoseOfStreamsAreRefused) {
  EXPECT_EQ(fault({{"x-max-age", "1h"}}),
            "invalid arg 'x-max-age' for queue 'q' in vhost '/' of queue type classic");
}

TEST(Arguments, AConsumersPriorityIsAnInteger) {
  EXPECT_EQ(consumer_priority({}, "q"), 0);
  EXPECT_EQ(consumer_priority({{"x-priority", std::int64_t{-3}}}, "q"), -3);
  EXPECT_EQ(consumer_priority({{"x-priority", std::int64_t{1} << 40}}, "q"),
            std::numeric_limits<std::int32_t>::max());
  EXPECT_FALSE(consumer_priority({{"x-priority", 1.5}}, "q"));
  EXPECT_FALSE(consumer_priority({{"x-stream-offset", "first"}}, "q"));
}

TEST(Arguments, AnAlternateExchangeIsAString) {
  EXPECT_TRUE(check_exchange_arguments({{"alternate-exchange", "ae"}}, "e"));
  EXPECT_FALSE(check_exchange_arguments({{"alternate-exchange", std::int32_t{1}}}, "e"));
}

}  // namespace
}  // namespace warren::frontend
