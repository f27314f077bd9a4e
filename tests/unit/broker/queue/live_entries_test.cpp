#include "broker/queue/live_entries.h"

#include <gtest/gtest.h>

#include <vector>

namespace warren::queue {
namespace {

TEST(LiveEntries, AnEntryDiesWithItsLastReference) {
  LiveEntries live;
  live.add(EntryIndex(5), 2);
  EXPECT_FALSE(live.release(EntryIndex(5)));
  EXPECT_TRUE(live.release(EntryIndex(5)));
  EXPECT_EQ(live.references(EntryIndex(5)), 0u);
  EXPECT_EQ(live.size(), 0u);
}

TEST(LiveEntries, AddingNothingMakesNothingLive) {
  LiveEntries live;
  live.add(EntryIndex(5), 0);
  EXPECT_EQ(live.size(), 0u);
}

TEST(LiveEntries, CountsBeyondAnOctet) {
  LiveEntries live;
  for (int i = 0; i < 300; ++i)
    live.add(EntryIndex(9));
  live.add(EntryIndex(9), 10'000);
  EXPECT_EQ(live.references(EntryIndex(9)), 10'300u);
  for (int i = 0; i < 10'299; ++i)
    EXPECT_FALSE(live.release(EntryIndex(9)));
  EXPECT_TRUE(live.release(EntryIndex(9)));
}

TEST(LiveEntries, AreVisitedInOrderUpToABound) {
  LiveEntries live;
  for (std::uint64_t i : {700, 3, 260, 4})
    live.add(EntryIndex(i));
  std::vector<EntryIndex> seen;
  live.for_each(EntryIndex(260), [&](EntryIndex entry) { seen.push_back(entry); });
  EXPECT_EQ(seen, (std::vector{EntryIndex(3), EntryIndex(4), EntryIndex(260)}));
}

TEST(LiveEntries, AMillionEntriesCostLittleMoreThanAnOctetEach) {
  LiveEntries live;
  for (std::uint64_t i = 1; i <= 1'000'000; ++i)
    live.add(EntryIndex(i));
  EXPECT_LT(live.memory_octets(), 2u << 20);
}

TEST(LiveEntriesDeathTest, ReleasingWhatIsNotLiveEndsTheProcess) {
  LiveEntries live;
  EXPECT_DEATH(live.release(EntryIndex(1)), "not live");
  live.add(EntryIndex(2));
  EXPECT_DEATH(live.release(EntryIndex(1)), "not live");
}

}  // namespace
}  // namespace warren::queue
