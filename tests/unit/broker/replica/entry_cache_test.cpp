#include "broker/replica/entry_cache.h"

#include <gtest/gtest.h>

namespace warren::replica {
namespace {

std::shared_ptr<const EntryContents> contents(std::size_t bytes) {
  auto made = std::make_shared<EntryContents>();
  made->bytes = bytes;
  return made;
}

TEST(EntryCache, TheOldestOfAllCachesGoesFirst) {
  auto room = std::make_shared<CacheRoom>(100);
  EntryCache one(room), other(room);
  one.put(EntryIndex(7), contents(40));
  other.put(EntryIndex(1), contents(40));
  EXPECT_EQ(room->bytes(), 80u);
  other.put(EntryIndex(2), contents(40));
  EXPECT_EQ(one.find(EntryIndex(7)), nullptr);
  EXPECT_NE(other.find(EntryIndex(1)), nullptr);
  EXPECT_EQ(room->bytes(), 80u);
  one.put(EntryIndex(8), contents(60));
  EXPECT_EQ(other.find(EntryIndex(1)), nullptr);
  EXPECT_NE(other.find(EntryIndex(2)), nullptr);
  EXPECT_EQ(room->bytes(), 100u);
}

TEST(EntryCache, KeepsOneEntryHoweverLarge) {
  auto room = std::make_shared<CacheRoom>(100);
  EntryCache cache(room);
  cache.put(EntryIndex(1), contents(10));
  cache.put(EntryIndex(2), contents(1000));
  EXPECT_EQ(cache.find(EntryIndex(1)), nullptr);
  EXPECT_NE(cache.find(EntryIndex(2)), nullptr);
}

TEST(EntryCache, AnEntryThatIsThereIsNotCountedAgain) {
  auto room = std::make_shared<CacheRoom>(100);
  EntryCache cache(room);
  cache.put(EntryIndex(1), contents(40));
  cache.put(EntryIndex(1), contents(40));
  EXPECT_EQ(room->bytes(), 40u);
}

TEST(EntryCache, GivesItsRoomBackWhenItGoes) {
  auto room = std::make_shared<CacheRoom>(100);
  EntryCache stays(room);
  {
    EntryCache goes(room);
    goes.put(EntryIndex(1), contents(60));
    stays.put(EntryIndex(1), contents(30));
  }
  EXPECT_EQ(room->bytes(), 30u);
  stays.put(EntryIndex(2), contents(60));
  EXPECT_NE(stays.find(EntryIndex(1)), nullptr);
  stays.put(EntryIndex(3), contents(60));
  EXPECT_EQ(stays.find(EntryIndex(1)), nullptr);
}

}  // namespace
}  // namespace warren::replica
