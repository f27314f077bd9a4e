#include "broker/amqp/output_buffer.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace warren::amqp {
namespace {

std::string gathered(const OutputBuffer& out) {
  std::vector<OutputBuffer::Piece> pieces(4096);
  pieces.resize(out.gather(pieces));
  std::string all;
  for (const auto& piece : pieces)
    all.append(piece.data, piece.size);
  return all;
}

Bytes pattern(std::size_t size) {
  std::string octets(size, '\0');
  for (std::size_t i = 0; i < size; ++i)
    octets[i] = static_cast<char>(i * 7 + size);
  return Bytes(std::move(octets));
}

TEST(OutputBuffer, SmallAppendsShareOnePiece) {
  OutputBuffer out;
  out.append("ab");
  out.append("cd");
  std::array<OutputBuffer::Piece, 4> pieces;
  ASSERT_EQ(out.gather(pieces), 1u);
  EXPECT_EQ(std::string_view(pieces[0].data, pieces[0].size), "abcd");
}

TEST(OutputBuffer, LargeSlicesAreNotCopied) {
  OutputBuffer out;
  Bytes large = pattern(OutputBuffer::copy_limit);
  out.append("head");
  out.append(large);
  out.append("tail");
  std::array<OutputBuffer::Piece, 4> pieces;
  ASSERT_EQ(out.gather(pieces), 3u);
  EXPECT_EQ(pieces[1].data, large.data());
  EXPECT_EQ(gathered(out), "head" + std::string(large.view()) + "tail");
}

TEST(OutputBuffer, SmallSlicesAreCopied) {
  OutputBuffer out;
  Bytes small = pattern(OutputBuffer::copy_limit - 1);
  out.append(small);
  std::array<OutputBuffer::Piece, 1> pieces;
  ASSERT_EQ(out.gather(pieces), 1u);
  EXPECT_NE(pieces[0].data, small.data());
  EXPECT_EQ(small.owner().use_count(), 1);
}

TEST(OutputBuffer, ReleasesASliceOnceItIsConsumed) {
  OutputBuffer out;
  Bytes large = pattern(8192);
  out.append(large);
  EXPECT_EQ(large.owner().use_count(), 2);
  out.append("x");
  out.consume(8191);
  EXPECT_EQ(large.owner().use_count(), 2);
  out.consume(1);
  EXPECT_EQ(large.owner().use_count(), 1);
  EXPECT_EQ(out.to_string(), "x");
}

TEST(OutputBuffer, GatherStopsAtTheSpan) {
  OutputBuffer out;
  for (int i = 0; i < 3; ++i)
    out.append(pattern(5000));
  std::array<OutputBuffer::Piece, 2> pieces;
  EXPECT_EQ(out.gather(pieces), 2u);
}

TEST(OutputBuffer, GatheredPiecesStayWhileMoreIsAppended) {
  OutputBuffer out;
  out.append("first");
  std::array<OutputBuffer::Piece, 1> pieces;
  out.gather(pieces);
  for (int i = 0; i < 100; ++i)
    out.append(std::string(1000, 'x'));
  EXPECT_EQ(std::string_view(pieces[0].data, pieces[0].size), "first");
}

TEST(OutputBuffer, ClaimIsContiguousAcrossBlocks) {
  OutputBuffer out;
  out.append(std::string(OutputBuffer::block_size - 3, 'a'));
  char* claimed = out.claim(7);
  std::memcpy(claimed, "1234567", 7);
  EXPECT_EQ(out.to_string(), std::string(OutputBuffer::block_size - 3, 'a') + "1234567");
}

TEST(OutputBuffer, ShrinkKeepsWhatIsPending) {
  OutputBuffer out;
  out.append("pending");
  out.shrink();
  EXPECT_EQ(out.to_string(), "pending");
  out.consume(7);
  out.shrink();
  out.append("again");
  EXPECT_EQ(out.to_string(), "again");
}

TEST(OutputBuffer, RandomAppendsAndConsumesKeepTheOrder) {
  for (std::uint32_t seed = 1; seed <= 100; ++seed) {
    std::mt19937 random(seed);
    OutputBuffer out;
    std::string model;
    for (int step = 0; step < 400; ++step) {
      std::size_t size = random() % (step % 7 == 0 ? 40000 : 600);
      Bytes octets = pattern(size);
      switch (random() % 4) {
        case 0:
          out.append(octets);
          break;
        case 1:
          out.append(octets.view());
          break;
        case 2:
          octets = octets.slice(0, std::min<std::size_t>(size, 100));
          if (!octets.empty()) std::memcpy(out.claim(octets.size()), octets.data(), octets.size());
          break;
        default:
          octets = Bytes();
          size = std::min<std::size_t>(random() % 60000, model.size());
          out.consume(size);
          model.erase(0, size);
      }
      model += octets.view();
      ASSERT_EQ(out.size(), model.size()) << "seed " << seed << " step " << step;
    }
    ASSERT_EQ(gathered(out), model) << "seed " << seed;
    out.consume(out.size());
    EXPECT_TRUE(out.empty());
  }
}

TEST(OutputBuffer, TakesAllThatAnotherHolds) {
  OutputBuffer out, other;
  out.append("before ");
  const Bytes large = pattern(50'000);
  other.append("small ");
  other.append(large);
  other.append(" after");
  other.consume(2);
  out.append_all(other);
  EXPECT_TRUE(other.empty());
  out.append(".");
  const std::string expected = "before all " + std::string(large.view()) + " after.";
  EXPECT_EQ(out.size(), expected.size());
  EXPECT_EQ(gathered(out), expected);
  out.append_all(other);
  EXPECT_EQ(out.size(), expected.size());
  out.consume(out.size());
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace warren::amqp
