#include "broker/session/ledger.h"

#include <gtest/gtest.h>

namespace warren::session {
namespace {

const SessionId session{NodeId(1), Incarnation(10)};

Ledger with_batches(std::uint64_t count) {
  Ledger ledger;
  for (std::uint64_t n = 1; n <= count; ++n)
    ledger.record(session, BatchNumber(n), "o" + std::to_string(n));
  return ledger;
}

TEST(Ledger, AppliesOnlyTheNextBatch) {
  Ledger ledger = with_batches(2);
  EXPECT_EQ(ledger.admit(session, BatchNumber(3)), Admission::apply);
  EXPECT_EQ(ledger.admit(session, BatchNumber(2)), Admission::duplicate);
  EXPECT_EQ(ledger.admit(session, BatchNumber(4)), Admission::gap);
  EXPECT_EQ(ledger.admit({NodeId(2), Incarnation(10)}, BatchNumber(1)), Admission::apply);
}

TEST(Ledger, KeepsOutcomesUntilReleased) {
  Ledger ledger = with_batches(3);
  ledger.release(session, BatchNumber(2));
  EXPECT_EQ(ledger.outcome(session, BatchNumber(2)), std::nullopt);
  EXPECT_EQ(ledger.outcome(session, BatchNumber(3)), "o3");
  EXPECT_EQ(ledger.outcome(session, BatchNumber(4)), std::nullopt);
  ledger.release(session, BatchNumber(9));
  EXPECT_TRUE(ledger.outcomes(session, BatchNumber()).empty());
  EXPECT_EQ(ledger.last(session), BatchNumber(3));
}

TEST(Ledger, RemembersAnEndedSessionsLastBatchAndOutcomes) {
  Ledger ledger = with_batches(3);
  ledger.release(session, BatchNumber(1));
  ledger.end(session);
  EXPECT_EQ(ledger.admit(session, BatchNumber(4)), Admission::ended);
  EXPECT_EQ(ledger.last(session), BatchNumber(3));
  const std::vector<BatchOutcome> kept{{BatchNumber(2), "o2"}, {BatchNumber(3), "o3"}};
  EXPECT_EQ(ledger.outcomes(session, BatchNumber()), kept);
  EXPECT_TRUE(ledger.sessions().empty());
}

TEST(Ledger, RefusesWhatIsBelowAnEndedIncarnation) {
  Ledger ledger = with_batches(1);
  ledger.end({NodeId(1), Incarnation(20)});
  EXPECT_TRUE(ledger.ended(session));
  EXPECT_EQ(ledger.last(session), BatchNumber());
  EXPECT_EQ(ledger.admit({NodeId(1), Incarnation(21)}, BatchNumber(1)), Admission::apply);
  ledger.end(session);  // late: changes nothing
  EXPECT_EQ(ledger.last({NodeId(1), Incarnation(20)}), BatchNumber());
}

TEST(Ledger, ComesBackFromItsOctets) {
  Ledger ledger = with_batches(3);
  ledger.record({NodeId(2), Incarnation(4)}, BatchNumber(1), "x");
  ledger.end({NodeId(2), Incarnation(4)});
  auto restored = Ledger::restore(ledger.serialise());
  ASSERT_TRUE(restored.has_value());
  EXPECT_EQ(*restored, ledger);
  EXPECT_EQ(restored->serialise(), ledger.serialise());
}

TEST(Ledger, RefusesDamagedOctets) {
  const std::string octets = with_batches(2).serialise();
  for (std::size_t length = 0; length < octets.size(); ++length)
    EXPECT_FALSE(Ledger::restore(octets.substr(0, length)).has_value()) << length;
  EXPECT_FALSE(Ledger::restore(octets + "x").has_value());
}

}  // namespace
}  // namespace warren::session
