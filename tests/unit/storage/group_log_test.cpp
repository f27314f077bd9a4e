#include "storage/group_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include "storage/snapshot_store.h"
#include "tests/unit/storage/test_store.h"

namespace warren::storage {
namespace {

using raft::Index;
using raft::Term;
using testing::AllOf;
using testing::HasSubstr;

class GroupLogTest : public testing::Test {
 protected:
  void SetUp() override { fresh(); }
  void fresh(std::size_t cache = 1u << 20) {
    store.emplace(dir.path(), DatabaseOptions{}, cache);
    store->log->create(group_one, self_member);
  }
  void reopen(std::size_t cache = 1u << 20) {
    store.reset();
    store.emplace(dir.path(), DatabaseOptions{}, cache);
  }
  void snapshot(std::uint64_t index) {
    SnapshotWriter writer(*store->database, *store->committer, store->mailbox.post(), group_one);
    bool done = false;
    writer.commit({Index(index), Term(1), {}}, [&] { done = true; });
    store->mailbox.pump_until([&] { return done; });
  }
  std::string data(std::uint64_t index) {
    ReadEntry read = store->log->read_entry(group_one, Index(index));
    EXPECT_EQ(read.error, "");
    return read.entry ? std::string(read.entry->bytes()) : "none";
  }
  std::vector<std::uint64_t> indexes(std::uint64_t first, std::uint64_t last,
                                     std::uint64_t bytes = 1 << 20) {
    std::vector<std::uint64_t> out;
    for (const auto& entry : store->log->entries(group_one, Index(first), Index(last), bytes))
      out.push_back(entry.index.value);
    return out;
  }

  std::map<std::string, std::string> state_records() {
    std::map<std::string, std::string> records;
    std::unique_ptr<rocksdb::Iterator> it(
        store->database->db().NewIterator(rocksdb::ReadOptions(), store->database->state()));
    for (it->SeekToFirst(); it->Valid(); it->Next())
      records.emplace(it->key().ToString(), it->value().ToString());
    return records;
  }

