#include "storage/snapshot_store.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/unit/storage/test_store.h"

namespace warren::storage {
namespace {

using raft::Index;
using raft::SnapshotMeta;
using raft::Term;
using Parts = std::map<std::string, std::string>;

class SnapshotStoreTest : public testing::Test {
 protected:
  void SetUp() override { reopen(); }
  void reopen() {
    const bool first = !store.has_value();
    store.reset();
    store.emplace(dir.path(), DatabaseOptions{}, 0);
    if (!first) return static_cast<void>(stored = store->load(group_one));
    store->log->create(group_one, self_member);
    store->write({append_write(1, 1, 10)});
    store->wait_written();
  }
  SnapshotWriter writer() {
    return {*store->database, *store->committer, store->mailbox.post(), group_one};
  }
  void commit(SnapshotWriter& writer, std::uint64_t index) {
    bool done = false;
    writer.commit(meta(index), [&] { done = true; });
    store->mailbox.pump_until([&] { return done; });
  }
  void install(SnapshotInstall& install, std::uint64_t index) {
    bool done = false;
    install.commit(meta(index), [&] { done = true; });
    store->mailbox.pump_until([&] { return done; });
  }
  static SnapshotMeta meta(std::uint64_t index) {
    return {Index(index), Term(1), {{self_member}, {}}};
  }
  Parts parts() { return parts_of(*SnapshotReader::open(*store->database, group_one)); }
  static Parts parts_of(SnapshotReader& reader) {
    Parts all;
    for (auto some = reader.next_parts(1); !some.empty(); some = reader.next_parts(1))
      for (auto& part : some)
        all[part.key] = part.octets;
    EXPECT_EQ(reader.error(), "");
    return all;
  }
  std::string data(std::uint64_t index) {
    ReadEntry read = store->log->read_entry(group_one, Index(index));
    return read.entry ? std::string(read.entry->bytes()) : "none";
  }

  TempDir dir;
  std::optional<TestStore> store;
  raft::StoredGroup stored;
};

TEST_F(SnapshotStoreTest, ThereIsNoneAtFirst) {
  EXPECT_EQ(SnapshotReader::open(*store->database, group_one), nullptr);
}

TEST_F(SnapshotStoreTest, ComesBackAfterARestart) {
  SnapshotWriter first = writer();
  first.put("a", "1");
  first.put("b", std::string(700000, 'x'));
  commit(first, 5);
  reopen();
  EXPECT_EQ(stored.snapshot, meta(5));
  EXPECT_EQ(parts(), (Parts{{"a", "1"}, {"b", std::string(700000, 'x')}}));
}

TEST_F(SnapshotStoreTest, WritesOnlyWhatChanged) {
  SnapshotWriter first = writer();
  first.put("a", "1");
  first.put("b", "1");
  first.put("c", "1");
  commit(first, 5);
  SnapshotWriter second = writer();
  second.put("b", "2");
  second.erase("c");
  commit(second, 8);
  EXPECT_EQ(parts(), (Parts{{"a", "1"}, {"b", "2"}}));
  reopen();
  EXPECT_EQ(stored.snapshot->index, Index(8));
  EXPECT_EQ(parts(), (Parts{{"a", "1"}, {"b", "2"}}));
}

TEST_F(SnapshotStoreTest, IsAsIfNeverBegunWhenDropped) {
  SnapshotWriter first = writer();
  first.put("a", "1");
  commit(first, 5);
  {
    SnapshotWriter dropped = writer();
    dropped.put("a", std::string(600000, '2'));
    dropped.put("z", "2");
  }
  EXPECT_EQ(parts(), (Parts{{"a", "1"}}));
  SnapshotWriter third = writer();
  third.put("b", "3");
  commit(third, 6);
  reopen();
  EXPECT_EQ(parts(), (Parts{{"a", "1"}, {"b", "3"}}));
}

TEST_F(SnapshotStoreTest, AReaderKeepsWhatItStreams) {
  SnapshotWriter first = writer();
  first.put("a", "1");
  first.put("b", "1");
  commit(first, 5);
  auto reader = SnapshotReader::open(*store->database, group_one);
  SnapshotWriter second = writer();
  second.put("a", "2");
  second.erase("b");
  commit(second, 8);
  store->log->compact(group_one, Index(9));
  store->log->delete_entries(group_one, {{Index(1), Index(8)}});
  store->committer->flush();
  EXPECT_EQ(reader->meta(), meta(5));
  EXPECT_EQ(parts_of(*reader), (Parts{{"a", "1"}, {"b", "1"}}));
  auto entries = reader->next_entries(Index(2), 1);
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].bytes(), "1:3");
  EXPECT_EQ(reader->next_entries(Index(3), 1 << 20).size(), 2u);
}

TEST_F(SnapshotStoreTest, AnInstalledSnapshotReplacesMachineAndLog) {
  SnapshotWriter first = writer();
  first.put("old", "1");
  commit(first, 5);
  SnapshotInstall incoming(*store->log, group_one, Index(6));
  incoming.put_part("new", "2");
  incoming.put_entry(make_entry(1, 6, "skipped"));
  incoming.put_entry(make_entry(3, 8, "live 8"));
  incoming.put_entry(make_entry(3, 40, "live 40"));
  EXPECT_EQ(data(8), "1:8") << "before the commit nothing shows";
  install(incoming, 50);
  EXPECT_EQ(parts(), (Parts{{"new", "2"}}));
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(store->log->first(group_one), Index(51));
    EXPECT_EQ(store->log->last(group_one), Index(50));
    EXPECT_EQ(store->log->term(group_one, Index(50)), Term(1));
    EXPECT_EQ(data(6), "1:6");
    EXPECT_EQ(data(7), "none");
    EXPECT_EQ(data(8), "live 8");
    EXPECT_EQ(data(9), "none");
    EXPECT_EQ(data(40), "live 40");
    reopen();
  }
  EXPECT_EQ(stored.snapshot, meta(50));
  store->write({append_write(4, 51, 52)});
  store->wait_written();
  reopen();
  EXPECT_EQ(stored.last, Index(52));
}

TEST_F(SnapshotStoreTest, ASecondInstallKeepsTheEntriesOfTheFirst) {
  SnapshotInstall first(*store->log, group_one, Index(10));
  first.put_entry(make_entry(2, 15, "of the first"));
  install(first, 20);
  SnapshotInstall second(*store->log, group_one, Index(20));
  second.put_entry(make_entry(3, 25, "of the second"));
  second.put_part("p", "2");
  install(second, 30);
  reopen();
  EXPECT_EQ(data(3), "1:3");
  EXPECT_EQ(data(15), "of the first");
  EXPECT_EQ(data(25), "of the second");
  auto reader = SnapshotReader::open(*store->database, group_one);
  EXPECT_EQ(reader->next_entries(Index(10), 1 << 20).size(), 2u);
  store->log->delete_entries(group_one, {{Index(15), Index(15)}});
  store->committer->flush();
  EXPECT_EQ(data(15), "none");
}

TEST_F(SnapshotStoreTest, AnInstallThatIsDroppedLeavesNothing) {
  {
    SnapshotInstall dropped(*store->log, group_one, Index(6));
    dropped.put_part("new", std::string(600000, 'x'));
    dropped.put_entry(make_entry(3, 8, std::string(600000, 'y')));
  }
  reopen();
  EXPECT_EQ(stored.last, Index(10));
  EXPECT_EQ(data(8), "1:8");
  EXPECT_EQ(SnapshotReader::open(*store->database, group_one), nullptr);
}

}  // namespace
}  // namespace warren::storage
