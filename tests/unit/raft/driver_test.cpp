#include "raft/driver.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/memory_log_store.h"

namespace warren::raft {
namespace {

MemberId member(std::uint32_t node) {
  return {node, 1, 1};
}

struct Send {
  std::uint32_t node = 0;
  std::vector<Message> urgent;
  std::vector<Message> bulk;
};

class DriverTest : public testing::Test, public LogStore, public Transport, public StateMachine {
 protected:
  void write(std::uint64_t number, std::vector<GroupWrite> writes) override {
    writes_.push_back(writes.size());
    store_.write(number, std::move(writes));
  }
  std::vector<Entry> entries(GroupId group, Index first, Index last, std::uint64_t max) override {
    return store_.entries(group, first, last, max);
  }
  std::optional<Term> term(GroupId group, Index index) override {
    return store_.term(group, index);
  }
  void send(std::uint32_t node, std::vector<Message> urgent, std::vector<Message> bulk) override {
    sends_.push_back({node, std::move(urgent), std::move(bulk)});
  }
  void send_snapshot(GroupId, Term, MemberId) override {}
  void apply(GroupId, std::span<const Entry> entries) override {
    calls_ += "apply" + std::to_string(entries.size()) + " ";
  }
  void on_status(GroupId, const Status& status) override {
    calls_ += status.is_leader ? "leads " : "status ";
  }
  void on_read_ready(GroupId, std::uint64_t context, bool) override {
    calls_ += "read" + std::to_string(context) + " ";
  }

  void sync() {
    store_.sync();
    for (const std::uint64_t number : store_.take_completed())
      driver_.on_written(number);
  }
  void settle() {
    do {
      while (driver_.turn()) {
      }
      sync();
    } while (!driver_.idle() || store_.has_unsynced());
  }
  void create(std::uint32_t group, std::uint32_t voters) {
    Configuration founding;
    for (std::uint32_t n = 1; n <= voters; ++n)
      founding.voters.push_back(member(n));
    driver_.create_group(config_, GroupId(group), member(1), founding);
  }

