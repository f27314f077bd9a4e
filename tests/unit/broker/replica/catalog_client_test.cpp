#include "broker/replica/catalog_client.h"

#include <gtest/gtest.h>

#include "broker/replica/catalog_codec.h"

namespace warren::replica {
namespace {

using namespace std::chrono_literals;

class CatalogClientTest : public ::testing::Test {
 protected:
  void define(BootTime at = BootTime(0)) {
    client.define(
        catalog::DeleteQueue{QueueId(1)},
        [this](Result<catalog::Outcome> result) { answers.push_back(std::move(result)); }, at);
  }
  CatalogClientReady pump() {
    CatalogClientReady ready = client.take_ready();
    for (auto& answer : std::exchange(ready.answers, {}))
      answer();
    return ready;
  }
  void flow() {
    client.connect(BootTime(0));
    tell(session::Opened{BatchNumber(0), BatchNumber(1)});
    tell(session::AttachReply{});
    pump();
  }
  void tell(session::ClientBody body) {
    client.on_message({session, session::StreamEpoch(1), std::move(body)}, BootTime(0));
  }
  static std::string outcome_octets(std::uint64_t index) {
    catalog::Outcome outcome;
    outcome.index = CatalogIndex(index);
    return encode_catalog_outcomes(std::span(&outcome, 1));
  }

  const SessionId session{NodeId(1), Incarnation(5)};
  CatalogClient client{session, 15s, session::ClientLimits{.window = 2}};
  std::vector<Result<catalog::Outcome>> answers;
};

TEST_F(CatalogClientTest, AnswersWithTheOutcomeOfItsBatch) {
  flow();
  define();
  EXPECT_EQ(pump().messages.size(), 1u);
  tell(session::Outcomes{{{BatchNumber(1), outcome_octets(7)}}});
  pump();
  ASSERT_EQ(answers.size(), 1u);
  ASSERT_TRUE(answers[0]);
  EXPECT_EQ(answers[0]->index, CatalogIndex(7));
}

TEST_F(CatalogClientTest, IsAnsweredOnceWhenItsTimeIsUpWhateverComesLater) {
  flow();
  define();
  client.tick(15s);
  pump();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].error().code, ReplyCode::internal_error);
  tell(session::Outcomes{{{BatchNumber(1), outcome_octets(7)}}});
  pump();
  EXPECT_EQ(answers.size(), 1u);
}

TEST_F(CatalogClientTest, BeyondTheWindowOneWaitsAndIsSentWhenThereIsRoom) {
  flow();
  for (int i = 0; i < 3; ++i)
    define();
  EXPECT_EQ(pump().messages.size(), 2u);
  tell(session::Outcomes{{{BatchNumber(1), outcome_octets(7)}}});
  EXPECT_EQ(pump().messages.size(), 1u);
}

TEST_F(CatalogClientTest, EverybodyIsAnsweredWhenTheSessionIsGivenUp) {
  flow();
  for (int i = 0; i < 3; ++i)
    define();
  client.abandon();
  EXPECT_TRUE(pump().ended);
  EXPECT_EQ(answers.size(), 3u) << "those that were never sent, too";
  define();
  pump();
  ASSERT_EQ(answers.size(), 4u);
  EXPECT_EQ(answers[3].error().code, ReplyCode::connection_forced);
}

}  // namespace
}  // namespace warren::replica
