#include "storage/identity.h"

#include <gtest/gtest.h>
#include <rocksdb/write_batch.h>

#include "tests/unit/storage/test_store.h"

namespace warren::storage {
namespace {

TEST(Identity, IsRememberedAndNeverUnusedAgain) {
  TempDir dir;
  {
    TestStore store(dir.path());
    auto identity = Identity::load(*store.database, *store.committer);
    ASSERT_TRUE(identity.has_value());
    EXPECT_FALSE(identity->used());
    EXPECT_EQ(identity->disk_id(), store.database->disk_id());
    identity->set_node({99, 3, "warren@host"});
  }
  TestStore store(dir.path());
  auto identity = Identity::load(*store.database, *store.committer);
  ASSERT_TRUE(identity.has_value());
  EXPECT_TRUE(identity->used());
  EXPECT_EQ(identity->node(), (NodeIdentity{99, 3, "warren@host"}));
}

TEST(Identity, ADamagedRecordIsACorruptStore) {
  TempDir dir;
  TestStore store(dir.path());
  Commit damage;
  damage.fill = [&](rocksdb::WriteBatch& batch) {
    batch.Put(store.database->identity(), "used", "");
    batch.Put(store.database->identity(), "node", "short");
  };
  store.committer->submit(std::move(damage));
  store.committer->flush();
  auto identity = Identity::load(*store.database, *store.committer);
  ASSERT_FALSE(identity.has_value());
  EXPECT_EQ(identity.error().kind, OpenErrorKind::corrupt);
  EXPECT_NE(text_of(identity.error()).find("identity record: node, malformed. Nothing was changed"),
            std::string::npos);
}

}  // namespace
}  // namespace warren::storage
