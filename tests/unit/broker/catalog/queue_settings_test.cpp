#include "broker/catalog/queue_settings.h"

#include <gtest/gtest.h>

namespace warren::catalog {
namespace {

QueueInfo queue_with(Arguments arguments) {
  QueueInfo info;
  info.vhost = "/";
  info.name = "q";
  info.durable = true;
  info.arguments = std::move(arguments);
  return info;
}

TEST(QueueSettings, AreNoLimitsWithoutArguments) {
  QueueInfo info = queue_with({});
  info.auto_delete = true;
  queue::Settings expected;
  expected.auto_delete = true;
  EXPECT_EQ(queue_settings(info), expected);
}

TEST(QueueSettings, ComeFromTheArguments) {
  queue::Settings settings = queue_settings(queue_with({
      {"x-message-ttl", "long", "60000"},
      {"x-expires", "signedint", "1800000"},
      {"x-max-length", "byte", "10"},
      {"x-max-length-bytes", "long", "1000"},
      {"x-overflow", "longstr", "reject-publish"},
      {"x-max-priority", "byte", "10"},
      {"x-single-active-consumer", "bool", "true"},
      {"x-delivery-limit", "long", "3"},
      {"x-consumer-timeout", "long", "5000"},
      {"x-dead-letter-exchange", "longstr", ""},
      {"x-dead-letter-routing-key", "longstr", "dead"},
      {"x-dead-letter-strategy", "longstr", "at-least-once"},
  }));
  EXPECT_EQ(settings.message_ttl_ms, 60000u);
  EXPECT_EQ(settings.expires_ms, 1800000u);
  EXPECT_EQ(settings.max_length, 10u);
  EXPECT_EQ(settings.max_octets, 1000u);
  EXPECT_EQ(settings.overflow, queue::Overflow::reject_publish);
  EXPECT_EQ(settings.max_priority, 10);
  EXPECT_TRUE(settings.single_active);
  EXPECT_EQ(settings.delivery_limit, 3u);
  EXPECT_EQ(settings.consumer_timeout_ms, 5000u);
  EXPECT_EQ(settings.dead_letters, (queue::DeadLettering{"/", "q", "", "dead", true}));
}

TEST(QueueSettings, AQuorumQueueHasStrictPrioritiesUnlessItSaysHowMany) {
  const Argument quorum{"x-queue-type", "longstr", "quorum"};
  const Argument five{"x-max-priority", "byte", "5"};
  EXPECT_TRUE(queue_settings(queue_with({quorum})).strict_priorities);
  EXPECT_FALSE(queue_settings(queue_with({quorum, five})).strict_priorities);
  EXPECT_EQ(queue_settings(queue_with({quorum, five})).max_priority, 5);
  EXPECT_FALSE(queue_settings(queue_with({})).strict_priorities);
  EXPECT_FALSE(
      queue_settings(queue_with({{"x-queue-type", "longstr", "classic"}})).strict_priorities);
}

TEST(QueueSettings, RetriesAreDelayedOnlyByTheirTypeAndTheirLeast) {
  const Argument least{"x-delayed-retry-min", "long", "100"};
  const Argument all{"x-delayed-retry-type", "longstr", "all"};
  EXPECT_EQ(queue_settings(queue_with({all})).retry, queue::Retry());
  EXPECT_EQ(queue_settings(queue_with({least})).retry, queue::Retry());
  EXPECT_EQ(queue_settings(queue_with({least, all})).retry,
            (queue::Retry{queue::RetryKind::all, 100, {}, 0}));
  EXPECT_EQ(queue_settings(queue_with({least,
                                       {"x-delayed-retry-type", "longstr", "failed"},
                                       {"x-delayed-retry-max", "long", "900"},
                                       {"x-delayed-retry-multiplier", "byte", "3"}}))
                .retry,
            (queue::Retry{queue::RetryKind::failed, 100, 900, 3}));
}

TEST(QueueSettings, DuplicatesAreLookedForOnlyWhereItIsAsked) {
  const Argument size{"x-cache-size", "long", "7"};
  const Argument on{"x-message-deduplication", "bool", "true"};
  EXPECT_EQ(queue_settings(queue_with({size})).duplicates.keys, 0u);
  EXPECT_EQ(queue_settings(queue_with({on})).duplicates.keys, 10'000u);
  EXPECT_EQ(queue_settings(queue_with({on, size, {"x-cache-ttl", "long", "60000"}})).duplicates,
            (queue::DuplicateWindow::Bounds{7, 60'000}));
}

TEST(QueueSettings, OfAStreamAreItsRetention) {
  const Argument type{"x-queue-type", "longstr", "stream"};
  queue::Settings expected;
  expected.stream = queue::Retention{};
  EXPECT_EQ(queue_settings(queue_with({type})), expected);
  expected.stream = queue::Retention{1000, 7'200'000};
  expected.single_active = true;
  EXPECT_EQ(queue_settings(queue_with({type,
                                       {"x-max-length-bytes", "long", "1000"},
                                       {"x-max-age", "longstr", "2h"},
                                       {"x-single-active-consumer", "bool", "true"}})),
            expected);
  queue::Settings history;
  history.stream = queue::Retention{.max_messages = 20};
  EXPECT_EQ(queue_settings(queue_with({type, {"x-max-length", "long", "20"}})), history);
}

TEST(QueueSettings, LimitDeliveriesWhereTheySaySoAndWhereNothingIsLost) {
  const Argument dead_letters{"x-dead-letter-exchange", "longstr", "dlx"};
  EXPECT_EQ(queue_settings(queue_with({})).delivery_limit, std::nullopt);
  EXPECT_EQ(queue_settings(queue_with({dead_letters})).delivery_limit, 20u);
  EXPECT_EQ(
      queue_settings(queue_with({dead_letters, {"x-delivery-limit", "long", "-1"}})).delivery_limit,
      std::nullopt);
  EXPECT_EQ(queue_settings(queue_with({{"x-delivery-limit", "long", "-1"}})).delivery_limit,
            std::nullopt);
  EXPECT_EQ(queue_settings(queue_with({{"x-delivery-limit", "long", "0"}})).delivery_limit, 0u);
}

}  // namespace
}  // namespace warren::catalog
