#include "storage/database.h"

#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <fstream>

#include "storage/store_marker.h"
#include "tests/unit/storage/test_store.h"

namespace warren::storage {
namespace {

using raft::Index;
namespace fs = std::filesystem;

class DatabaseTest : public testing::Test {
 protected:
  void fill(int batches) {
    TestStore store(dir.path());
    store.log->create(group_one, self_member);
    for (int i = 1; i <= batches; ++i) {
      store.write({append_write(1, i, i)});
      store.wait_written();
    }
  }
  fs::path wal() {
    for (const auto& file : fs::directory_iterator(dir.path()))
      if (file.path().extension() == ".log" && file.file_size() > 0) return file.path();
    return {};
  }
  void flip(std::uint64_t offset) {
    std::fstream file(wal(), std::ios::binary | std::ios::in | std::ios::out);
    file.seekg(static_cast<std::streamoff>(offset));
    const char octet = static_cast<char>(file.get() ^ 4);
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(octet);
  }
  OpenError refused() {
    auto opened = Database::open(dir.path(), {});
    EXPECT_FALSE(opened.has_value());
    return opened ? OpenError{} : opened.error();
  }

  TempDir dir;
};

TEST_F(DatabaseTest, KeepsItsDiskId) {
  std::uint64_t id = TestStore(dir.path()).database->disk_id();
  EXPECT_NE(id, 0u);
  EXPECT_EQ(TestStore(dir.path()).database->disk_id(), id);
  TempDir other;
  EXPECT_NE(TestStore(other.path()).database->disk_id(), id);
}

TEST_F(DatabaseTest, RefusesAStoreInUse) {
  TestStore store(dir.path());
  EXPECT_EQ(refused().kind, OpenErrorKind::io);
}

TEST_F(DatabaseTest, CutsATornTailAndRemembersToAbstain) {
  fill(20);
  fs::resize_file(wal(), fs::file_size(wal()) - 3);
  {
    TestStore store(dir.path());
    EXPECT_TRUE(store.database->tail_was_torn());
    EXPECT_TRUE(store.database->may_lack_replicas());
    raft::StoredGroup stored = store.load(group_one);
    EXPECT_EQ(stored.last, Index(19));
    EXPECT_TRUE(stored.abstain);
  }
  {
    TestStore store(dir.path());
    EXPECT_FALSE(store.database->tail_was_torn());
    EXPECT_TRUE(store.database->may_lack_replicas())
        << "one that has not recovered may lack another";
    EXPECT_TRUE(store.load(group_one).abstain) << "not before it is cleared";
    store.log->clear_abstain(group_one);
  }
  TestStore store(dir.path());
  EXPECT_FALSE(store.load(group_one).abstain);
  EXPECT_FALSE(store.database->may_lack_replicas());
}

TEST_F(DatabaseTest, RefusesACorruptLogAndTouchesNothing) {
  fill(20);
  flip(fs::file_size(wal()) / 2);
  const auto size = fs::file_size(wal());
  for (int round = 0; round < 2; ++round) {
    OpenError error = refused();
    EXPECT_EQ(error.kind, OpenErrorKind::corrupt);
    EXPECT_EQ(error.file, wal());
    EXPECT_NE(error.text.find("Choices"), std::string::npos);
    EXPECT_EQ(fs::file_size(wal()), size);
  }
  flip(fs::file_size(wal()) / 2);
  EXPECT_EQ(TestStore(dir.path()).load(group_one).last, Index(20)) << "healed by hand";
}

TEST_F(DatabaseTest, AStoreOnceUsedIsNeverEmpty) {
  fill(3);
  for (const char* lost : {"CURRENT", "warren-store"}) {
    fs::rename(dir.path() + "/" + lost, dir.path() + "/lost");
    EXPECT_EQ(refused().kind, OpenErrorKind::corrupt) << lost;
    fs::rename(dir.path() + "/lost", dir.path() + "/" + lost);
  }
  EXPECT_EQ(TestStore(dir.path()).load(group_one).last, Index(3));
}

TEST_F(DatabaseTest, RefusesADamagedMark) {
  fill(1);
  const std::string path = dir.path() + "/warren-store";
  std::string text;
  std::getline(std::ifstream(path), text);
  text[text.size() - 20] ^= 1;
  std::ofstream(path) << text << "\n";
  EXPECT_EQ(refused().kind, OpenErrorKind::corrupt);
  std::ofstream(path) << "warren-store 2 something newer\n";
  EXPECT_EQ(refused().kind, OpenErrorKind::foreign);
}

TEST_F(DatabaseTest, BeginsAgainAfterAnInterruptedCreation) {
  const StoreMarker creating{false, 4711};
  ASSERT_TRUE(write_store_marker(*rocksdb::Env::Default(), dir.path(), creating).has_value());
  std::ofstream(dir.path() + "/CURRENT") << "MANIFEST-00";
  std::ofstream(dir.path() + "/000004.log") << "half a record";
  EXPECT_EQ(TestStore(dir.path()).database->disk_id(), 4711u);
  EXPECT_EQ(TestStore(dir.path()).database->disk_id(), 4711u);
}

}  // namespace
}  // namespace warren::storage
