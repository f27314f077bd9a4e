#include "broker/replica/dead_letter_feed.h"

#include <gtest/gtest.h>

namespace warren::replica {
namespace {

using namespace queue;
using namespace std::chrono_literals;

constexpr QueueId orders{101}, bills{102};

class Feed : public testing::Test {
 protected:
  void bury(QueueId queue, int count) {
    for (int i = 0; i < count; ++i)
      letters.add(queue, {},
                  {{}, {EntryIndex(++entry), Slot(0)}, Stamp(1), DeathReason::expired, size});
    if (feed) feed->on_buried(std::vector{queue});
  }
  void lead() { feed.emplace(letters, limits); }
  // The numbers of all that may go now.
  std::vector<std::uint64_t> take() {
    std::vector<std::uint64_t> numbers;
    while (auto next = feed->take(now))
      numbers.push_back(next->letter.number.value);
    return numbers;
  }
  void answer(QueueId queue, std::uint64_t number, bool done = true) {
    feed->on_answer({queue, DeadLetterNumber(number), done}, now);
  }
  // As the log does, later.
  void apply_done() {
    for (const DeadLetterDone& done : feed->take_done())
      letters.finish(done.queue, done.number);
  }

  using Numbers = std::vector<std::uint64_t>;
  DeadLetters letters;
  DeadLetterLimits limits;
  std::optional<DeadLetterFeed> feed;
  BootTime now{1s};
  std::uint64_t entry = 0;
  std::uint32_t size = 10;
};

TEST_F(Feed, QueuesTakeTurnsAndEachKeepsItsOrder) {
  bury(orders, 3);
  bury(bills, 2);
  lead();
  EXPECT_EQ(take(), (Numbers{1, 4, 2, 5, 3}));
  EXPECT_EQ(take(), Numbers{});
}

TEST_F(Feed, ANewLeaderGivesWhatIsNotDoneAgain) {
  lead();
  bury(orders, 2);
  EXPECT_EQ(take(), (Numbers{1, 2}));
  answer(orders, 1);
  apply_done();
  lead();
  EXPECT_EQ(take(), Numbers{2});
}

TEST_F(Feed, WhatIsDoneAndNotAppliedYetIsNotGivenAgain) {
  lead();
  bury(orders, 1);
  EXPECT_EQ(take(), Numbers{1});
  answer(orders, 1);
  EXPECT_EQ(take(), Numbers{});  // it is forgotten here, and in the machine still
  bury(orders, 1);
  EXPECT_EQ(take(), Numbers{2});
  apply_done();
  EXPECT_EQ(letters.size(), 1u);
}

TEST_F(Feed, OneQueueThatCannotGoOnLeavesRoomForOthers) {
  limits.under_way_queue = 2;
  limits.under_way = 3;
  lead();
  bury(orders, 5);
  bury(bills, 5);
  EXPECT_EQ(take(), (Numbers{1, 6, 2}));
  answer(bills, 6);
  EXPECT_EQ(take(), Numbers{7});
  answer(orders, 1);
  EXPECT_EQ(take(), Numbers{3});
}

TEST_F(Feed, WhatFailedGoesAgainAfterAPauseAndTheRestGoesOn) {
  limits.under_way_queue = 2;
  lead();
  bury(orders, 4);
  EXPECT_EQ(take(), (Numbers{1, 2}));
  answer(orders, 2, false);
  EXPECT_EQ(take(), Numbers{3});
  answer(orders, 1, false);
  EXPECT_EQ(take(), Numbers{4});
  EXPECT_EQ(feed->next_deadline(), now + limits.pause);
  answer(orders, 3);
  answer(orders, 4);
  EXPECT_EQ(take(), Numbers{});
  EXPECT_FALSE(feed->has_due(now));
  now += limits.pause;
  EXPECT_TRUE(feed->has_due(now));
  EXPECT_EQ(take(), (Numbers{1, 2}));
  EXPECT_EQ(feed->next_deadline(), std::nullopt);
}

TEST_F(Feed, ATryKnowsWhereTheOnesBeforeItCame) {
  lead();
  bury(orders, 1);
  EXPECT_TRUE(feed->take(now)->reached.empty());
  feed->on_answer({orders, DeadLetterNumber(1), false, {bills}}, now);
  now += limits.pause;
  EXPECT_EQ(feed->take(now)->reached, std::vector{bills});
}

TEST_F(Feed, BehindManyThatCannotGoNothingNewIsTried) {
  limits.tried_queue = 2;
  lead();
  bury(orders, 3);
  limits = {};
  ASSERT_EQ(take(), (Numbers{1, 2, 3}));
  for (std::uint64_t number : {1, 2, 3})
    answer(orders, number, false);
  bury(orders, 1);
  EXPECT_EQ(take(), Numbers{});
  now += limits.pause;
  EXPECT_EQ(take(), (Numbers{1, 2, 3, 4})) << "under way, they are not counted";
}

TEST_F(Feed, WhatAPurgeTookMeanwhileIsForgotten) {
  lead();
  bury(orders, 2);
  take();
  answer(orders, 1, false);
  answer(orders, 2, false);
  letters.finish(orders, DeadLetterNumber(1));
  now += limits.pause;
  EXPECT_EQ(take(), Numbers{2});
  answer(orders, 2);
  EXPECT_EQ(feed->take_done().size(), 1u);
}

TEST_F(Feed, OctetsUnderWayAreBounded) {
  limits.octets = 100;
  size = 60;
  lead();
  bury(orders, 3);
  EXPECT_EQ(take(), (Numbers{1, 2}));
  answer(orders, 1);
  EXPECT_EQ(take(), Numbers{3});
}

TEST_F(Feed, LargeLettersOfOneQueueLeaveRoomForOthers) {
  limits.octets = 1000;
  limits.octets_queue = 100;
  limits.octets_letter = 150;
  size = 1'000'000;
  lead();
  bury(orders, 3);
  bury(bills, 3);
  EXPECT_EQ(take(), (Numbers{1, 4}));
  answer(orders, 1);
  EXPECT_EQ(take(), Numbers{2});
}

TEST_F(Feed, AnAnswerThatNobodyAwaitsChangesNothing) {
  lead();
  bury(orders, 1);
  answer(orders, 1);
  answer(bills, 7, false);
  EXPECT_FALSE(feed->has_done());
  EXPECT_EQ(take(), Numbers{1});
  answer(orders, 1);
  answer(orders, 1);
  EXPECT_EQ(feed->take_done().size(), 1u);
}

}  // namespace
}  // namespace warren::replica
