#include "broker/base/check.h"

#include <gtest/gtest.h>

namespace warren {
namespace {

TEST(Check, TrueCostsNothingAndSaysNothing) {
  CHECK(1 + 1 == 2);
  CHECK(1 + 1 == 2, "values {}", 2);
}

TEST(CheckDeathTest, FalsePrintsPlaceExpressionAndValues) {
  const int n = 3;
  EXPECT_DEATH(CHECK(n < 0), "check_test.cpp:[0-9]+: CHECK failed: n < 0");
  EXPECT_DEATH(CHECK(n < 0, "n = {}", n), "CHECK failed: n < 0: n = 3");
}

}  // namespace
}  // namespace warren
