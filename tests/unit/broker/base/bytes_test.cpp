#include "broker/base/bytes.h"

#include <gtest/gtest.h>

#include <memory>

namespace warren {
namespace {

TEST(Bytes, DefaultIsEmpty) {
  Bytes bytes;
  EXPECT_TRUE(bytes.empty());
  EXPECT_EQ(bytes.view(), "");
}

TEST(Bytes, CopiesAndSlicesShareTheBuffer) {
  Bytes whole(std::string("a long enough string to live on the heap"));
  Bytes copy = whole;
  Bytes part = whole.slice(2, 4);
  EXPECT_EQ(copy.data(), whole.data());
  EXPECT_EQ(part.view(), "long");
  EXPECT_EQ(part.data(), whole.data() + 2);
  EXPECT_EQ(part.owner(), whole.owner());
}

TEST(Bytes, SliceKeepsTheBufferAlive) {
  Bytes part;
  {
    Bytes whole = Bytes::copy_of("short-lived buffer, long-lived slice");
    part = whole.slice(0, 11);
  }
  EXPECT_EQ(part.view(), "short-lived");
}

TEST(Bytes, EqualityIsOfOctets) {
  EXPECT_EQ(Bytes::copy_of("same"), Bytes::copy_of("same"));
  EXPECT_NE(Bytes::copy_of("same"), Bytes::copy_of("other"));
}

TEST(Bytes, ForeignBufferIsReferredToAndNotCopied) {
  auto owner = std::make_shared<std::string>("socket read");
  Bytes bytes(owner, std::string_view(*owner).substr(7));
  EXPECT_EQ(bytes.view(), "read");
  EXPECT_EQ(bytes.data(), owner->data() + 7);
  EXPECT_EQ(owner.use_count(), 2);
}

TEST(BytesDeathTest, SliceBeyondTheEndIsAProgrammersError) {
  Bytes bytes = Bytes::copy_of("abc");
  EXPECT_DEATH(bytes.slice(2, 2), "slice 2\\+2 of 3");
}

}  // namespace
}  // namespace warren
