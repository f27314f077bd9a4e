#include "broker/session/sender.h"

#include <gtest/gtest.h>

namespace warren::session {
namespace {

Bytes octets(const std::string& text) {
  return Bytes(text);
}

Sender with_submitted(int count) {
  Sender sender(8);
  for (int i = 0; i < count; ++i)
    sender.submit(octets("p" + std::to_string(i + 1)));
  return sender;
}

std::vector<std::uint64_t> send_all(Sender& sender) {
  std::vector<std::uint64_t> sent;
  while (auto batch = sender.next_to_send())
    sent.push_back(batch->number.value);
  return sent;
}

TEST(Sender, SendsNothingBeforeTheStreamIsOpen) {
  Sender sender = with_submitted(2);
  EXPECT_EQ(sender.next_to_send(), std::nullopt);
  ASSERT_TRUE(sender.on_opened({BatchNumber(0), BatchNumber(1)}));
  EXPECT_EQ(send_all(sender), (std::vector<std::uint64_t>{1, 2}));
}

TEST(Sender, SendsUndecidedBatchesAgainOnTheNextStream) {
  Sender sender = with_submitted(3);
  ASSERT_TRUE(sender.on_opened({BatchNumber(0), BatchNumber(1)}));
  send_all(sender);
  std::vector<Decided> decided;
  ASSERT_TRUE(sender.on_outcomes({{BatchNumber(1), "a"}}, decided));
  sender.stop_sending();
  ASSERT_TRUE(sender.on_opened({BatchNumber(1), BatchNumber(2)}));
  EXPECT_EQ(send_all(sender), (std::vector<std::uint64_t>{2, 3}));
}

TEST(Sender, LeavesOutWhatTheLeaderHasProposedAlready) {
  Sender sender = with_submitted(3);
  ASSERT_TRUE(sender.on_opened({BatchNumber(0), BatchNumber(3)}));
  EXPECT_EQ(send_all(sender), (std::vector<std::uint64_t>{3}));
}

TEST(Sender, DecidesInOrderAndOnce) {
  Sender sender = with_submitted(3);
  ASSERT_TRUE(sender.on_opened({BatchNumber(0), BatchNumber(1)}));
  std::vector<Decided> decided;
  ASSERT_TRUE(sender.on_outcomes({{BatchNumber(1), "a"}, {BatchNumber(2), "b"}}, decided));
  ASSERT_TRUE(sender.on_outcomes({{BatchNumber(2), "b"}}, decided));
  EXPECT_EQ(decided, (std::vector<Decided>{{BatchNumber(1), "a"}, {BatchNumber(2), "b"}}));
  EXPECT_EQ(sender.released(), BatchNumber(2));
  EXPECT_EQ(send_all(sender), (std::vector<std::uint64_t>{3}));
}

TEST(Sender, RefusesOutcomesWithAGap) {
  Sender sender = with_submitted(3);
  std::vector<Decided> decided;
  EXPECT_FALSE(sender.on_outcomes({{BatchNumber(2), "b"}}, decided));
  EXPECT_FALSE(with_submitted(0).on_outcomes({{BatchNumber(1), "b"}}, decided));
}

TEST(Sender, RefusesALeaderThatKnowsLessThanWasDecided) {
  Sender sender = with_submitted(2);
  ASSERT_TRUE(sender.on_opened({BatchNumber(0), BatchNumber(1)}));
  std::vector<Decided> decided;
  ASSERT_TRUE(sender.on_outcomes({{BatchNumber(1), "a"}}, decided));
  EXPECT_FALSE(sender.on_opened({BatchNumber(0), BatchNumber(1)}));
  EXPECT_FALSE(sender.on_opened({BatchNumber(3), BatchNumber(4)}));
}

TEST(Sender, RewindsToWhatIsExpected) {
  Sender sender = with_submitted(3);
  ASSERT_TRUE(sender.on_opened({BatchNumber(0), BatchNumber(1)}));
  send_all(sender);
  ASSERT_TRUE(sender.on_rewind(BatchNumber(2)));
  EXPECT_EQ(send_all(sender), (std::vector<std::uint64_t>{2, 3}));
  EXPECT_FALSE(sender.on_rewind(BatchNumber(0)));
  EXPECT_FALSE(sender.on_rewind(BatchNumber(5)));
}

TEST(Sender, EndedGivesAppliedBatchesTheirOutcomeAndTheRestNone) {
  Sender sender = with_submitted(3);
  std::vector<Decided> decided;
  sender.on_ended({BatchNumber(2), {{BatchNumber(1), "a"}, {BatchNumber(2), "b"}}}, decided);
  const std::vector<Decided> expected{
      {BatchNumber(1), "a"}, {BatchNumber(2), "b"}, {BatchNumber(3), std::nullopt}};
  EXPECT_EQ(decided, expected);
  EXPECT_TRUE(sender.idle());
}

TEST(Sender, IsFullAtItsWindow) {
  Sender sender(2);
  sender.submit(octets("a"));
  EXPECT_FALSE(sender.full());
  sender.submit(octets("bb"));
  EXPECT_TRUE(sender.full());
  EXPECT_EQ(sender.retained_bytes(), 3u);
}

}  // namespace
}  // namespace warren::session
