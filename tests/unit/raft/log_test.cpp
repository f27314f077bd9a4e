#include "raft/log.h"

#include <gtest/gtest.h>

#include "tests/support/memory_log_store.h"

namespace warren::raft {
namespace {

constexpr GroupId group{1};

std::vector<Entry> entries(std::uint64_t first, const std::vector<std::uint64_t>& terms) {
  std::vector<Entry> made;
  for (const std::uint64_t term : terms) {
    made.push_back({Term(term), Index(first++), EntryKind::command, nullptr});
  }
  return made;
}

StoredGroup empty() {
  StoredGroup stored;
  stored.group = group;
  stored.self = {1, 1, 1};
  return stored;
}

class LogTest : public testing::Test {
 protected:
  // Hands out what is unwritten and queues it in the store.
  void write(Log& log, std::uint64_t number) {
    store_.write(number, {{group, std::nullopt, log.take_unwritten(number)}});
  }

  test::MemoryLogStore store_;
};

TEST_F(LogTest, BeginsEmptyWithTermZeroBeforeIt) {
  const Log log(store_, empty(), 1000);
  EXPECT_EQ(log.last(), Index());
  EXPECT_EQ(log.term(Index()), Term());
  EXPECT_FALSE(log.term(Index(1)));
}

TEST_F(LogTest, IsStableOnlyUpToWhatTheDiskAcknowledged) {
  Log log(store_, empty(), 1000);
  log.append(entries(1, {1, 1}));
  write(log, 1);
  log.append(entries(3, {1}));
  write(log, 2);
  EXPECT_EQ(log.stable(), Index());
  log.on_persisted(1);
  EXPECT_EQ(log.stable(), Index(2));
  log.on_persisted(2);
  EXPECT_EQ(log.stable(), Index(3));
}

TEST_F(LogTest, AnAcknowledgementFromBeforeATruncationDoesNotCount) {
  Log log(store_, empty(), 1000);
  log.append(entries(1, {1, 1, 3}));
  write(log, 1);
  log.truncate(Index(2));
  log.append(entries(2, {4}));
  write(log, 2);
  // The old entries come back, index and term as before: they are not durable by write 1.
  log.truncate(Index(2));
  log.append(entries(2, {5, 5}));
  write(log, 3);
  log.on_persisted(1);
  EXPECT_EQ(log.stable(), Index(1));
  log.on_persisted(2);
  EXPECT_EQ(log.stable(), Index(1));
  log.on_persisted(3);
  EXPECT_EQ(log.stable(), Index(3));
}

TEST_F(LogTest, HandsOutCommittedEntriesOnceAndInPieces) {
  Log log(store_, empty(), 1000);
  log.append(entries(1, {1, 1, 1}));
  log.commit_to(Index(2));
  EXPECT_EQ(log.take_committed(1).size(), 1U);
  EXPECT_TRUE(log.has_committed());
  EXPECT_EQ(log.take_committed(1000).front().index, Index(2));
  EXPECT_TRUE(log.take_committed(1000).empty());
}

TEST_F(LogTest, EvictsOnlyWhatIsDurableAndAppliedAndReadsItFromTheStore) {
  Log log(store_, empty(), 0);
  log.append(entries(1, {1, 2, 3}));
  write(log, 1);
  log.commit_to(Index(2));
  log.take_committed(1000);
  EXPECT_EQ(log.entries(Index(1), Index(3), 1000).size(), 3U);
  log.on_persisted(1);
  EXPECT_EQ(log.entries(Index(1), Index(3), 1000).size(), 2U);  // from the store; then the window
  EXPECT_EQ(log.entries(Index(3), Index(3), 1000).size(), 1U);
  EXPECT_EQ(log.term(Index(1)), Term(1));
}

TEST_F(LogTest, SaysNothingOfWhatIsCompacted) {
  Log log(store_, empty(), 0);
  log.append(entries(1, {1, 2, 3}));
  write(log, 1);
  store_.sync();
  log.on_persisted(1);
  log.commit_to(Index(3));
  log.take_committed(1000);
  store_.compact(group, {Index(2), Term(2), {}}, "", Index(3));
  EXPECT_TRUE(log.entries(Index(1), Index(3), 1000).empty());
  EXPECT_FALSE(log.term(Index(1)));
  EXPECT_EQ(log.term(Index(2)), Term(2));
  EXPECT_EQ(log.term(Index(3)), Term(3));
}

TEST_F(LogTest, FindsWhereTwoLogsMayAgree) {
  Log log(store_, empty(), 1000);
  log.append(entries(1, {1, 1, 2, 4, 4}));
  EXPECT_EQ(log.last_at_most(Index(9), Term(9)), Index(5));
  EXPECT_EQ(log.last_at_most(Index(5), Term(3)), Index(3));
  EXPECT_EQ(log.last_at_most(Index(2), Term(3)), Index(2));
  EXPECT_EQ(log.last_at_most(Index(5), Term()), Index());
}

TEST_F(LogTest, CountsUncommittedBytes) {
  Log log(store_, empty(), 1000);
  log.append(entries(1, {1, 1}));
  const std::uint64_t both = log.uncommitted_bytes();
  log.commit_to(Index(1));
  EXPECT_EQ(log.uncommitted_bytes(), both / 2);
  log.truncate(Index(2));
  EXPECT_EQ(log.uncommitted_bytes(), 0U);
}

TEST_F(LogTest, BeginsAgainBehindASnapshot) {
  Log log(store_, empty(), 1000);
  log.append(entries(1, {1, 1}));
  write(log, 1);
  log.reset({Index(40), Term(6), {}});
  EXPECT_EQ(log.last(), Index(40));
  EXPECT_EQ(log.last_term(), Term(6));
  EXPECT_EQ(log.applied(), Index(40));
  log.on_persisted(1);
  EXPECT_EQ(log.stable(), Index(40));
  EXPECT_TRUE(log.take_unwritten(2).empty());
}

TEST_F(LogTest, RestartsWithWhatIsOnDisk) {
  StoredGroup stored = empty();
  {
    Log log(store_, stored, 1000);
    log.append(entries(1, {1, 2, 2}));
    write(log, 1);
    store_.sync();
  }
  stored.last = Index(3);
  stored.hard_state.commit = Index(2);
  Log log(store_, stored, 1000);
  EXPECT_EQ(log.last_term(), Term(2));
  EXPECT_EQ(log.stable(), Index(3));
  EXPECT_EQ(log.take_committed(1000).size(), 2U);
}

TEST_F(LogTest, ATornTailLowersTheCommit) {
  StoredGroup stored = empty();
  stored.hard_state.commit = Index(5);
  stored.abstain = true;
  EXPECT_EQ(Log(store_, stored, 1000).commit(), Index());
}

using LogDeathTest = LogTest;

TEST_F(LogDeathTest, NeverTruncatesWhatIsCommitted) {
  Log log(store_, empty(), 1000);
  log.append(entries(1, {1, 1}));
  log.commit_to(Index(1));
  EXPECT_DEATH(log.truncate(Index(1)), "from > commit_");
}

}  // namespace
}  // namespace warren::raft
