#include "broker/cluster/answer_gate.h"

#include <gtest/gtest.h>

namespace warren::cluster {
namespace {

constexpr Milliseconds lease{2500};
const NodeId one(1), two(2);
BootTime at(int ms) {
  return BootTime(Milliseconds(ms));
}

session::ToClient outcomes(std::uint64_t number) {
  return {{one, Incarnation(7)},
          session::StreamEpoch(1),
          session::Outcomes{{{BatchNumber(number), "ok"}}}};
}
std::uint64_t number_of(const session::ToClient& message) {
  return std::get<session::Outcomes>(message.body).outcomes.front().number.value;
}

struct AnswerGateTest : testing::Test {
  LeaseHolders holders{lease};
  AnswerGate gate{holders};
  std::vector<NodeId> nodes{one, two};

  AnswerGateTest() {
    holders.grant(one, at(0));
    holders.grant(two, at(0));
    holders.applied(one, CatalogIndex(10));
  }
};

TEST_F(AnswerGateTest, HoldsAnAnswerUntilEveryHolderHasApplied) {
  gate.hold(outcomes(1), CatalogIndex(10));
  EXPECT_TRUE(gate.release(at(1), nodes).empty());
  holders.applied(two, CatalogIndex(10));
  EXPECT_EQ(gate.release(at(1), nodes).size(), 1u);
  EXPECT_TRUE(gate.empty());
}

TEST_F(AnswerGateTest, LetsAnswersGoInOrder) {
  gate.hold(outcomes(1), CatalogIndex(10));
  gate.hold(outcomes(2), CatalogIndex(11));
  holders.applied(one, CatalogIndex(11));
  holders.applied(two, CatalogIndex(10));
  auto released = gate.release(at(1), nodes);
  ASSERT_EQ(released.size(), 1u);
  EXPECT_EQ(number_of(released[0]), 1u);
}

TEST_F(AnswerGateTest, ASilentHolderDelaysNoLongerThanItsLease) {
  gate.hold(outcomes(1), CatalogIndex(10));
  EXPECT_TRUE(gate.release(at(2499), nodes).empty());
  EXPECT_EQ(gate.release(at(2500), nodes).size(), 1u);
}

TEST_F(AnswerGateTest, AtTheEndOfTheTermOutcomesAreDroppedAndNotLeaderIsTold) {
  gate.hold(outcomes(1), CatalogIndex(10));
  gate.hold({{one, Incarnation(7)}, session::StreamEpoch(1), session::NotLeader{two}},
            CatalogIndex(10));
  auto released = gate.end();
  ASSERT_EQ(released.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<session::NotLeader>(released[0].body));
}

}  // namespace
}  // namespace warren::cluster