  TempDir dir;
  std::optional<TestStore> store;
};

TEST_F(GroupLogTest, ShowsEntriesWhileTheyAreQueued) {
  store->write({append_write(1, 1, 3)});
  EXPECT_EQ(indexes(1, 3), (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(store->log->term(group_one, Index(3)), Term(1));
  EXPECT_EQ(store->log->term(group_one, Index(4)), std::nullopt);
  EXPECT_EQ(store->log->term(group_one, Index(0)), Term(0));
}

TEST_F(GroupLogTest, AcknowledgesWritesInOrder) {
  for (std::uint64_t i = 1; i <= 20; ++i)
    store->write({append_write(1, i, i)});
  store->wait_written();
  EXPECT_EQ(store->written, 20u);
}

TEST_F(GroupLogTest, FindsEverythingAgainAfterARestart) {
  raft::GroupWrite write = append_write(3, 1, 4);
  write.hard_state = raft::HardState{Term(3), {2, 88, 6}, Index(2)};
  store->write({write});
  store->wait_written();
  reopen();
  auto groups = GroupLog::stored_groups(*store->database);
  ASSERT_TRUE(groups.has_value());
  EXPECT_EQ(*groups, std::vector<raft::GroupId>{group_one});
  raft::StoredGroup stored = store->load(group_one);
  EXPECT_EQ(stored.self, self_member);
  EXPECT_EQ(stored.hard_state, *write.hard_state);
  EXPECT_EQ(stored.first, Index(1));
  EXPECT_EQ(stored.last, Index(4));
  EXPECT_FALSE(stored.abstain);
  EXPECT_EQ(data(4), "3:4");
  EXPECT_EQ(store->log->term(group_one, Index(4)), Term(3));
}

TEST_F(GroupLogTest, AGroupThatNeverWroteIsNotStored) {
  reopen();
  EXPECT_TRUE(GroupLog::stored_groups(*store->database)->empty());
}

TEST_F(GroupLogTest, AnAppendReplacesWhatIsAtAndAboveIt) {
  store->write({append_write(1, 1, 9)});
  store->write({append_write(2, 4, 5)});
  EXPECT_EQ(indexes(1, 9), (std::vector<std::uint64_t>{1, 2, 3, 4, 5}));
  EXPECT_EQ(store->log->term(group_one, Index(3)), Term(1));
  EXPECT_EQ(store->log->term(group_one, Index(4)), Term(2));
  store->wait_written();
  reopen();
  EXPECT_EQ(store->load(group_one).last, Index(5));
  EXPECT_EQ(data(3), "1:3");
  EXPECT_EQ(data(5), "2:5");
}

TEST_F(GroupLogTest, ReadsWhatTheCacheHasForgotten) {
  reopen(0);
  store->log->create(group_one, self_member);
  store->write({append_write(1, 1, 50)});
  store->wait_written();
  store->write({append_write(2, 51, 60)});
  EXPECT_EQ(indexes(1, 60).size(), 60u);
  EXPECT_EQ(indexes(10, 60, 1).size(), 1u);
  EXPECT_EQ(indexes(49, 52), (std::vector<std::uint64_t>{49, 50, 51, 52}));
  EXPECT_EQ(data(7), "1:7");
  EXPECT_EQ(data(60), "2:60");
}

TEST_F(GroupLogTest, GroupsShareTheCacheAndTheOldestGoesFirst) {
  constexpr raft::GroupId group_two(77);
  fresh(1000);  // some ten small entries
  store->log->create(group_two, self_member);
  store->write({append_write(1, 1, 5)});
  store->write({append_write(1, 1, 5, group_two)});
  store->wait_written();
  EXPECT_LE(store->log->recent_bytes(), 1000u);
  const std::size_t before = store->log->recent_bytes();
  EXPECT_GT(before, 900u);
  store->write({append_write(1, 6, 30)});
  store->wait_written();
  EXPECT_LE(store->log->recent_bytes(), 1000u);
  // A new leader's entries, and a group that goes, leave nothing behind in the books.
  store->write({append_write(2, 28, 28)});
  store->wait_written();
  store->log->remove(group_one);
  EXPECT_EQ(store->log->recent_bytes(), 0u);
  EXPECT_EQ(store->log->entries(group_two, Index(1), Index(5), 1 << 20).size(), 5u);
}

TEST_F(GroupLogTest, StopsAtTheByteBound) {
  store->write({append_write(1, 1, 100)});
  const auto some = indexes(1, 100, 1000);
  EXPECT_GT(some.size(), 1u);
  EXPECT_LT(some.size(), 20u);
}

TEST_F(GroupLogTest, BelowACompactedLogEntriesAreMessagesOnly) {
  store->write({append_write(1, 1, 5)});
  store->write({append_write(2, 6, 10)});
  store->wait_written();
  snapshot(5);
  store->log->compact(group_one, Index(6));
  EXPECT_TRUE(indexes(5, 10).empty());
  EXPECT_EQ(store->log->term(group_one, Index(5)), Term(1));
  EXPECT_EQ(store->log->term(group_one, Index(4)), std::nullopt);
  EXPECT_EQ(data(3), "1:3");
  store->committer->flush();
  reopen(0);
  EXPECT_EQ(store->load(group_one).first, Index(6));
  EXPECT_EQ(store->log->term(group_one, Index(5)), Term(1));
  EXPECT_EQ(store->log->term(group_one, Index(6)), Term(2));
  EXPECT_EQ(data(3), "1:3");
}

TEST_F(GroupLogTest, DeletesSettledEntriesSinglyAndByRange) {
  store->write({append_write(1, 1, 40)});
  store->wait_written();
  snapshot(40);
  store->log->compact(group_one, Index(41));
  store->log->delete_entries(group_one, {{Index(2), Index(3)}, {Index(10), Index(30)}});
  store->committer->flush();
  reopen(0);
  store->load(group_one);
  EXPECT_EQ(data(1), "1:1");
  EXPECT_EQ(data(2), "none");
  EXPECT_EQ(data(3), "none");
  EXPECT_EQ(data(4), "1:4");
  EXPECT_EQ(data(9), "1:9");
  EXPECT_EQ(data(10), "none");
  EXPECT_EQ(data(30), "none");
  EXPECT_EQ(data(31), "1:31");
}

TEST_F(GroupLogTest, ReadsOffTheReactorInTheOrderAsked) {
  reopen(0);
  store->log->create(group_one, self_member);
  store->write({append_write(1, 1, 20)});
  store->wait_written();
  store->write({append_write(1, 21, 21)});
  std::vector<ReadEntry> got;
  store->log->read_entries_async(group_one, {Index(21), Index(3), Index(99), Index(7)},
                                 [&](std::vector<ReadEntry> all) { got = std::move(all); });
  store->mailbox.pump_until([&] { return !got.empty(); });
  ASSERT_EQ(got.size(), 4u);
  EXPECT_EQ(got[0].entry->bytes(), "1:21");
  EXPECT_EQ(got[1].entry->bytes(), "1:3");
  EXPECT_FALSE(got[2].entry.has_value());
  EXPECT_EQ(got[3].entry->bytes(), "1:7");
}

TEST_F(GroupLogTest, AGroupThatBeginsByAbstainingAbstainsUntilThatIsCleared) {
  store->log->create(raft::GroupId(2), self_member, true);
  store->write({append_write(1, 1, 5, raft::GroupId(2))});
  store->wait_written();
  reopen();
  EXPECT_FALSE(store->database->tail_was_torn());
  EXPECT_TRUE(store->database->may_lack_replicas());
  EXPECT_TRUE(store->load(raft::GroupId(2)).abstain);
  store->log->clear_abstain(raft::GroupId(2));
  reopen();
  EXPECT_FALSE(store->load(raft::GroupId(2)).abstain);
}

TEST_F(GroupLogTest, ARemovedGroupLeavesNothing) {
  store->write({append_write(1, 1, 5)});
  store->log->create(raft::GroupId(2), self_member);
  store->write({append_write(1, 1, 5, raft::GroupId(2))});
  store->wait_written();
  store->log->remove(group_one);
  store->log->create(group_one, {1, 77, 9});
  store->write({append_write(4, 1, 1)});
  store->wait_written();
  reopen();
  EXPECT_EQ(GroupLog::stored_groups(*store->database)->size(), 2u);
  raft::StoredGroup again = store->load(group_one);
  EXPECT_EQ(again.self.assigned, 9u);
  EXPECT_EQ(again.last, Index(1));
  EXPECT_EQ(again.hard_state, raft::HardState{});
  EXPECT_EQ(store->load(raft::GroupId(2)).last, Index(5));
}

TEST_F(GroupLogTest, RefusesALogWithAHole) {
  store->write({append_write(1, 1, 9)});
  store->wait_written();
  Commit hole;
  hole.fill = [this](rocksdb::WriteBatch& batch) {
    batch.Delete(store->database->log(), log_key(group_one, Index(4), 0));
    batch.Put(store->database->state(), part_data_key(group_one, 1, "part"), "unfinished");
  };
  store->committer->submit(std::move(hole));
  store->committer->flush();
  reopen();
  const auto before = state_records();
  auto loaded = store->log->load(group_one);
  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().kind, OpenErrorKind::corrupt);
  EXPECT_THAT(text_of(loaded.error()),
              AllOf(HasSubstr(store->database->directory() + ": group 1: entries are missing"),
                    HasSubstr("Nothing was changed. Choices: ")));
  EXPECT_EQ(state_records(), before) << "what an unfinished snapshot left behind, too";
}

}  // namespace
}  // namespace warren::storage
