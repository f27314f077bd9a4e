#include "storage/committer.h"

#include <gtest/gtest.h>
#include <rocksdb/write_batch.h>

#include <chrono>
#include <cstdio>

#include "tests/unit/storage/test_store.h"

namespace warren::storage {
namespace {

TEST(Committer, KeepsTheOrderOfSubmission) {
  TempDir dir;
  TestStore store(dir.path());
  std::vector<int> filled, done;
  for (int i = 0; i < 50; ++i) {
    Commit commit;
    commit.urgent = i % 3 == 0;
    commit.bytes = 500000;
    commit.fill = [&filled, i](rocksdb::WriteBatch&) { filled.push_back(i); };
    commit.done = [&done, i] { done.push_back(i); };
    store.committer->submit(std::move(commit));
  }
  store.committer->flush();
  EXPECT_EQ(filled.size(), 50u);
  EXPECT_TRUE(std::is_sorted(filled.begin(), filled.end()));
  EXPECT_EQ(done, filled);
}

// A figure to look at, not a bound: machines differ.
TEST(Committer, PrintsItsSyncedRecordsASecond) {
  TempDir dir;
  TestStore store(dir.path());
  store.log->create(group_one, self_member);
  const auto payload = std::make_shared<const std::string>(256 << 10, 'x');
  const auto begin = std::chrono::steady_clock::now();
  constexpr int count = 400;
  for (int i = 1; i <= count; ++i) {
    raft::Entry entry{raft::Term(1), raft::Index(i), raft::EntryKind::command, payload};
    store.write({{group_one, std::nullopt, {entry}}});
    store.mailbox.pump_until([&] { return store.written + 4 >= store.number; });
  }
  store.wait_written();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("256 KiB records, synced, 4 in flight: %.0f/s\n", count / took.count());
}

}  // namespace
}  // namespace warren::storage
