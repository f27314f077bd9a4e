#include "storage/disk_watch.h"

#include <gtest/gtest.h>

namespace warren::storage {
namespace {

using namespace std::chrono_literals;

TEST(DiskWatch, TellsTheAgeOfTheOldestUnsyncedWrite) {
  DiskWatch watch;
  EXPECT_EQ(watch.oldest_age(9s), 0s);
  watch.on_submitted(1, 1s);
  watch.on_submitted(2, 3s);
  EXPECT_EQ(watch.oldest_age(5s), 4s);
  watch.on_completed(1);
  EXPECT_EQ(watch.oldest_age(5s), 2s);
  EXPECT_TRUE(watch.stalled(8s, 5s));
  watch.on_completed(2);
  EXPECT_FALSE(watch.stalled(99s, 5s));
}

}  // namespace
}  // namespace warren::storage
