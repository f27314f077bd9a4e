// A member whose store lost the tail of its log, while nobody leads.
#include <optional>

#include "raft/configuration.h"
#include "tests/unit/raft/fixture.h"

namespace warren::raft {
namespace {

class AbstentionTest : public RaftTest {
 protected:
  // Member 1 of three, with entry 1 and a tail that is torn.
  Raft torn() {
    {
      founded(3);
    }
    StoredGroup stored = *store_.stored(group, member(1));
    stored.abstain = true;
    return Raft(config_, stored, store_);
  }
  // Until it asks; what it asks.
  std::vector<Message> inquiries(Raft& raft) {
    std::vector<Message> asked;
    for (std::uint32_t i = 0; i < config_.election_max_ticks && asked.empty(); ++i) {
      raft.tick();
      for (Message& message : take(raft).messages)
        if (message.kind == MessageKind::tail_inquiry) asked.push_back(std::move(message));
    }
    return asked;
  }
  // What it asks once its new term is durable.
  std::vector<Message> binding(Raft& raft) {
    std::vector<Message> asked;
    const auto keep = [&asked](std::vector<Message>& messages) {
      for (Message& message : messages)
        if (message.kind == MessageKind::tail_inquiry) asked.push_back(std::move(message));
    };
    Ready ready = take(raft);
    keep(ready.messages);
    keep(ready.messages_after_write);
    sync(raft);
    for (const Message& one : asked)
      EXPECT_TRUE(one.binding);
    return asked;
  }
  // The answers, and the same once they bind.
  void answer_twice(Raft& raft, const std::vector<Message>& answers) {
    for (const Message& one : answers)
      raft.step(one);
    EXPECT_TRUE(raft.status().abstaining) << "the answers do not bind yet";
    const std::vector<Message> asked = binding(raft);
    ASSERT_EQ(asked.size(), answers.size());
    for (Message one : answers) {
      one.binding = true;
      one.round = asked[0].round;
      one.term = std::max(one.term, asked[0].term);
      raft.step(one);
    }
  }
  Message answer(std::uint32_t node, Term term, Index durable, Term durable_term,
                 std::uint64_t round, std::optional<Configuration> known = std::nullopt) {
    Message message = from(node, MessageKind::tail_answer, term);
    message.index = durable;
    message.log_term = durable_term;
    message.commit = Index(1);
    message.round = round;
    message.entries.push_back(
        {Term(), Index(1), EntryKind::configuration,
         std::make_shared<const std::string>(encode_configuration(known ? *known : voters(3)))});
    return message;
  }
};

TEST_F(AbstentionTest, NeitherVotesNorCampaigns) {
  Raft raft = torn();
  for (int i = 0; i < 1000; ++i)
    raft.tick();
  EXPECT_EQ(raft.role(), Role::follower);
  raft.step(asking(from(2, MessageKind::vote_request, Term(2)), Index(9), Term(1)));
  EXPECT_EQ(raft.vote(), MemberId());
  EXPECT_TRUE(raft.status().abstaining);
}

TEST_F(AbstentionTest, AfterAllAnsweredItVotesForNoLesserLogThanTheirs) {
  Raft raft = torn();
  auto asked = inquiries(raft);
  ASSERT_EQ(asked.size(), 2u);
  answer_twice(raft, {answer(2, Term(4), Index(4), Term(3), asked[0].round),
                      answer(3, Term(3), Index(5), Term(3), asked[1].round)});
  EXPECT_EQ(raft.term(), Term(5));
  EXPECT_TRUE(raft.status().abstaining) << "until it has what it may have acknowledged";
  for (int i = 0; i < 1000; ++i)
    raft.tick();
  EXPECT_EQ(raft.role(), Role::follower);
  raft.step(asking(from(2, MessageKind::vote_request, Term(6)), Index(4), Term(3)));
  EXPECT_EQ(raft.vote(), MemberId());
  raft.step(asking(from(3, MessageKind::vote_request, Term(6)), Index(5), Term(3)));
  EXPECT_EQ(raft.vote(), member(3));
}

TEST_F(AbstentionTest, WhoHasTheBestLogLeadsThoughAllLostTheirTails) {
  Raft raft = torn();
  auto asked = inquiries(raft);
  ASSERT_EQ(asked.size(), 2u);
  answer_twice(raft, {answer(2, Term(1), Index(1), Term(1), asked[0].round),
                      answer(3, Term(1), Index(1), Term(1), asked[0].round)});
  EXPECT_FALSE(raft.status().abstaining);
  for (std::uint32_t i = 0; i < config_.election_max_ticks; ++i)
    raft.tick();
  EXPECT_EQ(raft.role(), Role::pre_candidate);
}

TEST_F(AbstentionTest, OneThatKnowsNothingSpeaksForNobody) {
  Raft raft = torn();
  auto asked = inquiries(raft);
  ASSERT_EQ(asked.size(), 2u);
  raft.step(answer(2, Term(), Index(), Term(), asked[0].round, Configuration{}));
  EXPECT_TRUE(binding(raft).empty());
  raft.step(answer(3, Term(1), Index(1), Term(1), asked[0].round));
  EXPECT_EQ(binding(raft).size(), 2u);
}

TEST_F(AbstentionTest, AnswersOfAnotherLifeCountForNothing) {
  Raft before = torn();
  auto asked_before = inquiries(before);
  ++config_.seed;
  Raft raft = torn();
  auto asked = inquiries(raft);
  ASSERT_EQ(asked.size(), 2u);
  ASSERT_NE(asked_before.at(0).round, asked[0].round);
  raft.step(answer(2, Term(1), Index(1), Term(1), asked_before[0].round));
  raft.step(answer(3, Term(1), Index(1), Term(1), asked[0].round));
  EXPECT_TRUE(binding(raft).empty());
  raft.step(answer(2, Term(1), Index(1), Term(1), asked[0].round));
  EXPECT_EQ(binding(raft).size(), 2u);
}

TEST_F(AbstentionTest, WaitsForALeaderWhomSomebodyHears) {
  Raft raft = torn();
  auto asked = inquiries(raft);
  ASSERT_EQ(asked.size(), 2u);
  raft.step(answer(2, Term(1), Index(1), Term(1), asked[0].round));
  Message hears = answer(3, Term(1), Index(1), Term(1), asked[0].round);
  hears.reject = true;
  raft.step(hears);
  raft.step(answer(3, Term(1), Index(1), Term(1), asked[0].round));
  EXPECT_TRUE(raft.status().abstaining);
  EXPECT_EQ(raft.term(), Term(1));
  EXPECT_EQ(inquiries(raft).size(), 2u) << "and asks again";
}

TEST_F(AbstentionTest, AsksAMemberOfWhomItHearsFirstInAnAnswer) {
  Raft raft = torn();
  auto asked = inquiries(raft);
  ASSERT_EQ(asked.size(), 2u);
  raft.step(answer(2, Term(1), Index(2), Term(1), asked[0].round, voters(4)));
  raft.step(answer(3, Term(1), Index(1), Term(1), asked[0].round));
  EXPECT_TRUE(raft.status().abstaining);
  std::vector<Message> more = take(raft).messages;
  ASSERT_EQ(more.size(), 1u);
  EXPECT_EQ(more[0].to, member(4));
  raft.step(answer(4, Term(2), Index(1), Term(1), more[0].round));
  EXPECT_EQ(raft.term(), Term(3));
  EXPECT_EQ(binding(raft).size(), 3u);
}

// Member 3 is being removed: until that is committed, it may have what is.
TEST_F(AbstentionTest, VotersBeforeAnUncommittedConfigurationHaveTheirPart) {
  Raft raft = torn();
  auto asked = inquiries(raft);
  ASSERT_EQ(asked.size(), 2u);
  Message best = answer(2, Term(2), Index(5), Term(2), asked[0].round);
  best.entries.push_back({Term(), Index(5), EntryKind::configuration,
                          std::make_shared<const std::string>(encode_configuration(voters(2)))});
  raft.step(best);
  EXPECT_TRUE(raft.status().abstaining);
  raft.step(answer(3, Term(2), Index(4), Term(2), asked[0].round));
  EXPECT_EQ(raft.term(), Term(3));
}

TEST_F(AbstentionTest, AMemberThatIsGoneForGoodIsNotWaitedFor) {
  Raft raft = torn();
  auto asked = inquiries(raft);
  ASSERT_EQ(asked.size(), 2u);
  Message best = answer(2, Term(2), Index(5), Term(2), asked[0].round);
  best.entries.push_back({Term(), Index(5), EntryKind::configuration,
                          std::make_shared<const std::string>(encode_configuration(voters(2)))});
  best.commit = Index(5);
  raft.step(best);
  EXPECT_EQ(raft.term(), Term(3));
}

// It could not be elected, so nobody must wait until it is.
TEST_F(AbstentionTest, ALearnerThatIsAheadBindsNobody) {
  Raft raft = torn();
  auto asked = inquiries(raft);
  ASSERT_EQ(asked.size(), 2u);
  Configuration learns = voters(2);
  learns.learners.push_back(member(3));
  answer_twice(raft, {answer(2, Term(1), Index(1), Term(1), asked[0].round, learns),
                      answer(3, Term(1), Index(7), Term(1), asked[0].round, learns)});
  EXPECT_FALSE(raft.status().abstaining);
}

// Its former leader might commit with what it acknowledges after its answer.
TEST_F(AbstentionTest, WhoAnswersBindinglyHasLeftTheTermBefore) {
  Raft raft = founded(3);
  Message inquiry = from(3, MessageKind::tail_inquiry, Term(4));
  inquiry.round = 77;
  inquiry.binding = true;
  raft.step(inquiry);
  EXPECT_EQ(raft.term(), Term(4));
  Ready ready = take(raft);
  EXPECT_TRUE(ready.messages.empty()) << "not before the term is durable";
  ASSERT_EQ(ready.messages_after_write.size(), 1u);
  EXPECT_TRUE(ready.messages_after_write[0].binding);
  EXPECT_EQ(ready.messages_after_write[0].term, Term(4));
}

TEST_F(AbstentionTest, AnswersThatDoNotBindConcludeNothing) {
  Raft raft = torn();
  auto asked = inquiries(raft);
  ASSERT_EQ(asked.size(), 2u);
  for (std::uint32_t node : {2u, 3u})
    raft.step(answer(node, Term(1), Index(1), Term(1), asked[0].round));
  auto again = binding(raft);
  ASSERT_EQ(again.size(), 2u);
  for (std::uint32_t node : {2u, 3u})
    raft.step(answer(node, Term(2), Index(1), Term(1), again[0].round));
  EXPECT_TRUE(raft.status().abstaining);
}

// It may have been promoted by an entry that was lost here.
TEST_F(AbstentionTest, ASoleVoterWithALearnerAsksIt) {
  {
    Raft raft(config_, stored(), store_);
    Configuration founding = voters(1);
    founding.learners.push_back(member(2));
    raft.found(founding);
    take(raft);
    sync(raft);
  }
  StoredGroup stored = *store_.stored(group, member(1));
  stored.abstain = true;
  Raft raft(config_, stored, store_);
  EXPECT_TRUE(raft.status().abstaining);
  EXPECT_EQ(inquiries(raft).size(), 1u);
}

TEST_F(AbstentionTest, AnswersWhatIsOnDiskAndWhetherItHearsALeader) {
  Raft raft = founded(3);
  Message inquiry = from(3, MessageKind::tail_inquiry, Term(9));
  inquiry.round = 77;
  raft.step(inquiry);
  std::vector<Message> answers = take(raft).messages;
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].kind, MessageKind::tail_answer);
  EXPECT_EQ(answers[0].index, Index(1));
  EXPECT_EQ(answers[0].log_term, Term(1));
  EXPECT_EQ(answers[0].round, 77u);
  EXPECT_FALSE(answers[0].reject);
  EXPECT_EQ(raft.term(), Term(1)) << "its term is of no interest";
  raft.step(append(Term(1), Index(1), Term(1), {}));
  take(raft);
  raft.step(inquiry);
  answers = take(raft).messages;
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_TRUE(answers[0].reject);
}

}  // namespace
}  // namespace warren::raft
