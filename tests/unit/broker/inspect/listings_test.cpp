#include "broker/inspect/listings.h"

#include <gtest/gtest.h>

#include "broker/inspect/inspector.h"

namespace warren::inspect {
namespace {

TEST(Listings, AChannelIsNamedAfterItsConnection) {
  Channel channel;
  channel.connection = "127.0.0.1:1 -> 127.0.0.1:5672";
  channel.number = 7;
  EXPECT_EQ(channel.name(), "127.0.0.1:1 -> 127.0.0.1:5672 (7)");
}

}  // namespace
}  // namespace warren::inspect
