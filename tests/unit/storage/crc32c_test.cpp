#include "storage/crc32c.h"

#include <gtest/gtest.h>

#include <string>

namespace warren::storage {
namespace {

TEST(Crc32c, GivesTheKnownValues) {
  EXPECT_EQ(crc32c_extend(0, "123456789", 9), 0xe3069283u);
  const std::string zeros(32, '\0');
  EXPECT_EQ(crc32c_extend(0, zeros.data(), zeros.size()), 0x8a9136aau);
}

TEST(Crc32c, ExtendsOverPieces) {
  const std::string text = "a piece, and then another one of another length";
  const std::uint32_t whole = crc32c_extend(0, text.data(), text.size());
  for (std::size_t cut = 0; cut <= text.size(); ++cut)
    EXPECT_EQ(
        crc32c_extend(crc32c_extend(0, text.data(), cut), text.data() + cut, text.size() - cut),
        whole);
}

}  // namespace
}  // namespace warren::storage
