#include "broker/frontend/permissions.h"

#include <gtest/gtest.h>

#include "broker/catalog/catalog.h"

namespace warren::frontend {
namespace {

class PermissionsTest : public testing::Test {
 protected:
  PermissionsTest() {
    catalog::Found found;
    found.cluster_id = 1;
    found.nodes.push_back({"node1", NodeId{1}, DiskId{1}, "127.0.0.1:1"});
    apply(found);
    apply(catalog::PutUser{"u", "h", "a", {}});
    permissions_.set("u", "/");
  }
  void apply(const catalog::Command& command) { catalog_.apply(++index_, command, Stamp{0}); }
  void permit(std::string configure, std::string write, std::string read) {
    apply(catalog::PutPermission{"/", "u", configure, write, read});
  }
  bool may(Access access, Resource resource, std::string_view name) {
    return permissions_.check(*catalog_.snapshot(), access, resource, name).has_value();
  }

  catalog::Catalog catalog_;
  CatalogIndex index_;
  Permissions permissions_;
};

TEST_F(PermissionsTest, EachAccessHasItsPattern) {
  permit("^a$", "b", ".*");
  EXPECT_TRUE(may(Access::configure, Resource::queue, "a"));
  EXPECT_FALSE(may(Access::configure, Resource::queue, "ab"));
  EXPECT_TRUE(may(Access::write, Resource::queue, "abc"));
  EXPECT_FALSE(may(Access::write, Resource::queue, "ac"));
  EXPECT_TRUE(may(Access::read, Resource::queue, "anything"));
}

TEST_F(PermissionsTest, TheEmptyPatternMatchesNothingButTheEmptyName) {
  permit("", "", "");
  EXPECT_FALSE(may(Access::write, Resource::queue, "a"));
  EXPECT_TRUE(may(Access::write, Resource::queue, ""));
}

TEST_F(PermissionsTest, AnyOfTheThreeIsEnoughToSee) {
  auto may_see = [&](std::string_view name) {
    return permissions_.check_any(*catalog_.snapshot(), Resource::queue, name);
  };
  permit("^c$", "^w$", "^r$");
  for (std::string_view name : {"c", "w", "r"})
    EXPECT_TRUE(may_see(name)) << name;
  const Result<void> refused = may_see("another");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text, "access to queue 'another' in vhost '/' refused for user 'u'");
}

TEST_F(PermissionsTest, TheDefaultExchangeIsAmqDefault) {
  permit("", "^amq\\.default$", "");
  EXPECT_TRUE(may(Access::write, Resource::exchange, ""));
}

TEST_F(PermissionsTest, AChangeCountsAtOnce) {
  permit(".*", "x", ".*");
  EXPECT_FALSE(may(Access::write, Resource::queue, "q"));
  permit(".*", "q", ".*");
  EXPECT_TRUE(may(Access::write, Resource::queue, "q"));
  apply(catalog::DeletePermission{"/", "u"});
  EXPECT_FALSE(may(Access::write, Resource::queue, "q"));
}

TEST_F(PermissionsTest, APatternThatIsNoneRefuses) {
  permit("(", "(", "(");
  EXPECT_FALSE(may(Access::read, Resource::queue, "q"));
}

}  // namespace
}  // namespace warren::frontend
