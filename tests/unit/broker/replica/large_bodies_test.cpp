// Bodies in parts between a GroupClient and a QueueHost.
#include "tests/unit/broker/replica/link_fixture.h"

namespace warren::replica {
namespace {

class LargeLink : public Link {
 protected:
  static constexpr UploadId upload = upload_of(1, 0);  // the channel's

  void part(std::string_view octets, std::uint64_t tag = 0) {
    client.submit({ClientCommand(Part{{1, tag}, upload, content_of(octets)})}, now);
  }
  void commit(std::string_view end, std::uint64_t upload_octets, std::uint64_t tag = 0) {
    Publish p;
    p.origin = {1, tag};
    p.content = content_of(end);
    p.upload = upload;
    p.upload_octets = upload_octets;
    p.queues.push_back(q);
    client.submit({ClientCommand(p)}, now);
  }
  static Content content_of(std::string_view octets) {
    Bytes bytes = Bytes::copy_of(octets);
    return {bytes.owner(), {}, {}, {}, bytes.view()};
  }
  std::string body_of(const Delivery& delivery) {
    std::string body;
    for (const BodyPart& one : delivery.parts) {
      client.fetch(
          one.at,
          [&](const Result<std::optional<Bytes>>& octets) {
            body += octets && *octets ? (*octets)->view() : "[gone]";
          },
          now);
      settle();
    }
    return body + std::string(delivery.content.body);
  }
  const LargeBodies& large() { return leader.state.machine().large_bodies(); }
};

TEST_F(LargeLink, ABodyInPartsIsFetchedPartByPart) {
  part("Hello, ", 4);
  part("large ", 5);
  commit("world", 13, 6);
  settle();
  ASSERT_EQ(outcomes.size(), 3u);
  EXPECT_EQ(outcomes[2].origin.tag, 6u);
  consume(1);
  ASSERT_EQ(deliveries.size(), 1u);
  EXPECT_EQ(deliveries[0].content.body, "world");
  EXPECT_EQ(body_of(deliveries[0]), "Hello, large world");
  ack(deliveries[0]);
  settle();
  EXPECT_FALSE(large().keeps_any());
  EXPECT_EQ(leader.state.machine().live_entries().size(), 0u);
}

TEST_F(LargeLink, PartsThatAreNotCachedAreRead) {
  const std::string mib(1u << 20, 'm');
  for (int i = 0; i < 40; ++i)
    part(mib), settle();
  commit("end", 40u << 20);
  settle();
  consume(1);
  ASSERT_EQ(deliveries.size(), 1u);
  ASSERT_EQ(deliveries[0].parts.size(), 40u);
  EXPECT_EQ(body_of(deliveries[0]).size(), (40u << 20) + 3);
}

TEST_F(LargeLink, ClosingTheChannelDropsItsUpload) {
  part("never ended");
  settle();
  EXPECT_EQ(large().upload_count(), 1u);
  EXPECT_FALSE(client.idle());
  bool closed = false;
  client.close_channel(1, [&] { closed = true; }, now);
  settle();
  EXPECT_TRUE(closed);
  EXPECT_EQ(large().upload_count(), 0u);
  EXPECT_EQ(leader.state.machine().live_entries().size(), 0u);
}

TEST_F(LargeLink, ClosingTheChannelKeepsAMessageThatIsWhole) {
  part("whole, ");
  commit("and published", 7);
  client.close_channel(1, [] {}, now);
  settle();
  EXPECT_EQ(unsettled(), 1u);
}

TEST_F(LargeLink, AnUploadGoesOnUnderTheNextLeader) {
  part("a");
  settle();
  leader.lead(Term(2), now);
  part("b");
  settle();
  client.connect(now);
  settle();
  commit("c", 2, 9);
  settle();
  EXPECT_EQ(outcomes.back().outcome.code, OutcomeCode::ok);
  consume(1);
  ASSERT_EQ(deliveries.size(), 1u);
  leader.lead(Term(3), now);
  settle();
  client.connect(now);
  settle();
  EXPECT_EQ(body_of(deliveries[0]), "abc");
}

TEST_F(LargeLink, WhatEndedWithItsSessionIsNotTakenForTheWhole) {
  commit("the end only", 7, 9);
  settle();
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].outcome.code, OutcomeCode::rejected);
  EXPECT_EQ(unsettled(), 0u);
}

TEST_F(LargeLink, APartThatIsNotThereIsGone) {
  for (std::uint64_t entry : {std::uint64_t{2}, leader.last, std::uint64_t{1} << 60}) {
    std::optional<Result<std::optional<Bytes>>> got;
    client.fetch(
        {EntryIndex(entry), Slot(7)}, [&](Result<std::optional<Bytes>> octets) { got = octets; },
        now);
    settle();
    ASSERT_TRUE(got && *got);
    EXPECT_FALSE(**got);
  }
}

TEST_F(LargeLink, AGetBringsTheParts) {
  part("got ");
  commit("it", 4);
  settle();
  std::optional<Result<GetReply>> got;
  client.get({{1, 9}, q, false}, [&](Result<GetReply> r) { got = std::move(r); }, now);
  settle();
  ASSERT_TRUE(got && *got && (*got)->delivery);
  EXPECT_EQ(body_of(*(*got)->delivery), "got it");
}

}  // namespace
}  // namespace warren::replica
