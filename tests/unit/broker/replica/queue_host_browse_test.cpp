// A stream's messages, read without a consumer.
#include "tests/unit/broker/replica/link_fixture.h"

namespace warren::replica {
namespace {

class Browse : public Link {
 protected:
  void SetUp() override {
    q = fixture.declare("log", false, {{"x-queue-type", "longstr", "stream"}});
    tell();
    for (int i = 0; i < 6; ++i) {
      publish(std::string(10, static_cast<char>('0' + i)));
      settle();
    }
  }
  void tell() {
    leader.set_catalog(fixture.snapshot(), {});
    client.set_catalog_index(fixture.index());
  }
  void ask(std::uint64_t from) {
    page.reset();
    client.browse(q, Ordinal(from), [this](Result<BrowsedPage> p) { page = std::move(p); }, now);
  }
  // The first octet of each body.
  std::string read(std::uint64_t from) {
    ask(from);
    settle();
    return bodies();
  }
  std::string bodies() const {
    std::string all;
    if (!page || !*page) return "nothing";
    for (const Delivery& delivery : (*page)->messages)
      all += delivery.content.body.substr(0, 1);
    return all;
  }
  void again() {
    leader.lead(Term(2), now);
    client.connect(now);
  }

  std::optional<Result<BrowsedPage>> page;
};

TEST_F(Browse, ReadsFromThereOnAndTakesNothing) {
  const std::uint64_t entries = leader.last;
  EXPECT_EQ(read(0), "012345");
  EXPECT_EQ((*page)->next, Ordinal(6));
  EXPECT_EQ((*page)->end, Ordinal(6));
  EXPECT_EQ((*page)->messages[5].offset, Ordinal(5));
  EXPECT_EQ(read(4), "45");
  EXPECT_EQ(read(6), "");
  EXPECT_EQ((*page)->next, Ordinal(6));
  EXPECT_EQ(unsettled(), 6u);
  EXPECT_EQ(leader.last, entries) << "the log knows nothing of it";
}

TEST_F(Browse, APageHasABoundOfOctetsMessagesAndEntries) {
  leader.config.page_octets = 25;
  again();
  EXPECT_EQ(read(0), "01");
  EXPECT_EQ((*page)->next, Ordinal(2));
  EXPECT_EQ((*page)->end, Ordinal(6));
  EXPECT_EQ(read(2), "23");
  leader.config.page_octets = 1;
  again();
  EXPECT_EQ(read(2), "2") << "one at least";
  leader.config.page_octets = 1000;
  leader.config.page_messages = 3;
  again();
  EXPECT_EQ(read(1), "123");
  leader.config.reads = 4;
  leader.config.page_messages = 1000;
  again();
  EXPECT_EQ(read(0), "0123");
}

TEST_F(Browse, PassesOverWhatWentWhileItWasRead) {
  leader.config.cache_bytes = 0;
  again();
  settle();
  leader.slow_disk = true;
  EXPECT_EQ(read(0), "nothing") << "it waits";
  ASSERT_EQ(leader.reads.size(), 6u);
  leader.all[leader.reads[0]] = nullptr;
  leader.all[leader.reads[3]] = nullptr;
  leader.slow_disk = false;
  settle();
  EXPECT_EQ(bodies(), "1245");
  EXPECT_EQ((*page)->next, Ordinal(6));
}

TEST_F(Browse, IsAnsweredByTheNextLeader) {
  leader.config.cache_bytes = 0;
  again();
  settle();
  leader.slow_disk = true;
  ask(0);
  settle();
  leader.reads.clear();
  leader.slow_disk = false;
  leader.lead(Term(3), now);
  settle();
  EXPECT_EQ(bodies(), "nothing");
  client.connect(now);
  settle();
  EXPECT_EQ(bodies(), "012345");
}

TEST_F(Browse, SeesWhatWasSubmittedBefore) {
  publish("6");
  ask(5);
  settle();
  EXPECT_EQ(bodies(), "5") << "no batch as yet: its outcome is to be awaited";
  EXPECT_EQ(read(5), "56");
}

TEST_F(Browse, OfAQueueThatNothingWasPublishedToIsEmpty) {
  q = fixture.declare("fresh", false, {{"x-queue-type", "longstr", "stream"}});
  tell();
  EXPECT_EQ(read(0), "");
  EXPECT_EQ((*page)->end, Ordinal(0));
}

TEST_F(Browse, OfWhatIsNoStreamOrIsGoneIsAnError) {
  q = fixture.declare("plain");
  tell();
  read(0);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->error().code, ReplyCode::not_found);
  q = QueueId(1);
  read(0);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->error().code, ReplyCode::not_found);
}

TEST_F(Browse, TellsADeadLetterFromOthers) {
  Publish p;
  Bytes octets("x");
  p.content.owner = octets.owner();
  p.content.body = octets.view();
  p.content.dead_letter = true;
  p.queues.push_back(q);
  client.submit({ClientCommand(p)}, now);
  settle();
  EXPECT_EQ(read(5), "5x");
  EXPECT_FALSE((*page)->messages[0].content.dead_letter);
  EXPECT_TRUE((*page)->messages[1].content.dead_letter);
}

}  // namespace
}  // namespace warren::replica
