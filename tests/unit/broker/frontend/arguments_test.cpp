#include "broker/frontend/arguments.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace warren::frontend {
namespace {

using amqp::FieldTable;
using amqp::FieldValue;

TEST(Arguments, KeepTheOrderAndTheTypesOfTheClient) {
  const auto arguments =
      to_arguments(FieldTable{{"b", std::int32_t{5}}, {"a", "text"}, {"b", true}});
  ASSERT_EQ(arguments.size(), 3u);
  EXPECT_EQ(arguments[0], (catalog::Argument{"b", "signedint", "5"}));
  EXPECT_EQ(arguments[1], (catalog::Argument{"a", "longstr", "text"}));
  EXPECT_EQ(arguments[2], (catalog::Argument{"b", "bool", "true"}));
}

TEST(Arguments, AConsumersPriorityIsAnInteger) {
  EXPECT_EQ(consumer_priority({}, "q", "classic"), 0);
  EXPECT_EQ(consumer_priority({{"x-priority", std::int64_t{-3}}}, "q", "classic"), -3);
  EXPECT_EQ(consumer_priority({{"x-priority", std::int64_t{1} << 40}}, "q", "classic"),
            std::numeric_limits<std::int32_t>::max());
  EXPECT_EQ(consumer_priority({{"x-priority", 1.5}}, "q", "classic").error().text,
            "invalid arg 'x-priority' for q: \"expected integer, got double\"");
}

TEST(Arguments, OnAQueueWhatAStreamIsAskedForIsRefused) {
  EXPECT_EQ(consumer_priority({{"x-stream-offset", "first"}}, "q", "quorum").error().text,
            "invalid arg 'x-stream-offset' for q of queue type rabbit_quorum_queue");
}

TEST(Arguments, ATimeoutOfAConsumerIsAnIntegerNotBelowZero) {
  EXPECT_TRUE(check_consumer_timeout({}, "q"));
  EXPECT_TRUE(check_consumer_timeout({{"x-consumer-timeout", std::int64_t{0}}}, "q"));
  EXPECT_EQ(check_consumer_timeout({{"x-consumer-timeout", "1000"}}, "q").error().text,
            "invalid arg 'x-consumer-timeout' for q: \"expected integer, got longstr\"");
  EXPECT_EQ(check_consumer_timeout({{"x-consumer-timeout", std::int64_t{-1}}}, "q").error().text,
            "invalid arg 'x-consumer-timeout' for q: "
            "\"expected 0 or more milliseconds, got -1\"");
}

TEST(Arguments, AConsumerOfAStreamHasNoPriority) {
  EXPECT_EQ(consumer_priority({{"x-stream-offset", "first"}}, "s", "stream"), 0);
  for (const char* name : {"x-priority", "x-cancel-on-ha-failover"})
    EXPECT_EQ(consumer_priority({{name, true}}, "s", "stream").error().text,
              std::string("invalid arg '") + name + "' for s of queue type rabbit_stream_queue");
}

}  // namespace
}  // namespace warren::frontend
