#include "broker/amqp/types.h"

#include <gtest/gtest.h>

namespace warren::amqp {
namespace {

TEST(FieldTable, KeepsDuplicatesAndFindsTheFirst) {
  FieldTable table{{"a", std::int32_t{1}}, {"a", std::int32_t{2}}};
  EXPECT_EQ(table.size(), 2u);
  EXPECT_EQ(table.as_integer("a"), 1);
}

TEST(FieldTable, SetReplacesEveryFieldOfTheName) {
  FieldTable table{{"a", "1"}, {"b", "2"}, {"a", "3"}};
  table.set("a", "x");
  table.set("c", "y");
  EXPECT_EQ(table, (FieldTable{{"a", "x"}, {"b", "2"}, {"c", "y"}}));
}

TEST(FieldTable, EraseRemovesEveryFieldOfTheName) {
  FieldTable table{{"a", "1"}, {"b", "2"}, {"a", "3"}};
  EXPECT_TRUE(table.erase("a"));
  EXPECT_FALSE(table.erase("a"));
  EXPECT_EQ(table, (FieldTable{{"b", "2"}}));
}

TEST(FieldTable, TypedLookUpsSeeOnlyTheirType) {
  FieldTable table{{"i", std::uint8_t{7}}, {"s", "x"}, {"t", true}, {"f", FieldTable{{"k", "v"}}}};
  EXPECT_EQ(table.as_integer("i"), 7);
  EXPECT_EQ(table.as_integer("t"), std::nullopt);
  EXPECT_EQ(table.as_integer("none"), std::nullopt);
  EXPECT_EQ(table.as_string("s"), "x");
  EXPECT_EQ(table.as_string("i"), std::nullopt);
  EXPECT_EQ(table.as_bool("t"), true);
  EXPECT_EQ(table.as_bool("i"), std::nullopt);
  ASSERT_NE(table.as_table("f"), nullptr);
  EXPECT_EQ(table.as_table("f")->as_string("k"), "v");
  EXPECT_EQ(table.as_table("s"), nullptr);
}

TEST(FieldValue, HasRabbitMqsNameForEachType) {
  EXPECT_EQ(type_name(Void{}), "void");
  EXPECT_EQ(type_name(true), "bool");
  EXPECT_EQ(type_name(std::int8_t{1}), "byte");
  EXPECT_EQ(type_name(std::uint8_t{1}), "unsignedbyte");
  EXPECT_EQ(type_name(std::int16_t{1}), "short");
  EXPECT_EQ(type_name(std::uint16_t{1}), "unsignedshort");
  EXPECT_EQ(type_name(std::int32_t{1}), "signedint");
  EXPECT_EQ(type_name(std::uint32_t{1}), "unsignedint");
  EXPECT_EQ(type_name(std::int64_t{1}), "long");
  EXPECT_EQ(type_name(1.0f), "float");
  EXPECT_EQ(type_name(1.0), "double");
  EXPECT_EQ(type_name(Decimal{}), "decimal");
  EXPECT_EQ(type_name("x"), "longstr");
  EXPECT_EQ(type_name(FieldArray{}), "array");
  EXPECT_EQ(type_name(Timestamp{}), "timestamp");
  EXPECT_EQ(type_name(FieldTable{}), "table");
  EXPECT_EQ(type_name(ByteArray{}), "binary");
}

TEST(FieldValue, PrintsItsBareValue) {
  EXPECT_EQ(to_string(std::int8_t{-5}), "-5");
  EXPECT_EQ(to_string(std::uint8_t{65}), "65");
  EXPECT_EQ(to_string(true), "true");
  EXPECT_EQ(to_string(false), "false");
  EXPECT_EQ(to_string("abc"), "abc");
  EXPECT_EQ(to_string(0.5), "0.5");
  EXPECT_EQ(to_string(Void{}), "undefined");
  EXPECT_EQ(to_string(Decimal{2, 314}), "{2,314}");
  EXPECT_EQ(to_string(Timestamp{9}), "9");
  EXPECT_EQ(to_string(ByteArray{"raw"}), "raw");
  EXPECT_EQ(to_string(FieldArray{{"a", std::int32_t{1}}}), "[a,1]");
  EXPECT_EQ(to_string(FieldTable{{"k", "v"}, {"n", std::int32_t{2}}}), "{k=v,n=2}");
}

TEST(FieldValue, IntegersOfAllWidthsAreEquivalentByValue) {
  FieldValue byte = std::int8_t{5}, wide = std::int64_t{5}, other = std::uint16_t{6};
  EXPECT_TRUE(equivalent(&byte, &wide));
  EXPECT_FALSE(equivalent(&byte, &other));
}

TEST(FieldValue, FloatAndDoubleAreEquivalentByValueButNotWithIntegers) {
  FieldValue single = 2.0f, twice = 2.0, integer = std::int32_t{2};
  EXPECT_TRUE(equivalent(&single, &twice));
  EXPECT_FALSE(equivalent(&single, &integer));
  EXPECT_FALSE(equivalent(&integer, &single));
}

TEST(FieldValue, OtherTypesAreEquivalentOnlyToTheirOwn) {
  FieldValue text = "1", bits = ByteArray{"1"}, truth = true, one = std::int32_t{1};
  EXPECT_TRUE(equivalent(&text, &text));
  EXPECT_FALSE(equivalent(&text, &bits));
  EXPECT_FALSE(equivalent(&truth, &one));
}

TEST(FieldValue, AbsentEqualsOnlyAbsent) {
  FieldValue value = Void{};
  EXPECT_TRUE(equivalent(nullptr, nullptr));
  EXPECT_FALSE(equivalent(&value, nullptr));
  EXPECT_FALSE(equivalent(nullptr, &value));
}

TEST(InequivalentText, NamesTheTypeWhenOneSideIsAbsent) {
  FieldValue two = std::int64_t{2};
  EXPECT_EQ(inequivalent_text("x-message-ttl", "queue 'q' in vhost '/'", &two, nullptr),
            "inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/': received the value '2' "
            "of type 'long' but current is none");
}

TEST(InequivalentText, GivesBareValuesWhenBothAreThere) {
  FieldValue two = std::int64_t{2}, one = std::int64_t{1};
  EXPECT_EQ(inequivalent_text("x", "queue 'q' in vhost '/'", &two, &one),
            "inequivalent arg 'x' for queue 'q' in vhost '/': received '2' but current is '1'");
}

}  // namespace
}  // namespace warren::amqp
