#include "broker/frontend/confirms.h"

#include <gtest/gtest.h>

namespace warren::frontend {
namespace {

using Answers = std::vector<Confirms::Answer>;

Confirms with(std::uint64_t publishes) {
  Confirms confirms;
  for (std::uint64_t tag = 1; tag <= publishes; ++tag)
    EXPECT_EQ(confirms.next(), tag);
  return confirms;
}

Answers answers_of(Confirms& confirms) {
  Answers answers;
  confirms.take_answers(answers);
  return answers;
}

TEST(Confirms, ARunFromTheOldestIsOneMultipleAck) {
  Confirms confirms = with(4);
  for (std::uint64_t tag : {2, 1, 3})
    confirms.resolve(tag, true);
  EXPECT_EQ(answers_of(confirms), (Answers{{3, true, true}}));
  EXPECT_EQ(confirms.unanswered(), 1u);
}

TEST(Confirms, AGapIsNeverCoveredByMultiple) {
  Confirms confirms = with(4);
  confirms.resolve(2, true);
  confirms.resolve(4, true);
  EXPECT_EQ(answers_of(confirms), (Answers{{2, false, true}, {4, false, true}}));
  confirms.resolve(1, true);
  EXPECT_EQ(answers_of(confirms), (Answers{{1, false, true}}));
  confirms.resolve(3, true);
  EXPECT_EQ(answers_of(confirms), (Answers{{3, false, true}}));
  EXPECT_EQ(confirms.unanswered(), 0u);
}

TEST(Confirms, ANackEndsARun) {
  Confirms confirms = with(5);
  for (std::uint64_t tag : {1, 2, 4, 5})
    confirms.resolve(tag, true);
  confirms.resolve(3, false);
  EXPECT_EQ(answers_of(confirms), (Answers{{2, true, true}, {3, false, false}, {5, true, true}}));
}

TEST(Confirms, AllGroupsMustAccept) {
  Confirms confirms = with(1);
  confirms.expect(1, 3);
  confirms.resolve(1, true);
  confirms.resolve(1, false);
  EXPECT_TRUE(answers_of(confirms).empty());
  confirms.resolve(1, true);
  EXPECT_EQ(answers_of(confirms), (Answers{{1, false, false}}));
}

TEST(Confirms, UnknownAndRepeatedOutcomesAreIgnored) {
  Confirms confirms = with(1);
  confirms.resolve(0, true);
  confirms.resolve(2, true);
  confirms.resolve(1, true);
  confirms.resolve(1, false);
  EXPECT_EQ(answers_of(confirms), (Answers{{1, false, true}}));
  confirms.resolve(1, false);
  EXPECT_TRUE(answers_of(confirms).empty());
}

}  // namespace
}  // namespace warren::frontend
