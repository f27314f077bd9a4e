#include "broker/base/result.h"

#include <gtest/gtest.h>

namespace warren {
namespace {

TEST(Result, HoldsAValueOrTheError) {
  Result<int> good = 7;
  Result<int> bad = fail(ReplyCode::not_allowed, "no");
  EXPECT_EQ(good.value(), 7);
  EXPECT_EQ(bad.error(), (Error{ReplyCode::not_allowed, "no"}));
}

}  // namespace
}  // namespace warren
