#include "raft/invariants.h"

#include <gtest/gtest.h>

namespace warren::raft {
namespace {

constexpr MemberId one{1, 1, 1};
constexpr MemberId two{2, 1, 1};

Entry entry(std::uint64_t index, std::uint64_t term, std::string data = "") {
  return {Term(term), Index(index), EntryKind::command,
          std::make_shared<const std::string>(std::move(data))};
}

std::optional<Term> nowhere(Index) {
  return std::nullopt;
}

TEST(Invariants, TwoLeadersOfATermAreFound) {
  Invariants invariants;
  invariants.observe_leader(Term(2), one, Index(1), nowhere);
  invariants.observe_leader(Term(3), two, Index(1), nowhere);
  EXPECT_TRUE(invariants.violations().empty());
  invariants.observe_leader(Term(2), two, Index(1), nowhere);
  EXPECT_EQ(invariants.violations().size(), 1U);
}

TEST(Invariants, ALeaderWhoseLogShrinksIsFound) {
  Invariants invariants;
  invariants.observe_leader(Term(2), one, Index(5), nowhere);
  invariants.observe_leader(Term(2), one, Index(4), nowhere);
  EXPECT_EQ(invariants.violations().size(), 1U);
}

TEST(Invariants, DifferentHistoriesOfOneEntryAreFound) {
  Invariants invariants;
  invariants.observe_entry(entry(5, 2, "a"), Term(1));
  invariants.observe_entry(entry(5, 2, "a"), Term(1));
  EXPECT_TRUE(invariants.violations().empty());
  invariants.observe_entry(entry(5, 2, "b"), Term(1));
  invariants.observe_entry(entry(5, 2, "a"), Term(2));
  EXPECT_EQ(invariants.violations().size(), 2U);
}

TEST(Invariants, ALeaderWithoutWhatWasCommittedIsFound) {
  Invariants invariants;
  invariants.observe_applied(entry(1, 1), Term(1));
  invariants.observe_leader(Term(2), one, Index(1), [](Index) { return Term(1); });
  EXPECT_TRUE(invariants.violations().empty());
  invariants.observe_leader(Term(3), two, Index(1), [](Index) { return Term(2); });
  invariants.observe_leader(Term(4), two, Index(), nowhere);
  EXPECT_EQ(invariants.violations().size(), 2U);
}

TEST(Invariants, ALateWinnerOfAnOldTermMayLackWhatANewerOneCommitted) {
  Invariants invariants;
  invariants.observe_applied(entry(1, 1), Term(5));
  invariants.observe_leader(Term(4), two, Index(), nowhere);
  EXPECT_TRUE(invariants.violations().empty());
}

TEST(Invariants, DifferentEntriesAppliedAtOneIndexAreFound) {
  Invariants invariants;
  invariants.observe_applied(entry(1, 1, "a"), Term(1));
  invariants.observe_applied(entry(1, 1, "b"), Term(1));
  EXPECT_EQ(invariants.violations().size(), 1U);
}

}  // namespace
}  // namespace warren::raft
