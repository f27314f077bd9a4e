#include "tests/unit/broker/catalog/fixture.h"

namespace warren::catalog {
namespace {

class Accounts : public CatalogTest {};

TEST_F(Accounts, VhostComesWithItsExchanges) {
  EXPECT_TRUE(ok(PutVhost{"v", "first"}).created);
  EXPECT_NE(catalog_.snapshot()->exchange("v", "amq.topic"), nullptr);
  EXPECT_NE(catalog_.snapshot()->exchange("v", ""), nullptr);
  EXPECT_FALSE(ok(PutVhost{"v", "second"}).created);
  std::string descriptions;
  catalog_.snapshot()->for_each_vhost(
      [&](const VhostInfo& vhost) { descriptions += vhost.name + "=" + vhost.description + " "; });
  EXPECT_EQ(descriptions, "/=Default virtual host v=second ");
}

TEST_F(Accounts, DeletedVhostTakesAllThatIsInIt) {
  ok(PutVhost{"v", ""});
  DeclareQueue command = queue("q");
  command.vhost = "v";
  const QueueId q = ok(command).queue;
  Bind bound = binding("amq.fanout", "q");
  bound.vhost = "v";
  ok(bound);
  ok(PutPermission{"v", "guest", ".*", ".*", ".*"});
  ok(queue("q"));
  const Applied applied = give(DeleteVhost{"v"});
  ASSERT_EQ(applied.effects.queues_gone.size(), 1u);
  EXPECT_EQ(applied.effects.queues_gone[0].queue, q);
  const auto snapshot = catalog_.snapshot();
  EXPECT_FALSE(snapshot->vhost_exists("v"));
  EXPECT_EQ(snapshot->queue_count(), 1u);
  EXPECT_EQ(snapshot->exchange_count(), 7u);
  EXPECT_EQ(snapshot->binding_count(), 0u);
  EXPECT_EQ(snapshot->permission("guest", "v"), nullptr);
  EXPECT_NE(snapshot->permission("guest", "/"), nullptr);
  refused(DeleteVhost{"v"}, ReplyCode::not_found, "no vhost 'v'");
}

TEST_F(Accounts, UserIsPutAndDeletedWithItsPermissions) {
  EXPECT_TRUE(ok(PutUser{"ann", "h1", "rabbit_password_hashing_sha256", {"monitoring"}}).created);
  EXPECT_FALSE(ok(PutUser{"ann", "h2", "rabbit_password_hashing_sha256", {}}).created);
  EXPECT_EQ(catalog_.snapshot()->user("ann")->password_hash, "h2");
  ok(PutPermission{"/", "ann", "c", "w", "r"});
  EXPECT_EQ(catalog_.snapshot()->permission("ann", "/")->write, "w");
  ok(DeleteUser{"ann"});
  EXPECT_EQ(catalog_.snapshot()->user("ann"), nullptr);
  EXPECT_EQ(catalog_.snapshot()->permission("ann", "/"), nullptr);
  refused(DeleteUser{"ann"}, ReplyCode::not_found, "no user 'ann'");
}

TEST_F(Accounts, PermissionNeedsItsUserAndVhost) {
  refused(PutPermission{"v", "guest", "", "", ""}, ReplyCode::not_found, "no vhost 'v'");
  refused(PutPermission{"/", "ann", "", "", ""}, ReplyCode::not_found, "no user 'ann'");
  ok(DeletePermission{"/", "guest"});
  ok(DeletePermission{"/", "guest"});
  EXPECT_EQ(catalog_.snapshot()->permission("guest", "/"), nullptr);
}

TEST_F(Accounts, NamesMustNotBeEmpty) {
  refused(PutVhost{"", ""}, ReplyCode::precondition_failed, "vhost without a name");
  refused(PutUser{}, ReplyCode::precondition_failed, "user without a name");
}

}  // namespace
}  // namespace warren::catalog