  test::MemoryLogStore store_;
  std::vector<std::size_t> writes_;  // groups in each
  std::vector<Send> sends_;
  std::string calls_;
  Config config_;
  Driver driver_{*this, *this, *this};
};

TEST_F(DriverTest, OneTurnIsOneWriteForAllGroups) {
  for (std::uint32_t group = 1; group <= 5; ++group)
    create(group, 3);
  driver_.turn();
  EXPECT_EQ(writes_, std::vector<std::size_t>{5});
}

TEST_F(DriverTest, OneTurnIsOneSendForEachPeersNode) {
  for (std::uint32_t group = 1; group <= 5; ++group)
    create(group, 3);
  settle();
  for (int i = 0; i < 150; ++i)
    driver_.tick();
  driver_.turn();
  ASSERT_EQ(sends_.size(), 2U);
  EXPECT_EQ(sends_[0].node, 2U);
  EXPECT_EQ(sends_[0].urgent.size(), 5U);
  EXPECT_TRUE(sends_[0].bulk.empty());
}

TEST_F(DriverTest, AGroupOfOneCommitsOnItsOwnDisk) {
  create(1, 1);
  settle();
  driver_.tick();
  settle();
  ASSERT_TRUE(driver_.status(GroupId(1)).is_leader);
  calls_.clear();
  const ProposeResult result =
      driver_.propose(GroupId(1), std::make_shared<const std::string>("a"));
  EXPECT_EQ(result.outcome, ProposeOutcome::proposed);
  driver_.turn();
  EXPECT_EQ(calls_, "");
  sync();
  driver_.turn();
  EXPECT_EQ(calls_, "apply1 ");
}

TEST_F(DriverTest, AppliesBeforeItTellsTheStatusAndAnswersReads) {
  create(1, 1);
  settle();
  driver_.tick();
  driver_.turn();
  sync();
  calls_.clear();
  driver_.read_index(GroupId(1), 4);
  settle();
  EXPECT_EQ(calls_, "leads apply1 read4 ");
}

TEST_F(DriverTest, AnIdleTurnDoesNothing) {
  create(1, 3);
  settle();
  const std::size_t writes = writes_.size();
  EXPECT_TRUE(driver_.idle());
  EXPECT_FALSE(driver_.turn());
  driver_.tick();
  EXPECT_TRUE(driver_.idle());
  EXPECT_EQ(writes_.size(), writes);
  EXPECT_TRUE(sends_.empty());
}

TEST_F(DriverTest, PromisesLeaveOnceTheirWriteIsDurable) {
  create(1, 3);
  settle();
  Message request;
  request.kind = MessageKind::vote_request;
  request.group = GroupId(1);
  request.from = member(2);
  request.to = member(1);
  request.term = Term(2);
  request.index = Index(1);
  request.log_term = Term(1);
  driver_.receive({request});
  driver_.turn();
  EXPECT_TRUE(sends_.empty());
  // Asked again before the write is done, it waits for the same write.
  driver_.receive({request});
  driver_.turn();
  EXPECT_TRUE(sends_.empty());
  sync();
  EXPECT_FALSE(driver_.idle());
  driver_.turn();
  ASSERT_EQ(sends_.size(), 1U);
  EXPECT_EQ(sends_[0].urgent.size(), 2U);
}

TEST_F(DriverTest, MessagesForOthersAreDropped) {
  create(1, 3);
  settle();
  Message stray;
  stray.group = GroupId(9);
  stray.to = member(1);
  Message misled;
  misled.group = GroupId(1);
  misled.to = {1, 77, 1};  // an earlier disk
  misled.term = Term(9);
  driver_.receive({stray, misled});
  EXPECT_EQ(driver_.status(GroupId(1)).term, Term(1));
}

TEST_F(DriverTest, UnknownGroupsRefuse) {
  EXPECT_EQ(driver_.propose(GroupId(1), nullptr).outcome, ProposeOutcome::not_leader);
  EXPECT_EQ(driver_.read_index(GroupId(1), 1), ReadOutcome::not_leader);
  EXPECT_EQ(driver_.transfer(GroupId(1), member(2)), TransferOutcome::not_leader);
  EXPECT_FALSE(driver_.contains(GroupId(1)));
  EXPECT_TRUE(driver_.progress(GroupId(1)).empty());
}

TEST_F(DriverTest, AcknowledgementsOfARemovedGroupDoNotReachItsSuccessor) {
  create(1, 1);
  driver_.turn();
  driver_.remove_group(GroupId(1));
  create(1, 1);
  sync();
  EXPECT_EQ(driver_.status(GroupId(1)).durable, Index());
  settle();
  EXPECT_EQ(driver_.status(GroupId(1)).durable, Index(1));
}

TEST_F(DriverTest, AResetStreamHastensOnlyGroupsLedThere) {
  create(1, 3);
  create(2, 3);
  settle();
  Message heartbeat;
  heartbeat.group = GroupId(1);
  heartbeat.from = member(2);
  heartbeat.to = member(1);
  heartbeat.term = Term(1);
  driver_.receive({heartbeat});
  heartbeat.group = GroupId(2);
  heartbeat.from = member(3);
  driver_.receive({heartbeat});
  settle();
  sends_.clear();
  driver_.on_stream_reset(2);
  for (std::uint32_t i = 0; i < config_.reset_jitter_max_ticks; ++i)
    driver_.tick();
  driver_.turn();
  ASSERT_EQ(sends_.size(), 2U);
  ASSERT_EQ(sends_[0].urgent.size(), 1U);
  EXPECT_EQ(sends_[0].urgent[0].group, GroupId(1));
  EXPECT_EQ(sends_[0].urgent[0].kind, MessageKind::pre_vote_request);
}

}  // namespace
}  // namespace warren::raft
