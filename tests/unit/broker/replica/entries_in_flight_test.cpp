#include "broker/replica/entries_in_flight.h"

#include <gtest/gtest.h>

namespace warren::replica {
namespace {

constexpr QueueId orders{7}, bills{8};

TEST(EntriesInFlight, CountWhatIsOnItsWayUntilItIsApplied) {
  EntriesInFlight entries;
  entries.add(orders, 10);
  entries.add(orders, 20);
  entries.add(bills, 5);
  EXPECT_EQ(entries.coming(orders).messages, 2u) << "before it is proposed";
  EXPECT_EQ(entries.coming(orders).octets, 30u);
  entries.built();
  entries.add(orders, 1);  // the log is full, and the next entry begins
  entries.proposed(EntryIndex(3));
  entries.built();
  entries.proposed(EntryIndex(5));
  EXPECT_EQ(entries.size(), 2u);
  entries.applied(EntryIndex(2));
  EXPECT_EQ(entries.coming(orders).messages, 3u);
  entries.applied(EntryIndex(4));
  EXPECT_EQ(entries.coming(orders).messages, 1u);
  EXPECT_EQ(entries.coming(orders).octets, 1u);
  EXPECT_EQ(entries.coming(bills).messages, 0u);
  EXPECT_EQ(entries.size(), 1u);
  entries.applied(EntryIndex(5));
  EXPECT_EQ(entries.coming(orders).messages, 0u);
  EXPECT_EQ(entries.size(), 0u);
}

}  // namespace
}  // namespace warren::replica
