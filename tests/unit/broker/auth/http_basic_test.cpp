#include "broker/auth/http_basic.h"

#include <gtest/gtest.h>

namespace warren::auth {
namespace {

TEST(HttpBasic, RoundTripsAPasswordWithColons) {
  const Credentials given{"guest", "a:b:c"};
  EXPECT_EQ(parse_basic(format_basic(given)), given);
  EXPECT_EQ(format_basic({"guest", "guest"}), "Basic Z3Vlc3Q6Z3Vlc3Q=");
}

TEST(HttpBasic, TakesTheSchemeInAnyCase) {
  EXPECT_TRUE(parse_basic("bAsIc Z3Vlc3Q6Z3Vlc3Q="));
}

TEST(HttpBasic, RefusesOtherSchemesAndGarbage) {
  EXPECT_FALSE(parse_basic(""));
  EXPECT_FALSE(parse_basic("Bearer abc"));
  EXPECT_FALSE(parse_basic("Basic ???"));
  EXPECT_FALSE(parse_basic("Basic YW55"));
}

}  // namespace
}  // namespace warren::auth
