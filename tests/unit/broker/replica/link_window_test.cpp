// What bounds the octets between a front end and a leader, in either direction.
#include "tests/unit/broker/replica/link_fixture.h"

namespace warren::replica {
namespace {

// The disk is slow: a little is taken all the time, and no more while it waits.
TEST_F(Link, OldBatchesStopPublishersBeforeTheBoundOfOctets) {
  publish(std::string(300u << 10, 'x'));
  client.turn(now);
  EXPECT_TRUE(client.writable());
  now += 300ms;
  client.turn(now);
  EXPECT_FALSE(client.writable());
  settle();
  EXPECT_TRUE(client.writable());
  EXPECT_EQ(writable, 1);
}

TEST_F(Link, WithoutALeaderTimeSaysNothing) {
  client.disconnect(NodeId());
  publish(std::string(300u << 10, 'x'));
  now += 5s;
  client.turn(now);
  EXPECT_TRUE(client.writable());
}

TEST_F(Link, ClientsOfOneReactorShareARoom) {
  GroupClientConfig config;
  config.publish_room = std::make_shared<PublishRoom>(1u << 20);
  GroupClient mine({NodeId(1), fixture.incarnation()}, config, *this);
  {
    GroupClient other({NodeId(1), fixture.incarnation()}, config, *this);
    Publish p;
    Bytes octets = Bytes::copy_of(std::string(900u << 10, 'x'));
    p.content.owner = octets.owner();
    p.content.body = octets.view();
    p.queues.push_back(q);
    other.submit({ClientCommand(p)}, now);
    EXPECT_TRUE(other.writable());
    p.content.body = octets.view().substr(0, 200u << 10);
    mine.submit({ClientCommand(p)}, now);
    EXPECT_FALSE(other.writable());
    EXPECT_TRUE(mine.writable());  // its own share is small: nobody is shut out
    mine.submit({ClientCommand(p)}, now);
    EXPECT_FALSE(mine.writable());
  }
  EXPECT_TRUE(mine.writable());
  mine.turn(now);
  EXPECT_EQ(writable, 1);
}

// However much it holds unacknowledged: what counts is what its socket has not taken.
TEST_F(Link, ConsumerIsHandedMoreAsItsSocketTakes) {
  leader.config.dispatcher.window_octets = 1000;
  leader.config.dispatcher.message_octets = 0;
  leader.lead(Term(2), now);
  settle();
  client.connect(now);
  settle();
  ConsumerNumber number = consume(0);
  for (int i = 0; i < 50; ++i)
    publish(std::string(100, 'x'));
  settle();
  ASSERT_EQ(deliveries.size(), 10u);
  client.taken(number, 4, now);
  settle();
  EXPECT_EQ(deliveries.size(), 14u);
  ack(deliveries[0]);
  settle();
  EXPECT_EQ(deliveries.size(), 14u);
  client.taken(number, 10, now);
  settle();
  EXPECT_EQ(deliveries.size(), 24u);
  EXPECT_EQ(leader.host->dispatcher().broken_invariant(), "");
  // A new stream begins with nothing on its way.
  client.disconnect(NodeId());
  client.connect(now);
  settle();
  EXPECT_EQ(deliveries.size(), 34u);
}

// Those who do not read share what may be on its way to their node.
TEST_F(Link, ManySlowConsumersOfASessionGetSmallerWindows) {
  leader.config.dispatcher.window_octets = 1000;
  leader.config.dispatcher.tight_window_octets = 200;
  leader.config.dispatcher.session_octets = 2000;
  leader.config.dispatcher.message_octets = 0;
  leader.lead(Term(2), now);
  settle();
  client.connect(now);
  settle();
  std::vector<ConsumerNumber> numbers;
  for (int i = 0; i < 10; ++i)
    numbers.push_back(consume(0));
  for (int i = 0; i < 300; ++i)
    publish(std::string(100, 'x'));
  settle();
  EXPECT_LT(deliveries.size(), 45u);
  EXPECT_GE(deliveries.size(), 20u);
  EXPECT_EQ(leader.host->dispatcher().broken_invariant(), "");
  // Each goes on as its own socket takes.
  for (std::size_t before = 0; before != deliveries.size();) {
    before = deliveries.size();
    client.taken(numbers[3], 100, now);
    settle();
  }
  std::size_t mine = 0;
  for (const Delivery& one : deliveries)
    mine += one.consumer == numbers[3] ? 1 : 0;
  EXPECT_EQ(deliveries.size(), 300u);
  EXPECT_GT(mine, 200u);
}

}  // namespace
}  // namespace warren::replica
