#include "broker/session/host_stream.h"

#include <gtest/gtest.h>

namespace warren::session {
namespace {

const SessionId session{NodeId(1), Incarnation(10)};

class HostStreamTest : public testing::Test {
 protected:
  void open(std::uint64_t epoch, std::uint64_t released = 0) {
    tell(epoch, Open{BatchNumber(released)});
  }
  void batch(std::uint64_t epoch, std::uint64_t n) {
    tell(epoch, Batch{BatchNumber(n), BatchNumber(), Bytes("p" + std::to_string(n))});
  }
  void attach(std::uint64_t epoch, std::uint64_t after) {
    tell(epoch, Attach{BatchNumber(after), Bytes(std::string("claims"))});
  }
  void tell(std::uint64_t epoch, HostBody body) {
    host_.on_message({session, StreamEpoch(epoch), std::move(body)}, ledger_);
  }
  void apply(std::uint64_t n) {
    ledger_.record(session, BatchNumber(n), "o" + std::to_string(n));
    host_.on_applied(BatchNumber(n), "o" + std::to_string(n));
  }
  std::vector<std::uint64_t> accepted() {
    std::vector<std::uint64_t> numbers;
    for (const Batch& one : host_.take_ready().batches)
      numbers.push_back(one.number.value);
    return numbers;
  }

  Ledger ledger_;
  HostStream host_{session, Term(3), ledger_, 4};
};

TEST_F(HostStreamTest, AcceptsEachBatchOnceAndInOrder) {
  open(1);
  batch(1, 1);
  batch(1, 2);
  batch(1, 2);
  EXPECT_EQ(accepted(), (std::vector<std::uint64_t>{1, 2}));
}

TEST_F(HostStreamTest, RewindsOnceForAGap) {
  open(1);
  host_.take_ready();
  batch(1, 2);
  batch(1, 3);
  HostReady ready = host_.take_ready();
  EXPECT_TRUE(ready.batches.empty());
  ASSERT_EQ(ready.messages.size(), 1u);
  EXPECT_EQ(std::get<Rewind>(ready.messages[0].body).expected, BatchNumber(1));
}

TEST_F(HostStreamTest, RefusesBatchesBeyondTheWindow) {
  open(1);
  for (std::uint64_t n = 1; n <= 5; ++n)
    batch(1, n);
  EXPECT_EQ(accepted(), (std::vector<std::uint64_t>{1, 2, 3, 4}));
}

TEST_F(HostStreamTest, ANewStreamIsToldWhatIsAppliedAndWhatIsProposed) {
  open(1);
  for (std::uint64_t n = 1; n <= 3; ++n)
    batch(1, n);
  apply(1);
  host_.take_ready();
  open(2);
  HostReady ready = host_.take_ready();
  EXPECT_TRUE(ready.opened);
  ASSERT_EQ(ready.messages.size(), 2u);
  EXPECT_EQ(std::get<Opened>(ready.messages[0].body).applied, BatchNumber(1));
  EXPECT_EQ(std::get<Opened>(ready.messages[0].body).expected, BatchNumber(4));
  EXPECT_EQ(std::get<Outcomes>(ready.messages[1].body).outcomes,
            (std::vector<BatchOutcome>{{BatchNumber(1), "o1"}}));
}

TEST_F(HostStreamTest, ADuplicateGetsItsTrueOutcomeAgain) {
  open(1);
  batch(1, 1);
  apply(1);
  host_.take_ready();
  batch(1, 1);
  HostReady ready = host_.take_ready();
  EXPECT_TRUE(ready.batches.empty());
  EXPECT_EQ(std::get<Outcomes>(ready.messages.at(0).body).outcomes[0].octets, "o1");
}

TEST_F(HostStreamTest, HoldsTheAttachUntilReSentBatchesAreApplied) {
  open(1);
  batch(1, 1);
  batch(1, 2);
  attach(1, 2);
  apply(1);
  EXPECT_FALSE(host_.take_ready().attach.has_value());
  EXPECT_FALSE(host_.send_event(Bytes(std::string("too soon"))));
  apply(2);
  HostReady ready = host_.take_ready();
  ASSERT_TRUE(ready.attach.has_value());
  host_.attached(ready.epoch, Bytes(std::string("ok")));
  EXPECT_TRUE(host_.send_event(Bytes(std::string("delivery"))));
}

TEST_F(HostStreamTest, DropsWhatIsOfAnOlderStream) {
  open(2);
  attach(1, 0);
  batch(1, 1);
  open(1);
  HostReady ready = host_.take_ready();
  EXPECT_TRUE(ready.batches.empty());
  EXPECT_FALSE(ready.attach.has_value());
  EXPECT_EQ(ready.messages.size(), 1u);
}

TEST_F(HostStreamTest, ALateAnswerToAnOlderStreamsAttachDoesNotOpenTheNewOne) {
  open(1);
  attach(1, 0);
  HostReady first = host_.take_ready();
  open(2);
  host_.attached(first.epoch, Bytes());
  EXPECT_FALSE(host_.flowing());
}

TEST_F(HostStreamTest, RequestsWaitForTheBatchThatTheyName) {
  open(1);
  attach(1, 0);
  host_.attached(host_.take_ready().epoch, Bytes());
  host_.take_ready();
  batch(1, 1);
  tell(1, Request{RequestId(1), BatchNumber(1), Bytes()});
  tell(1, Request{RequestId(2), BatchNumber(), Bytes()});
  HostReady ready = host_.take_ready();
  ASSERT_EQ(ready.requests.size(), 1u);
  EXPECT_EQ(ready.requests[0].id, RequestId(2));
  apply(1);
  EXPECT_EQ(host_.take_ready().requests.at(0).id, RequestId(1));
}

TEST_F(HostStreamTest, TellsTheLastBatchOfAnEndedSession) {
  open(1);
  batch(1, 1);
  apply(1);
  ledger_.end(session);
  host_.take_ready();
  host_.on_ended(ledger_);
  const Ended ended = std::get<Ended>(host_.take_ready().messages.at(0).body);
  EXPECT_EQ(ended.last, BatchNumber(1));
  EXPECT_EQ(ended.outcomes.size(), 1u);
  open(2);
  EXPECT_TRUE(std::holds_alternative<Ended>(host_.take_ready().messages.at(0).body));
  EXPECT_FALSE(host_.flowing());
}

TEST_F(HostStreamTest, SaysWhoLeadsAndFallsSilent) {
  open(1);
  host_.take_ready();
  host_.on_not_leader(NodeId(3));
  EXPECT_EQ(std::get<NotLeader>(host_.take_ready().messages.at(0).body).hint, NodeId(3));
  batch(1, 1);
  EXPECT_FALSE(host_.has_ready());
}

}  // namespace
}  // namespace warren::session
