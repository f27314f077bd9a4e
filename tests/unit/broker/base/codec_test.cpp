#include "broker/base/codec.h"

#include <gtest/gtest.h>

#include <limits>

namespace warren {
namespace {

TEST(ByteCodec, VarintsOfEveryLengthComeBack) {
  for (int bit = 0; bit < 64; ++bit) {
    const std::uint64_t value = std::uint64_t{1} << bit;
    for (std::uint64_t v : {value - 1, value, value + 1}) {
      ByteWriter out;
      out.varint(v);
      ByteReader in(out.str());
      EXPECT_EQ(in.varint(), v);
      EXPECT_TRUE(in.ok() && in.at_end());
    }
  }
}

TEST(ByteCodec, SmallVarintsTakeOneOctet) {
  ByteWriter out;
  out.varint(127);
  EXPECT_EQ(out.size(), 1u);
  out.varint(128);
  EXPECT_EQ(out.size(), 3u);
}

TEST(ByteCodec, ZigzagKeepsTheSign) {
  for (std::int64_t v :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1}, std::int64_t{-64},
        std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    ByteWriter out;
    out.zigzag(v);
    EXPECT_EQ(ByteReader(out.str()).zigzag(), v);
  }
}

TEST(ByteCodec, FixedIntegersAreBigEndianSoThatKeysSort) {
  ByteWriter out;
  out.u32_be(0x01020304);
  out.u64_be(0x05060708090a0b0cu);
  EXPECT_EQ(out.str(), "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c");
  ByteReader in(out.str());
  EXPECT_EQ(in.u32_be(), 0x01020304u);
  EXPECT_EQ(in.u64_be(), 0x05060708090a0b0cu);
  EXPECT_TRUE(in.ok() && in.at_end());
}

TEST(ByteCodec, StringsAndBooleansComeBack) {
  ByteWriter out;
  out.string("rabbit");
  out.boolean(true);
  out.string("");
  out.raw("rest");
  ByteReader in(out.str());
  EXPECT_EQ(in.string(), "rabbit");
  EXPECT_TRUE(in.boolean());
  EXPECT_EQ(in.string(), "");
  EXPECT_EQ(in.rest(), "rest");
  EXPECT_EQ(in.remaining(), 4u);
  EXPECT_EQ(in.raw(4), "rest");
  EXPECT_TRUE(in.ok() && in.at_end());
}

TEST(ByteCodec, ShortInputReadsAsZeroFromThereOn) {
  ByteReader in(std::string_view("\x00\x00\x01", 3));
  EXPECT_EQ(in.u32_be(), 0u);
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.u8(), 0u);
  EXPECT_EQ(in.string(), "");
}

TEST(ByteCodec, StringLongerThanTheInputIsAFault) {
  ByteWriter out;
  out.varint(std::numeric_limits<std::uint64_t>::max());
  out.raw("abc");
  ByteReader in(out.str());
  EXPECT_EQ(in.string(), "");
  EXPECT_FALSE(in.ok());
}

TEST(ByteCodec, EndlessVarintIsAFault) {
  const std::string endless(11, '\xff');
  ByteReader in(endless);
  EXPECT_EQ(in.varint(), 0u);
  EXPECT_FALSE(in.ok());
}

}  // namespace
}  // namespace warren
