#include "broker/queue/checkouts.h"

#include <gtest/gtest.h>

namespace warren::queue {
namespace {

constexpr SessionId one{NodeId(1), Incarnation(1)};
constexpr SessionId two{NodeId(2), Incarnation(1)};

MessageId id(std::uint64_t entry) {
  return {EntryIndex(entry), Slot(0)};
}

Checkout checkout(std::uint64_t counter, SessionId session) {
  return {CheckoutId{Term(1), counter}, session, ConsumerNumber(), Ordinal(counter), 10};
}

TEST(Checkouts, MoveFromHeldToSettlingToGone) {
  Checkouts checkouts;
  checkouts.insert(id(5), checkout(1, one));
  EXPECT_EQ(checkouts.held(), 1u);
  checkouts.start_settling(id(5));
  EXPECT_EQ(checkouts.held(), 0u);
  EXPECT_EQ(checkouts.settling(), 1u);
  EXPECT_EQ(checkouts.octets(), 10u);
  EXPECT_TRUE(checkouts.erase(id(5)).settling);
  EXPECT_TRUE(checkouts.empty());
  EXPECT_EQ(checkouts.octets(), 0u);
}

TEST(Checkouts, OfASessionComeInOriginalOrder) {
  Checkouts checkouts;
  for (std::uint64_t i : {9, 3, 7, 1, 5})
    checkouts.insert(id(i), checkout(i, i % 4 == 1 ? one : two));
  std::vector<MessageId> ids;
  for (const auto& [message, held] : checkouts.of(one))
    ids.push_back(message);
  EXPECT_EQ(ids, (std::vector{id(1), id(5), id(9)}));
  EXPECT_EQ(checkouts.all().size(), 5u);
}

TEST(Checkouts, AheadOfTheCursorAreCountedUntilPassed) {
  Checkouts checkouts;
  Checkout ahead = checkout(1, one);
  ahead.ahead = true;
  checkouts.insert(id(1), ahead);
  checkouts.insert(id(2), ahead);
  EXPECT_EQ(checkouts.ahead(), 2u);
  checkouts.pass(id(1));
  checkouts.erase(id(2));
  EXPECT_EQ(checkouts.ahead(), 0u);
}

TEST(CheckoutsDeathTest, NothingIsHeldTwiceOrSettledUnheld) {
  Checkouts checkouts;
  checkouts.insert(id(5), checkout(1, one));
  EXPECT_DEATH(checkouts.insert(id(5), checkout(2, two)), "twice");
  EXPECT_DEATH(checkouts.erase(id(6)), "not checked out");
  checkouts.start_settling(id(5));
  EXPECT_DEATH(checkouts.start_settling(id(5)), "5/0");
}

}  // namespace
}  // namespace warren::queue
