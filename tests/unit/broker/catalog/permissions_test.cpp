#include "broker/catalog/permissions.h"

#include "tests/unit/broker/catalog/fixture.h"

namespace warren::catalog {
namespace {

class Permissions : public CatalogTest {
 protected:
  bool allows(const std::string& expression, const std::string& name) {
    ok(PutPermission{"/", "guest", "", "", expression});
    return cache_.allows(*catalog_.snapshot(), "guest", "/", Permission::read, name);
  }
  PermissionCache cache_;
};

TEST_F(Permissions, ExpressionIsSearchedForAnywhere) {
  EXPECT_TRUE(allows("red", "a-red-queue"));
  EXPECT_FALSE(allows("^red", "a-red-queue"));
  EXPECT_TRUE(allows("^(red|blue)$", "blue"));
  EXPECT_FALSE(allows("^(red|blue)$", "bluer"));
}

TEST_F(Permissions, EmptyExpressionAllowsNothing) {
  EXPECT_FALSE(allows("", "q"));
  EXPECT_FALSE(allows("", ""));
  EXPECT_FALSE(allows("^$", ""));
}

TEST_F(Permissions, DefaultExchangeIsCheckedAsAmqDefault) {
  EXPECT_TRUE(allows("^amq\\.default$", ""));
  EXPECT_TRUE(allows(".*", ""));
  EXPECT_FALSE(allows("^q", ""));
}

TEST_F(Permissions, BadExpressionAllowsNothing) {
  EXPECT_FALSE(allows("(", "q"));
  EXPECT_FALSE(is_valid_permission("("));
  EXPECT_TRUE(is_valid_permission("^a.*"));
}

TEST_F(Permissions, EachKindHasItsOwnExpression) {
  ok(PutPermission{"/", "guest", "c", "w", "r"});
  const auto snapshot = catalog_.snapshot();
  EXPECT_TRUE(cache_.allows(*snapshot, "guest", "/", Permission::configure, "c"));
  EXPECT_TRUE(cache_.allows(*snapshot, "guest", "/", Permission::write, "w"));
  EXPECT_TRUE(cache_.allows(*snapshot, "guest", "/", Permission::read, "r"));
  EXPECT_FALSE(cache_.allows(*snapshot, "guest", "/", Permission::read, "c"));
}

TEST_F(Permissions, UserWithoutPermissionsMayNotOpenTheVhost) {
  const auto snapshot = catalog_.snapshot();
  EXPECT_TRUE(PermissionCache::may_open(*snapshot, "guest", "/"));
  EXPECT_FALSE(PermissionCache::may_open(*snapshot, "nobody", "/"));
  EXPECT_FALSE(cache_.allows(*snapshot, "nobody", "/", Permission::read, "q"));
}

TEST_F(Permissions, CacheStaysRightBeyondItsLimit) {
  for (int i = 0; i < 1100; ++i)
    EXPECT_TRUE(allows("^q" + std::to_string(i) + "$", "q" + std::to_string(i)));
  EXPECT_TRUE(allows("^q0$", "q0"));
}

}  // namespace
}  // namespace warren::catalog
