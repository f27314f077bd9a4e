// Consumers of streams over the link: what they hold is known to their client alone.
#include "tests/unit/broker/replica/link_fixture.h"

namespace warren::replica {
namespace {

class StreamLink : public Link {
 protected:
  void SetUp() override {
    q = fixture.declare("log", false, {{"x-queue-type", "longstr", "stream"}});
    leader.set_catalog(fixture.snapshot(), {});
    client.set_catalog_index(fixture.index());
    for (int i = 0; i < 6; ++i)
      publish(std::to_string(i));
    settle();
  }
  static StreamReading from_first() { return {.from = StreamPoint::first, .filters = {}}; }
  std::vector<std::uint64_t> offsets() const {
    std::vector<std::uint64_t> all;
    for (const Delivery& delivery : deliveries)
      all.push_back(delivery.offset.value_or(Ordinal(999)).value);
    return all;
  }
  void acknowledge(ConsumerNumber number, std::initializer_list<std::uint64_t> which) {
    std::vector<Ordinal> read;
    for (std::uint64_t one : which)
      read.push_back(Ordinal(one));
    client.acknowledge(number, read, now);
    settle();
  }
  void reconnect() {
    client.connect(now);
    settle();
  }
};

using Offsets = std::vector<std::uint64_t>;

TEST_F(StreamLink, AcknowledgingGivesCreditAndCostsTheLogNothing) {
  const ConsumerNumber number = consume(2, from_first());
  EXPECT_EQ(offsets(), (Offsets{0, 1}));
  const std::uint64_t entries = leader.last;
  acknowledge(number, {1});
  EXPECT_EQ(offsets(), (Offsets{0, 1, 2}));
  acknowledge(number, {1, 7, 2, 0});
  EXPECT_EQ(offsets(), (Offsets{0, 1, 2, 3, 4})) << "what is acknowledged twice counts once";
  EXPECT_EQ(leader.last, entries);
  EXPECT_EQ(unsettled(), 6u);
}

TEST_F(StreamLink, AnotherLeaderGoesOnBehindWhatWasDelivered) {
  const ConsumerNumber number = consume(3, from_first());
  acknowledge(number, {0});
  ASSERT_EQ(offsets(), (Offsets{0, 1, 2, 3}));
  leader.lead(Term(2), now);
  reconnect();
  EXPECT_EQ(offsets(), (Offsets{0, 1, 2, 3})) << "three are held still";
  acknowledge(number, {1, 2, 3});
  EXPECT_EQ(offsets(), (Offsets{0, 1, 2, 3, 4, 5}));
}

TEST_F(StreamLink, WhatIsAcknowledgedWithoutALeaderCounts) {
  const ConsumerNumber number = consume(2, from_first());
  client.disconnect(NodeId());
  acknowledge(number, {0, 1});
  reconnect();
  EXPECT_EQ(offsets(), (Offsets{0, 1, 2, 3}));
}

// What is sent again after the change comes before the attach: to who asks anew for the next, it
// would be of the past.
TEST_F(StreamLink, WhereNextWasIsKnownToTheClient) {
  consume(10, StreamReading{});
  EXPECT_TRUE(deliveries.empty());
  publish("on its way");
  client.turn(now);
  to_host.clear();
  client.disconnect(NodeId());
  leader.lead(Term(2), now);
  reconnect();
  EXPECT_EQ(offsets(), (Offsets{6}));
}

TEST_F(StreamLink, ADeliveryThatIsLostOnTheWayIsMissedAtTheNextOne) {
  const ConsumerNumber number = consume(2, from_first());
  client.acknowledge(number, std::vector{Ordinal(0)}, now);
  client.turn(now);
  while (!to_host.empty()) {
    leader.host->on_message(std::move(to_host.front()), now);
    to_host.pop_front();
  }
  leader.turn(now);
  std::erase_if(leader.to_client, [](const session::ToClient& message) {
    return std::holds_alternative<session::Event>(message.body);
  });
  settle();
  ASSERT_EQ(offsets(), (Offsets{0, 1}));
  acknowledge(number, {1});
  reconnect();
  EXPECT_EQ(offsets(), (Offsets{0, 1, 2, 3}));
}

// The claim is on its way already, and does not say it.
TEST_F(StreamLink, WhatIsAcknowledgedWhileItAttachesCounts) {
  const ConsumerNumber number = consume(1, from_first());
  ASSERT_EQ(offsets(), (Offsets{0}));
  client.connect(now);
  while (client.phase() != session::ClientStream::Phase::attaching) {
    client.turn(now);
    while (!to_host.empty()) {
      leader.host->on_message(std::move(to_host.front()), now);
      to_host.pop_front();
    }
    leader.turn(now);
    ASSERT_FALSE(leader.to_client.empty());
    client.on_message(std::move(leader.to_client.front()), now);
    leader.to_client.pop_front();
  }
  client.acknowledge(number, std::vector{Ordinal(0)}, now);
  settle();
  EXPECT_EQ(offsets(), (Offsets{0, 1}));
}

TEST_F(StreamLink, WhatIsAcknowledgedAfterTheCancelIsRemembered) {
  StreamReading tracked = from_first();
  tracked.tracked = true;
  const ConsumerNumber number = consume(4, tracked);
  client.cancel(number, [] {}, now);
  client.acknowledge(number, std::vector{Ordinal(0)}, now);  // while it is under way
  settle();
  acknowledge(number, {1, 2});
  now += 250ms;
  settle();
  EXPECT_EQ(leader.state.machine().find(q)->stream->read_through("reader"), Ordinal(3));
  EXPECT_FALSE(client.idle());
  acknowledge(number, {3});
  EXPECT_TRUE(client.idle());
}

TEST_F(StreamLink, AFilterPassesOverTheRestAndReadsOn) {
  const std::string headers(
      "\x15x-stream-filter-valueS\0\0\0\x03"
      "odd",
      22 + 5 + 3);
  std::string properties("\x20\x00\0\0\0", 5);
  properties += static_cast<char>(headers.size());
  properties += headers;
  for (int i = 0; i < 10; ++i) {
    Publish p;
    Bytes octets = Bytes::copy_of(std::to_string(i));
    p.content.owner = octets.owner();
    p.content.body = octets.view();
    if (i % 2 == 1) p.content.properties = properties;
    p.queues.push_back(q);
    client.submit({ClientCommand(p)}, now);
  }
  settle();
  StreamReading odd = from_first();
  odd.filters = {"even", "odd"};
  const ConsumerNumber number = consume(1, odd);
  acknowledge(number, {7});
  acknowledge(number, {9});
  EXPECT_EQ(offsets(), (Offsets{7, 9, 11}));
  odd.match_unfiltered = true;
  odd.from = StreamPoint::offset;
  odd.at = 12;
  deliveries.clear();
  consume(10, odd);
  EXPECT_EQ(offsets(), (Offsets{12, 13, 14, 15}));
}

TEST_F(StreamLink, ATagIsRememberedByTheLogAndNotMoreOftenThanItMust) {
  StreamReading tracked = from_first();
  tracked.tracked = true;
  const ConsumerNumber number = consume(10, tracked);
  now += 250ms;
  settle();
  const std::uint64_t entries = leader.last;
  acknowledge(number, {0});
  acknowledge(number, {1, 2});
  EXPECT_EQ(leader.last, entries);
  now += 250ms;
  settle();
  EXPECT_EQ(leader.last, entries + 1);
  EXPECT_EQ(leader.state.machine().find(q)->stream->read_through("reader"), Ordinal(3));
  acknowledge(number, {3});
  client.cancel(number, [] {}, now);
  settle();
  EXPECT_EQ(leader.state.machine().find(q)->stream->read_through("reader"), Ordinal(4))
      << "at once when it goes";
}

}  // namespace
}  // namespace warren::replica
