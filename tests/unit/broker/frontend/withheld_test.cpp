#include "broker/frontend/withheld.h"

#include <gtest/gtest.h>

#include <string>

namespace warren::frontend {
namespace {

class WithheldTest : public testing::Test {
 protected:
  void add(bool counted, std::uint64_t consumer) {
    queue::Delivery delivery;
    delivery.consumer = ConsumerNumber(consumer);
    withheld_.add(counted, delivery);
  }
  // The consumers of what goes, in order.
  template <typename MayGo>
  std::string all(MayGo may_go) {
    std::string gone;
    while (const auto delivery = withheld_.take(may_go))
      gone += std::to_string(delivery->consumer.value);
    return gone;
  }
  Withheld withheld_;
};

TEST_F(WithheldTest, NeitherKindWaitsBehindTheOther) {
  for (std::uint64_t consumer : {1, 2, 1})
    add(true, consumer);
  for (std::uint64_t consumer : {7, 8})
    add(false, consumer);
  EXPECT_EQ(all([](bool counted) { return !counted; }), "78");
  EXPECT_TRUE(withheld_.empty(false));
  EXPECT_FALSE(withheld_.empty());
  EXPECT_EQ(all([](bool) { return true; }), "121");
  EXPECT_TRUE(withheld_.empty());
}

TEST_F(WithheldTest, TheKindsGoInTurn) {
  for (int i = 0; i < 3; ++i)
    add(true, 1), add(false, 7);
  const std::string gone = all([](bool) { return true; });
  EXPECT_TRUE(gone == "171717" || gone == "717171") << gone;
}

TEST_F(WithheldTest, AConsumersAreTakenAwayInOrder) {
  for (std::uint64_t consumer : {1, 2, 1})
    add(true, consumer);
  add(false, 7);
  int taken = 0;
  withheld_.take_all_of(ConsumerNumber(1), [&](const queue::Delivery&) { ++taken; });
  EXPECT_EQ(taken, 2);
  std::string left;
  withheld_.take_all(
      [&](const queue::Delivery& delivery) { left += std::to_string(delivery.consumer.value); });
  EXPECT_TRUE(left == "27" || left == "72") << left;
  EXPECT_TRUE(withheld_.empty());
}

}  // namespace
}  // namespace warren::frontend
