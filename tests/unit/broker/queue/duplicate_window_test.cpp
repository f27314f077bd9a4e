#include "broker/queue/duplicate_window.h"

#include <gtest/gtest.h>

namespace warren::queue {
namespace {

DuplicateKey key(std::uint64_t number) {
  return {number, number};
}

std::string octets(const DuplicateWindow& window) {
  ByteWriter out;
  window.encode(out);
  return out.take();
}

TEST(DuplicateWindow, KnowsAKeyUntilItsTimeIsOver) {
  DuplicateWindow window;
  const DuplicateWindow::Bounds bounds{10, 100};
  EXPECT_TRUE(window.admit(key(1), Stamp(1000), bounds));
  EXPECT_FALSE(window.admit(key(1), Stamp(1099), bounds)) << "which renews nothing";
  EXPECT_TRUE(window.admit(key(1), Stamp(1100), bounds));
  EXPECT_EQ(window.size(), 1u);
}

TEST(DuplicateWindow, KnowsTheNewestKeysOnly) {
  DuplicateWindow window;
  const DuplicateWindow::Bounds bounds{3, {}};
  for (std::uint64_t i = 1; i <= 4; ++i)
    EXPECT_TRUE(window.admit(key(i), Stamp(i), bounds));
  EXPECT_EQ(window.size(), 3u);
  EXPECT_FALSE(window.admit(key(2), Stamp(9), bounds));
  EXPECT_TRUE(window.admit(key(1), Stamp(9), bounds));
  EXPECT_TRUE(window.admit(key(2), Stamp(9), bounds));
}

TEST(DuplicateWindow, ComesBackFromItsSnapshot) {
  DuplicateWindow window;
  const DuplicateWindow::Bounds bounds{50, 1000};
  for (std::uint64_t i = 0; i < 200; ++i)
    window.admit({i % 70, ~i % 70}, Stamp(5000 + i * 3), bounds);
  const std::string written = octets(window);
  DuplicateWindow restored;
  ByteReader in(written);
  ASSERT_TRUE(restored.decode(in) && in.at_end());
  EXPECT_EQ(octets(restored), written);
  for (std::uint64_t i = 0; i < 70; ++i)
    EXPECT_EQ(window.admit({i, ~i % 70}, Stamp(6000), bounds),
              restored.admit({i, ~i % 70}, Stamp(6000), bounds));
  for (std::size_t cut = 0; cut < written.size(); ++cut) {
    DuplicateWindow refused;
    ByteReader part(std::string_view(written).substr(0, cut));
    EXPECT_FALSE(refused.decode(part)) << "cut at " << cut;
  }
}

TEST(DuplicateWindow, RefusesAKeyThatIsWrittenTwice) {
  ByteWriter out;
  out.varint(2);
  for (int i = 0; i < 2; ++i) {
    out.varint(1);
    out.u64_be(7);
    out.u64_be(7);
  }
  DuplicateWindow window;
  ByteReader in(out.str());
  EXPECT_FALSE(window.decode(in));
}

TEST(DuplicateWindow, AMillionKeysCostSixtyOctetsEachAtMost) {
  DuplicateWindow window;
  for (std::uint64_t i = 0; i < 3'000'000; ++i)
    window.admit({i * 0x9e3779b97f4a7c15u, i * 0xd6e8feb86659fd93u}, Stamp(i), {1'000'000, {}});
  EXPECT_EQ(window.size(), 1'000'000u);
  EXPECT_LT(window.memory_octets(), 60'000'000u);
}

}  // namespace
}  // namespace warren::queue
