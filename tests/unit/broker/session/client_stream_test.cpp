#include "broker/session/client_stream.h"

#include <gtest/gtest.h>

namespace warren::session {
namespace {

using Phase = ClientStream::Phase;
using RequestOrder = ClientStream::RequestOrder;
const SessionId session{NodeId(1), Incarnation(10)};

class ClientStreamTest : public testing::Test {
 protected:
  void tell(ClientBody body, std::uint64_t epoch) {
    client_.on_message({session, StreamEpoch(epoch), std::move(body)}, now_);
  }
  void tell(ClientBody body) { tell(std::move(body), client_.epoch().value); }
  void flow() {
    client_.connect(now_);
    tell(Opened{BatchNumber(), BatchNumber(1)});
    tell(AttachReply{});
    client_.take_ready();
    ASSERT_EQ(client_.phase(), Phase::flowing);
  }
  Bytes octets(const char* text) { return Bytes(std::string(text)); }

  BootTime now_{};
  int asked_ = 0;
  ClientStream client_{session, {4, 8, Milliseconds(100)}, [this] {
                         ++asked_;
                         return Bytes(std::string("claims"));
                       }};
};

TEST_F(ClientStreamTest, OpensThenSendsAgainThenAttaches) {
  client_.submit(octets("one"));
  client_.connect(now_);
  EXPECT_TRUE(std::holds_alternative<Open>(client_.take_ready().messages.at(0).body));
  tell(Opened{BatchNumber(), BatchNumber(1)});
  ClientReady ready = client_.take_ready();
  ASSERT_EQ(ready.messages.size(), 2u);
  EXPECT_EQ(std::get<Batch>(ready.messages[0].body).number, BatchNumber(1));
  EXPECT_EQ(std::get<Attach>(ready.messages[1].body).after, BatchNumber(1));
  EXPECT_EQ(asked_, 1);
}

// It may still hand out, and take back, what its successor has given to others.
TEST_F(ClientStreamTest, ALeaderOlderThanOneThatItHasSeenIsRefused) {
  client_.connect(now_);
  tell(Opened{BatchNumber(), BatchNumber(1), Term(4)});
  tell(AttachReply{});
  client_.connect(now_);
  tell(Opened{BatchNumber(), BatchNumber(1), Term(3)});
  EXPECT_EQ(client_.phase(), Phase::disconnected);
  client_.connect(now_);
  tell(Opened{BatchNumber(), BatchNumber(1), Term(4)});
  EXPECT_EQ(client_.phase(), Phase::attaching);
}

TEST_F(ClientStreamTest, SendsRequestsOnlyWhenFlowingAndAgainAfterEachAttach) {
  RequestId id = client_.request(octets("get"), RequestOrder::at_once);
  client_.connect(now_);
  tell(Opened{BatchNumber(), BatchNumber(1)});
  for (const ToHost& one : client_.take_ready().messages)
    EXPECT_FALSE(std::holds_alternative<Request>(one.body));
  tell(AttachReply{});
  EXPECT_EQ(std::get<Request>(client_.take_ready().messages.at(0).body).id, id);
  client_.connect(now_);
  tell(Opened{BatchNumber(), BatchNumber(1)});
  tell(AttachReply{});
  EXPECT_EQ(std::get<Request>(client_.take_ready().messages.back().body).id, id);
}

TEST_F(ClientStreamTest, DropsRepliesToForgottenRequests) {
  flow();
  RequestId id = client_.request(octets("get"), RequestOrder::at_once);
  client_.forget(id);
  tell(Reply{id, {}});
  EXPECT_TRUE(client_.take_ready().happenings.empty());
}

TEST_F(ClientStreamTest, ARequestMayNameTheBatchesBeforeIt) {
  flow();
  client_.submit(octets("one"));
  client_.request(octets("get"), RequestOrder::after_batches);
  EXPECT_EQ(std::get<Request>(client_.take_ready().messages.at(1).body).after, BatchNumber(1));
}

TEST_F(ClientStreamTest, DropsDeliveriesOfAnOlderStream) {
  flow();
  client_.connect(now_);
  tell(Opened{BatchNumber(), BatchNumber(1)});
  tell(AttachReply{});
  client_.take_ready();
  tell(Event{octets("old")}, client_.epoch().value - 1);
  EXPECT_FALSE(client_.has_ready());
  tell(Event{octets("new")});
  EXPECT_TRUE(client_.has_ready());
}

TEST_F(ClientStreamTest, SeeksTheLeaderThatIsHinted) {
  flow();
  tell(NotLeader{NodeId(3)});
  EXPECT_EQ(client_.phase(), Phase::disconnected);
  EXPECT_EQ(std::get<SeekLeader>(client_.take_ready().happenings.at(0)).hint, NodeId(3));
}

TEST_F(ClientStreamTest, LosesPatienceWhileOpeningAndNotWhileFlowing) {
  client_.connect(now_);
  client_.tick(now_ + Milliseconds(99));
  EXPECT_EQ(client_.phase(), Phase::opening);
  client_.tick(now_ + Milliseconds(100));
  EXPECT_EQ(client_.phase(), Phase::disconnected);
  flow();
  client_.tick(now_ + Milliseconds(100000));
  EXPECT_EQ(client_.phase(), Phase::flowing);
}

TEST_F(ClientStreamTest, AGapInTheOutcomesBreaksTheStream) {
  client_.submit(octets("one"));
  client_.submit(octets("two"));
  flow();
  tell(Outcomes{{{BatchNumber(2), "o2"}}});
  EXPECT_EQ(client_.phase(), Phase::disconnected);
}

TEST_F(ClientStreamTest, EndedDecidesEverythingAndIsFinal) {
  client_.submit(octets("one"));
  client_.submit(octets("two"));
  flow();
  tell(Ended{BatchNumber(1), {{BatchNumber(1), "o1"}}});
  ClientReady ready = client_.take_ready();
  ASSERT_EQ(ready.happenings.size(), 3u);
  EXPECT_EQ(std::get<Decided>(ready.happenings[0]), (Decided{BatchNumber(1), "o1"}));
  EXPECT_EQ(std::get<Decided>(ready.happenings[1]), (Decided{BatchNumber(2), std::nullopt}));
  EXPECT_TRUE(std::holds_alternative<SessionEnded>(ready.happenings[2]));
  client_.connect(now_);
  EXPECT_FALSE(client_.has_ready());
  EXPECT_TRUE(client_.full());
}

}  // namespace
}  // namespace warren::session
