#include "broker/runtime/resources.h"

#include <gtest/gtest.h>

#include <vector>

namespace warren::runtime {
namespace {

TEST(Watermark, BeginsAboveAndEndsAtItsBounds) {
  Watermark mark(100, 90);
  EXPECT_FALSE(mark.look(100));
  EXPECT_TRUE(mark.is_above(101));
  EXPECT_TRUE(mark.look(101));
  EXPECT_TRUE(mark.alarmed());
  EXPECT_FALSE(mark.look(91));
  EXPECT_TRUE(mark.alarmed());
  EXPECT_TRUE(mark.look(90));
  EXPECT_FALSE(mark.alarmed());
  EXPECT_FALSE(mark.look(95));
}

TEST(Resources, ResidentMemoryGrowsWithWhatIsTouched) {
  const std::uint64_t before = resident_octets();
  ASSERT_GT(before, 0u);
  std::vector<char> used(64u << 20);
  for (std::size_t i = 0; i < used.size(); i += 1024)
    static_cast<volatile char*>(used.data())[i] = 1;
  EXPECT_GE(resident_octets(), before + (48u << 20));
  EXPECT_LT(resident_octets(), memory_octets());
}

TEST(Resources, AnUnknownPathIsNoFullDisk) {
  EXPECT_GT(free_disk_octets("/"), 0u);
  EXPECT_GT(free_disk_octets("/no/such/path"), 1u << 30);
}

}  // namespace
}  // namespace warren::runtime
