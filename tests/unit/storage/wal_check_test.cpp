#include "storage/wal_check.h"

#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <algorithm>
#include <fstream>
#include <random>

#include "tests/unit/storage/test_store.h"

namespace warren::storage {
namespace {

using raft::Index;
using raft::Term;
namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write_file(const fs::path& path, const std::string& octets) {
  std::ofstream(path, std::ios::binary) << octets;
}

class WalCheckTest : public testing::Test {
 protected:
  // Many small batches, votes and some of several blocks.
  void fill(int batches) {
    TestStore store(dir.path());
    store.log->create(group_one, self_member);
    std::mt19937_64 random(7);
    for (int i = 1; i <= batches; ++i) {
      raft::GroupWrite write = append_write(1, i, i);
      if (i % 10 == 0) write.entries[0] = make_entry(1, i, std::string(random() % 90000, 'x'));
      if (i % 7 == 0) write.hard_state = raft::HardState{Term(i), self_member, Index(i)};
      store.write({write});
      store.wait_written();
    }
  }
  fs::path wal() {
    fs::path newest;
    for (const auto& file : fs::directory_iterator(dir.path()))
      if (file.path().extension() == ".log" && file.file_size() > 0 &&
          (newest.empty() || file.path() > newest))
        newest = file.path();
    return newest;
  }
  WalReport check() { return check_wal(*rocksdb::Env::Default(), dir.path()); }

  TempDir dir;
};

TEST_F(WalCheckTest, AHealthyLogIsIntact) {
  fill(200);
  WalReport report = check();
  EXPECT_EQ(report.verdict, WalVerdict::intact) << report.text << " at " << report.offset;
  EXPECT_GE(report.batches, 200u);
}

TEST_F(WalCheckTest, StaysIntactOverManyRestarts) {
  for (int round = 0; round < 4; ++round) {
    TestStore store(dir.path());
    store.log->create(raft::GroupId(10 + round), self_member);
    store.write({append_write(1, 1, 3, raft::GroupId(10 + round))});
    store.wait_written();
  }
  EXPECT_EQ(check().verdict, WalVerdict::intact);
}

TEST_F(WalCheckTest, DetectsEverySingleFlippedBit) {
  fill(200);
  const fs::path path = wal();
  const std::string octets = read_file(path);
  const std::uint64_t batches = check().batches;
  std::mt19937_64 random(42);
  int in_the_last = 0;
  for (int i = 0; i < 600; ++i) {
    std::string damaged = octets;
    // Every other one near the end, where a cut would be as well.
    const std::size_t span = i % 2 ? damaged.size() : std::min<std::size_t>(400, damaged.size());
    const std::size_t offset = damaged.size() - 1 - random() % span;
    damaged[offset] = static_cast<char>(damaged[offset] ^ (1 << random() % 8));
    write_file(path, damaged);
    WalReport report = check();
    if (report.verdict == WalVerdict::intact) {
      // A block's last octets are filler, of which nothing depends.
      ASSERT_GT(offset % 32768, 32768u - 7) << offset;
      continue;
    }
    ASSERT_LE(report.keep, offset);
    ASSERT_EQ(report.verdict, WalVerdict::corrupt) << offset;
    in_the_last += report.batches + 1 == batches;
  }
  EXPECT_GT(in_the_last, 0);
}

// Two bits, and no more: what only what follows can tell from a cut.
TEST_F(WalCheckTest, MoreDamageInTheLastBatchIsATornTail) {
  fill(200);
  std::string octets = read_file(wal());
  octets[octets.size() - 3] = static_cast<char>(octets[octets.size() - 3] ^ 0x41);
  write_file(wal(), octets);
  EXPECT_EQ(check().verdict, WalVerdict::torn);
}

TEST_F(WalCheckTest, EveryCutLengthIsATornTailOrIntact) {
  fill(60);
  const fs::path path = wal();
  const std::string octets = read_file(path);
  std::mt19937_64 random(1);
  for (int i = 0; i < 200; ++i) {
    const std::size_t length = random() % octets.size();
    write_file(path, octets.substr(0, length));
    WalReport report = check();
    ASSERT_TRUE(report.verdict == WalVerdict::intact || report.verdict == WalVerdict::torn);
    if (report.verdict == WalVerdict::intact) continue;
    ASSERT_EQ(cut_torn_tail(*rocksdb::Env::Default(), report), "");
    ASSERT_EQ(check().verdict, WalVerdict::intact);
    ASSERT_EQ(fs::file_size(path), report.keep);
  }
}

// Where a kill leaves off a large batch as a rule: files grow by whole pages.
TEST_F(WalCheckTest, ABatchCutAtTheEndOfABlockIsATornTail) {
  fill(60);
  const fs::path path = wal();
  const std::string octets = read_file(path);
  int cuts = 0;
  for (std::size_t cut = 32768; cut < octets.size(); cut += 32768, ++cuts) {
    write_file(path, octets.substr(0, cut));
    WalReport report = check();
    EXPECT_EQ(report.verdict, WalVerdict::torn) << "cut to " << cut << ": " << report.text;
    EXPECT_LT(report.keep, cut);
  }
  EXPECT_GE(cuts, 4);
}

TEST_F(WalCheckTest, ATailOfZerosIsTorn) {
  fill(20);
  write_file(wal(), read_file(wal()) + std::string(50000, '\0'));
  EXPECT_EQ(check().verdict, WalVerdict::torn);
}

TEST_F(WalCheckTest, BatchesThatComeTwiceAreCorruption) {
  fill(51);
  const fs::path path = wal();
  const std::string octets = read_file(path);
  // The same log in two files, the first without its last batch.
  write_file(path, octets.substr(0, octets.size() - 5));
  ASSERT_EQ(cut_torn_tail(*rocksdb::Env::Default(), check()), "");
  const std::string kept = read_file(path);
  std::string tail = octets.substr(kept.size());
  ASSERT_LT(tail.size(), 4096u);
  write_file(dir.path() + "/999998.log", tail);
  EXPECT_EQ(check().verdict, WalVerdict::intact);
  write_file(dir.path() + "/999999.log", tail);
  EXPECT_EQ(check().verdict, WalVerdict::corrupt);
}

// As a power cut leaves it between the deletions of two files whose batches are flushed.
TEST_F(WalCheckTest, AGapBetweenTwoFilesIsNoDamage) {
  fill(51);
  const fs::path path = wal();
  const std::string octets = read_file(path);
  write_file(path, octets.substr(0, octets.size() - 5));
  ASSERT_EQ(cut_torn_tail(*rocksdb::Env::Default(), check()), "");
  const std::string kept = read_file(path);
  write_file(dir.path() + "/999999.log", octets.substr(kept.size()));
  write_file(path, kept.substr(0, kept.size() - 5));
  ASSERT_EQ(check().verdict, WalVerdict::corrupt) << "a torn file with batches behind it";
  const WalReport report = check();
  fs::resize_file(path, report.keep);
  EXPECT_EQ(check().verdict, WalVerdict::intact);
}

}  // namespace
}  // namespace warren::storage
