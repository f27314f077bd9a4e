// What a transaction gives to one group: one batch, one entry, whatever befalls.
#include "tests/unit/broker/replica/link_fixture.h"

namespace warren::replica {
namespace {

class WholeLink : public Link {
 protected:
  ClientCommand message(std::size_t octets, std::uint64_t tag) {
    Publish p;
    p.origin = {1, tag};
    const Bytes body(std::string(octets, 'x'));
    p.content = {body.owner(), {}, {}, {}, body.view()};
    p.queues.push_back(q);
    return p;
  }
  std::vector<ClientCommand> messages(std::size_t count, std::size_t octets) {
    std::vector<ClientCommand> commands;
    for (std::uint64_t tag = 1; tag <= count; ++tag)
      commands.push_back(message(octets, tag));
    return commands;
  }
  std::size_t batches_sent() {
    return static_cast<std::size_t>(std::ranges::count_if(to_host, [](const auto& message) {
      return std::holds_alternative<session::Batch>(message.body);
    }));
  }
  // The entries that hold what the queue holds.
  std::set<EntryIndex> entries() {
    consume(0);
    std::set<EntryIndex> found;
    for (const Delivery& delivery : deliveries)
      found.insert(delivery.held.message.entry);
    return found;
  }
};

TEST_F(WholeLink, IsOneBatchHoweverLarge) {
  client.submit(messages(5, 600'000), now);
  client.turn(now);
  EXPECT_EQ(batches_sent(), 3u);
  settle();
  client.submit_whole(messages(5, 600'000), now);
  client.turn(now);
  EXPECT_EQ(batches_sent(), 1u);
  settle();
  EXPECT_EQ(outcomes.size(), 10u);
  EXPECT_EQ(unsettled(), 10u);
}

TEST_F(WholeLink, IsNotTornByWhatIsAroundIt) {
  client.submit({message(900'000, 11)}, now);
  client.submit_whole(messages(3, 300'000), now);
  client.submit({message(10, 12)}, now);
  settle();
  ASSERT_EQ(outcomes.size(), 5u);
  consume(0);
  ASSERT_EQ(deliveries.size(), 5u);
  EXPECT_EQ(deliveries[1].held.message.entry, deliveries[2].held.message.entry);
  EXPECT_EQ(deliveries[2].held.message.entry, deliveries[3].held.message.entry);
}

// Between the commits of two groups: this group's leader has the batch, and dies with it.
TEST_F(WholeLink, IsAppliedOnceAndWholeByTheNextLeader) {
  leader.slow_log = true;
  client.submit_whole(messages(4, 500'000), now);
  settle();
  ASSERT_FALSE(leader.proposed.empty());
  EXPECT_TRUE(outcomes.empty());
  leader.proposed.clear();  // never committed
  leader.slow_log = false;
  leader.lead(Term(2), now);
  settle();
  EXPECT_EQ(unsettled(), 0u);
  client.connect(now);
  settle();
  ASSERT_EQ(outcomes.size(), 4u);
  for (const CommandOutcome& outcome : outcomes)
    EXPECT_EQ(outcome.outcome.code, OutcomeCode::ok);
  EXPECT_EQ(unsettled(), 4u);
  EXPECT_EQ(entries().size(), 1u);
}

// The same, but it was committed, and only the answer was lost.
TEST_F(WholeLink, IsNotAppliedAgainWhenOnlyTheAnswerWasLost) {
  client.submit_whole(messages(4, 500'000), now);
  client.turn(now);
  while (!to_host.empty()) {
    leader.host->on_message(std::move(to_host.front()), now);
    to_host.pop_front();
  }
  leader.turn(now);
  leader.to_client.clear();
  EXPECT_EQ(unsettled(), 4u);
  leader.lead(Term(2), now);
  settle();
  client.connect(now);
  settle();
  EXPECT_EQ(outcomes.size(), 4u);
  EXPECT_EQ(unsettled(), 4u);
  EXPECT_EQ(entries().size(), 1u);
}

TEST_F(WholeLink, TimesOutWithoutAMajorityAndIsWholeWhenItComesAfterAll) {
  leader.slow_log = true;
  client.submit_whole(messages(3, 10), now);
  settle();
  now += 15s;
  settle();
  ASSERT_EQ(outcomes.size(), 3u);
  for (const CommandOutcome& outcome : outcomes)
    EXPECT_EQ(outcome.outcome.code, OutcomeCode::timed_out);
  leader.slow_log = false;
  settle();
  EXPECT_EQ(outcomes.size(), 3u);
  EXPECT_EQ(entries().size(), 1u);
  EXPECT_EQ(deliveries.size(), 3u);
}

TEST_F(WholeLink, UploadsOfAChannelAreDroppedOneByOneOrTogether) {
  for (std::uint32_t number : {1u, 2u, 3u}) {
    const Bytes octets(std::string(100, 'p'));
    Part part{{1, 0}, upload_of(1, number), {octets.owner(), {}, {}, {}, octets.view()}};
    client.submit({ClientCommand(part)}, now);
  }
  const LargeBodies& large = leader.state.machine().large_bodies();
  settle();
  EXPECT_EQ(large.upload_count(), 3u);
  client.submit({ClientCommand(DropUpload{{1, 0}, upload_of(1, 2)})}, now);
  settle();
  EXPECT_EQ(large.upload_count(), 2u);
  client.close_channel(1, [] {}, now);
  settle();
  EXPECT_EQ(large.upload_count(), 0u);
}

}  // namespace
}  // namespace warren::replica
