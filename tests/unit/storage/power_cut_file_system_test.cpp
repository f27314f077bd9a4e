// The power goes at a random moment: what was acknowledged is there, anything else is all or
// nothing by the write, and the store opens.
#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <memory>
#include <random>

#include "storage/power_cut_file_system.h"
#include "storage/snapshot_store.h"
#include "tests/unit/storage/test_store.h"

namespace warren::storage {
namespace {

using raft::Index;
using raft::Term;

// One life of a machine: its disk forgets when it ends.
struct Life {
  explicit Life(const std::string& directory)
      : disk(std::make_shared<PowerCutFileSystem>(rocksdb::FileSystem::Default())),
        env(rocksdb::NewCompositeEnv(disk)) {
    DatabaseOptions options;
    options.memtable_bytes = 256 << 10;  // flushes and new logs happen
    options.wal_bytes = 1 << 20;
    options.env = env.get();
    store.emplace(directory, options);
  }
  // The next life's directory is what a cut now would leave; this one is soon over.
  void cut() { disk->copy_as_cut(store->database->directory(), next_directory(), 0); }
  // The same while the next write is under way. REQUIRES: one is, or will be.
  void cut_in_next_write(std::uint64_t tear_seed) {
    disk->copy_in_next_append(store->database->directory(), next_directory(), tear_seed);
  }
  std::string next_directory() const {
    const std::string& here = store->database->directory();
    const auto slash = here.rfind('/') + 1;
    return here.substr(0, slash) + std::to_string(std::stoi(here.substr(slash)) + 1);
  }
  std::shared_ptr<PowerCutFileSystem> disk;
  std::unique_ptr<rocksdb::Env> env;
  std::optional<TestStore> store;
};

const raft::GroupId group_two{2};

// Each write appends one entry to both groups, and the same number as the hard state's term.
raft::GroupWrite both_write(raft::GroupId group, std::uint64_t n, std::size_t size) {
  raft::GroupWrite write{group, raft::HardState{Term(n), self_member, Index()}, {}};
  write.entries.push_back(make_entry(n, n, std::string(size, static_cast<char>('a' + n % 26))));
  return write;
}

class PowerCutTest : public testing::TestWithParam<bool> {};

TEST_P(PowerCutTest, WhatWasAcknowledgedIsThereAndTheRestIsAllOrNothing) {
  TempDir dir;
  std::mt19937_64 random(GetParam() ? 11 : 5);
  std::uint64_t acknowledged = 0;
  std::uint64_t next = 1;
  int torn = 0;
  for (int life_number = 0; life_number < 25; ++life_number) {
    SCOPED_TRACE(testing::Message() << "life " << life_number);
    Life life(dir.path() + "/" + std::to_string(life_number));
    TestStore& store = *life.store;
    torn += store.database->tail_was_torn();
    for (raft::GroupId group : {group_one, group_two}) {
      if (life_number == 0) {
        store.log->create(group, self_member);
        continue;
      }
      raft::StoredGroup stored = store.load(group);
      ASSERT_GE(stored.last.value, acknowledged);
      ASSERT_EQ(stored.hard_state.term.value, stored.last.value);
      next = stored.last.value + 1;
    }
    if (life_number > 0) {
      ASSERT_EQ(store.log->last(group_one), store.log->last(group_two));
    }
    const std::uint64_t before = next;
    for (std::uint64_t left = 20 + random() % 200; left > 0; --left, ++next) {
      const std::size_t size = random() % 8 == 0 ? random() % 60000 : random() % 200;
      store.write({both_write(group_one, next, size), both_write(group_two, next, size)});
      if (random() % 3 == 0) store.wait_written();
    }
    // Acknowledged up to now; what the committing thread does meanwhile may be lost.
    acknowledged = before - 1 + store.written;
    if (!GetParam()) {
      life.cut();
      continue;
    }
    life.cut_in_next_write(random() | 1);
    store.write({both_write(group_one, next, 5000), both_write(group_two, next, 5000)});
    store.wait_written();
  }
  EXPECT_EQ(GetParam(), torn > 0) << "torn tails: " << torn;
}

INSTANTIATE_TEST_SUITE_P(CleanAndTorn, PowerCutTest, testing::Bool());

TEST(PowerCut, ASnapshotIsTheFormerOrTheNewOneWhole) {
  TempDir dir;
  std::mt19937_64 random(3);
  std::uint64_t acknowledged = 0;
  for (int life_number = 0; life_number < 25; ++life_number) {
    SCOPED_TRACE(testing::Message() << "life " << life_number);
    Life life(dir.path() + "/" + std::to_string(life_number));
    TestStore& store = *life.store;
    std::uint64_t version = 0;
    if (life_number == 0) {
      store.log->create(group_one, self_member);
      store.write({append_write(1, 1, 5)});
      store.wait_written();
    } else {
      store.load(group_one);
    }
    if (auto reader = SnapshotReader::open(*store.database, group_one)) {
      version = reader->meta().index.value;
      std::size_t count = 0;
      for (auto parts = reader->next_parts(1 << 20); !parts.empty();
           parts = reader->next_parts(1 << 20))
        for (const SnapshotPart& part : parts) {
          ASSERT_EQ(part.octets.substr(0, 8), std::to_string(10000000 + version)) << part.key;
          ++count;
        }
      ASSERT_EQ(count, 30u);
      ASSERT_EQ(reader->error(), "");
    }
    ASSERT_GE(version, acknowledged);
    for (int round = 0; round < 3; ++round) {
      ++version;
      SnapshotWriter writer(*store.database, *store.committer, store.mailbox.post(), group_one);
      for (int part = 0; part < 30; ++part)
        writer.put("part " + std::to_string(part),
                   std::to_string(10000000 + version) + std::string(random() % 30000, 'x'));
      if (round == 2 && random() % 3 == 0) break;  // the power goes before the commit
      auto done = std::make_shared<bool>(false);   // the last one is told after this round
      writer.commit({Index(version), Term(1), {}}, [done] { *done = true; });
      if (round == 2) break;
      store.mailbox.pump_until([&] { return *done; });
      acknowledged = version;
    }
    life.cut_in_next_write(random() | 1);
    store.write({append_write(1, 6, 6)});
    store.wait_written();
  }
}

}  // namespace
}  // namespace warren::storage
