// Dead letters between a host, its log, and whoever publishes them.
#include "tests/unit/broker/replica/link_fixture.h"

namespace warren::replica {
namespace {

class HostLetters : public Link {
 protected:
  HostLetters() {
    catalog::DeclareQueue declare;
    declare.vhost = "/";
    declare.name = "dying";
    declare.durable = true;
    declare.node = NodeId(1);
    declare.incarnation = fixture.incarnation();
    declare.arguments = {{"x-dead-letter-exchange", "longstr", "dlx"}};
    q = fixture.run(declare).queue;
    leader.set_catalog(fixture.snapshot(), {});
    client.set_catalog_index(fixture.index());
  }
  // Published and rejected.
  void bury(std::string_view body) {
    publish(body);
    settle();
    if (!consumed) consume(100);
    ack(deliveries.back(), SettleKind::reject);
    settle();
  }
  std::vector<DeadLetterJob> given() { return std::exchange(leader.letters, {}); }
  void answer(const DeadLetterJob& job, bool done) {
    const DeadLetterAnswer one{job.queue, job.number, done, {}};
    leader.host->on_dead_letter_answers(std::span(&one, 1), now);
    settle();
  }
  const DeadLetters& dead() { return leader.state.machine().dead_letters(); }
};

TEST_F(HostLetters, AreGivenOnceAndDoneWhenAnswered) {
  bury("m");
  auto jobs = given();
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_EQ(jobs[0].content.body, "m");
  EXPECT_EQ(jobs[0].reason, DeathReason::rejected);
  EXPECT_EQ(jobs[0].route, (DeadLettering{"/", "dying", "dlx", std::nullopt, false}));
  EXPECT_GT(jobs[0].died, Stamp(0));
  settle();
  EXPECT_TRUE(given().empty());
  answer(jobs[0], true);
  EXPECT_TRUE(dead().empty());
  EXPECT_EQ(leader.state.machine().live_entries().size(), 0u);
}

TEST_F(HostLetters, ComeAgainWhenTheyCouldNotGo) {
  bury("m");
  const auto jobs = given();
  answer(jobs.at(0), false);
  EXPECT_TRUE(given().empty());
  now += DeadLetterLimits().pause;
  settle();
  EXPECT_EQ(given().size(), 1u);
}

TEST_F(HostLetters, TheNextLeaderGivesThemAgain) {
  bury("m");
  const auto jobs = given();
  leader.lead(Term(2), now);
  settle();
  ASSERT_EQ(given().size(), 1u);
  answer(jobs.at(0), true);
  EXPECT_TRUE(dead().empty());
}

TEST_F(HostLetters, ALeaderThatMayBeReplacedGivesNothing) {
  leader.cut_off = true;
  now += 10s;
  publish("m");
  settle();
  leader.state.apply_no_op(EntryIndex(++leader.last), Term(1));
  Effects effects;
  const auto* record = leader.state.machine().find(q);
  ASSERT_NE(record, nullptr);
  QueueEntry entry;
  entry.stamp = Stamp(5000);
  std::vector<MessageId> all;
  record->messages.for_each([&](const Message& message) {
    all.push_back(message.id);
    return true;
  });
  entry.expels = {{q, DeathReason::expired, all}};
  leader.proposed.push_back(encode_entry(entry));
  leader.turn(now);
  EXPECT_EQ(dead().size(), 1u);
  EXPECT_TRUE(given().empty());
  leader.cut_off = false;
  leader.turn(now);
  EXPECT_EQ(given().size(), 1u);
}

TEST_F(HostLetters, OctetsThatAreOutOfReachKeepTheLetter) {
  leader.slow_disk = true;
  bury("m");
  const EntryIndex entry =
      given().at(0).content.body == "m" ? EntryIndex(leader.last) : EntryIndex();
  ASSERT_TRUE(entry);
  leader.all.clear();
  leader.config.cache_bytes = 0;
  leader.lead(Term(2), now);
  leader.slow_disk = false;
  settle();
  EXPECT_TRUE(given().empty());
  EXPECT_EQ(dead().size(), 1u);
}

}  // namespace
}  // namespace warren::replica
