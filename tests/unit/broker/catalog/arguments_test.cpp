#include "broker/catalog/arguments.h"

#include "tests/unit/broker/catalog/fixture.h"

namespace warren::catalog {
namespace {

TEST(Arguments, FirstOfEqualNamesCounts) {
  const Arguments arguments{text("a", "1"), text("a", "2")};
  EXPECT_EQ(find_argument(arguments, "a")->value, "1");
  EXPECT_EQ(find_argument(arguments, "b"), nullptr);
}

TEST(Arguments, IntegersOfAnyWidthAreRead) {
  EXPECT_EQ(integer_argument({number("n", -7, "byte")}, "n"), -7);
  EXPECT_EQ(integer_argument({number("n", 7, "unsignedint")}, "n"), 7);
  EXPECT_EQ(integer_argument({text("n", "7")}, "n"), std::nullopt);
  EXPECT_EQ(integer_argument({{"n", "long", "99999999999999999999"}}, "n"), std::nullopt);
  EXPECT_EQ(integer_argument({{"n", "long", ""}}, "n"), std::nullopt);
  EXPECT_EQ(integer_argument({}, "n"), std::nullopt);
}

TEST(Arguments, DifferencesAreLookedForInAFixedOrder) {
  const Arguments received{text("x-overflow", "drop-head"), number("x-expires", 5)};
  EXPECT_EQ(check_equivalent_queue_arguments({}, received, "queue 'q' in vhost '/'").error().text,
            "inequivalent arg 'x-expires' for queue 'q' in vhost '/': received the value '5' of "
            "type 'long' but current is none");
}

TEST(Arguments, AgesHaveANumberAndAUnit) {
  EXPECT_EQ(age_in_ms("1s"), 1000u);
  EXPECT_EQ(age_in_ms("2m"), 120'000u);
  EXPECT_EQ(age_in_ms("1h"), 3'600'000u);
  EXPECT_EQ(age_in_ms("1D"), 86'400'000u);
  EXPECT_EQ(age_in_ms("1M"), 30u * 86'400'000);
  EXPECT_EQ(age_in_ms("1Y"), 365ull * 86'400'000);
  for (const char* none : {"", "h", "1", "0h", "-1h", "1.5h", "1 h", "1hh", "1H", " 1h",
                           "99999999999999999999s", "999999999999Y"})
    EXPECT_EQ(age_in_ms(none), std::nullopt) << none;
}

TEST(Arguments, HeaderFieldsKeepOrderAndDuplicates) {
  const auto fields = header_fields({text("b", "1"), text("a", "2"), text("b", "3")});
  ASSERT_EQ(fields.size(), 3u);
  EXPECT_EQ(fields[2], (routing::HeaderField{"b", "longstr", "3"}));
}

}  // namespace
}  // namespace warren::catalog
