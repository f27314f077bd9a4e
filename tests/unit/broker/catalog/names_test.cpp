#include "broker/catalog/names.h"

#include <gtest/gtest.h>

namespace warren::catalog {
namespace {

TEST(Names, ErrorsOfTheFrontEndAreWordedAsRabbitWordsThem) {
  EXPECT_EQ(not_found_queue("q", "/").wire_text(), "NOT_FOUND - no queue 'q' in vhost '/'");
  EXPECT_EQ(not_found_exchange("x", "v").wire_text(), "NOT_FOUND - no exchange 'x' in vhost 'v'");
  EXPECT_EQ(internal_exchange_refused("x", "/").wire_text(),
            "ACCESS_REFUSED - cannot publish to internal exchange 'x' in vhost '/'");
  EXPECT_EQ(queue_in_use("q", "/").wire_text(),
            "PRECONDITION_FAILED - queue 'q' in vhost '/' in use");
  EXPECT_EQ(queue_not_empty("q", "/").wire_text(),
            "PRECONDITION_FAILED - queue 'q' in vhost '/' not empty");
  EXPECT_EQ(access_refused("read", queue_resource("q", "/"), "ann").wire_text(),
            "ACCESS_REFUSED - read access to queue 'q' in vhost '/' refused for user 'ann'");
  EXPECT_EQ(queue_locked("q", "/").code, ReplyCode::resource_locked);
}

TEST(Names, ReservedPrefixIsAmqDot) {
  EXPECT_TRUE(has_reserved_prefix("amq.anything"));
  EXPECT_FALSE(has_reserved_prefix("amq"));
  EXPECT_FALSE(has_reserved_prefix("AMQ.x"));
}

}  // namespace
}  // namespace warren::catalog
