#include "broker/amqp/table.h"

#include <gtest/gtest.h>

#include "tests/unit/broker/amqp/random_values.h"

namespace warren::amqp {
namespace {

std::string framed(std::string_view fields) {
  std::string out;
  WireWriter<std::string>(out).long_string(fields);
  return out;
}

// One field "k" with these octets after its name.
std::string one_field(std::string_view value) {
  return framed("\1k" + std::string(value));
}

FieldValue value_of(std::string_view value) {
  auto table = decode_table(one_field(value));
  EXPECT_TRUE(table.has_value()) << table.error().text;
  return table->fields().front().value;
}

Error error_of(std::string_view table) {
  auto decoded = decode_table(table);
  EXPECT_FALSE(decoded.has_value());
  return decoded ? Error{} : decoded.error();
}

Fault walk_fault(std::string_view fields) {
  TableWalk walk(fields);
  TableWalk::RawField field;
  while (walk.next(field)) {
  }
  return walk.fault();
}

std::string nested(int depth, char type) {
  std::string value = "V";
  for (int i = 0; i < depth; ++i)
    value = type + framed((type == 'F' ? std::string("\1k") : std::string()) + value);
  return value;
}

TEST(Table, DecodesEveryTypeLetter) {
  EXPECT_EQ(value_of(octets("t\1")), true);
  EXPECT_EQ(value_of(octets("t\0")), false);
  EXPECT_EQ(value_of("b\xff"), std::int8_t{-1});
  EXPECT_EQ(value_of("B\xff"), std::uint8_t{255});
  EXPECT_EQ(value_of("s\xff\xfe"), std::int16_t{-2});
  EXPECT_EQ(value_of("u\xff\xfe"), std::uint16_t{65534});
  EXPECT_EQ(value_of("I\xff\xff\xff\xfd"), std::int32_t{-3});
  EXPECT_EQ(value_of(octets("i\x80\0\0\0")), std::uint32_t{1u << 31});
  EXPECT_EQ(value_of(octets("l\0\0\0\0\0\0\1\0")), std::int64_t{256});
  EXPECT_EQ(value_of("L\xff\xff\xff\xff\xff\xff\xff\xff"), std::int64_t{-1});
  EXPECT_EQ(value_of(octets("f\x3f\x80\0\0")), 1.0f);
  EXPECT_EQ(value_of(octets("d\x3f\xf0\0\0\0\0\0\0")), 1.0);
  EXPECT_EQ(value_of(octets("D\2\0\0\1\x3a")), (Decimal{2, 314}));
  EXPECT_EQ(value_of(octets("S\0\0\0\2hi")), "hi");
  EXPECT_EQ(value_of(octets("x\0\0\0\2hi")), ByteArray{"hi"});
  EXPECT_EQ(value_of(octets("T\0\0\0\0\0\0\0\5")), Timestamp{5});
  EXPECT_EQ(value_of("V"), Void{});
  EXPECT_EQ(value_of(octets("A\0\0\0\3t\1V")), (FieldArray{{true, Void{}}}));
  EXPECT_EQ(value_of(octets("F\0\0\0\3\1aV")), (FieldTable{{"a", Void{}}}));
}

TEST(Table, EncodesStringsAsLongStringsAndInt64AsSmallL) {
  FieldTable table{{"s", "hi"}, {"n", std::int64_t{1}}};
  EXPECT_EQ(encode_table(table), octets("\0\0\0\x14\1sS\0\0\0\2hi\1nl\0\0\0\0\0\0\0\1"));
}

TEST(Table, RandomTablesSurviveARoundTrip) {
  for (std::uint32_t seed = 1; seed <= 500; ++seed) {
    FieldTable table = RandomValues(seed).table();
    std::string encoded = encode_table(table);
    auto decoded = decode_table(encoded);
    ASSERT_TRUE(decoded.has_value()) << "seed " << seed;
    EXPECT_EQ(*decoded, table) << "seed " << seed;
    EXPECT_EQ(encode_table(*decoded), encoded) << "seed " << seed;
    EXPECT_EQ(walk_fault(std::string_view(encoded).substr(4)), Fault::none) << "seed " << seed;
  }
}

TEST(Table, EveryTruncationIsAFrameError) {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    std::string encoded = encode_table(RandomValues(seed).table());
    for (std::size_t size = 0; size < encoded.size(); ++size)
      EXPECT_EQ(error_of(encoded.substr(0, size)).code, ReplyCode::frame_error)
          << "seed " << seed << " cut at " << size;
  }
}

TEST(Table, WalkAndDecodeAgreeOnRandomlyDamagedTables) {
  for (std::uint32_t seed = 1; seed <= 2000; ++seed) {
    RandomValues random(seed);
    std::string encoded = encode_table(random.table());
    if (encoded.size() == 4) continue;
    std::string fields = encoded.substr(4);
    fields[random.below(static_cast<std::uint32_t>(fields.size()))] =
        static_cast<char>(random.below(256));
    EXPECT_EQ(decode_table_fields(fields).has_value(), walk_fault(fields) == Fault::none)
        << "seed " << seed;
  }
}

TEST(Table, UnknownTypeLetterIsASyntaxError) {
  Error error = error_of(one_field("q"));
  EXPECT_EQ(error.code, ReplyCode::syntax_error);
  EXPECT_EQ(error.text, "cannot decode field table: unknown field type");
  EXPECT_EQ(walk_fault("\1kq"), Fault::unknown_field_type);
}

TEST(Table, UnknownTypeLetterInsideAnArrayIsASyntaxError) {
  EXPECT_EQ(error_of(one_field(octets("A\0\0\0\1q"))).code, ReplyCode::syntax_error);
}

TEST(Table, NestingHasALimit) {
  for (char type : {'F', 'A'}) {
    std::string at_limit = "\1k" + nested(table_depth_limit - 1, type);
    EXPECT_TRUE(decode_table_fields(at_limit).has_value()) << type;
    EXPECT_EQ(walk_fault(at_limit), Fault::none) << type;
    std::string beyond = "\1k" + nested(table_depth_limit, type);
    EXPECT_EQ(decode_table_fields(beyond).error().text,
              "cannot decode field table: tables nested too deep");
    EXPECT_EQ(decode_table_fields(beyond).error().code, ReplyCode::syntax_error);
    EXPECT_EQ(walk_fault(beyond), Fault::too_deep) << type;
  }
}

TEST(Table, NumberOfValuesHasALimit) {
  auto array_of = [](int values) {
    return "\1kA" + framed(std::string(static_cast<std::size_t>(values), 'V'));
  };
  std::string at_limit = array_of(table_value_limit - 1);
  EXPECT_TRUE(decode_table_fields(at_limit).has_value());
  EXPECT_EQ(walk_fault(at_limit), Fault::none);
  std::string beyond = array_of(table_value_limit);
  EXPECT_EQ(decode_table_fields(beyond).error().text,
            "cannot decode field table: too many values in a table");
  EXPECT_EQ(walk_fault(beyond), Fault::too_many_values);
}

TEST(Table, OctetsLeftOverAreAFrameError) {
  Error error = error_of(octets("\0\0\0\0x"));
  EXPECT_EQ(error.code, ReplyCode::frame_error);
  EXPECT_EQ(error.text, "cannot decode field table: octets left over");
}

TEST(Table, LengthBeyondTheOctetsIsAFrameErrorAndAllocatesNothing) {
  EXPECT_EQ(error_of("\xff\xff\xff\xff").code, ReplyCode::frame_error);
  EXPECT_EQ(error_of(one_field("S\xff\xff\xff\xff")).code, ReplyCode::frame_error);
}

TEST(Table, DuplicatedNamesAreKeptInOrder) {
  FieldTable table{{"k", "1"}, {"k", "2"}};
  EXPECT_EQ(decode_table(encode_table(table)).value(), table);
}

TEST(TableWalk, YieldsEachFieldAsEncoded) {
  std::string encoded = encode_table(FieldTable{{"a", true}, {"b", "x"}});
  TableWalk walk(std::string_view(encoded).substr(4));
  TableWalk::RawField field;
  ASSERT_TRUE(walk.next(field));
  EXPECT_EQ(field.name, "a");
  EXPECT_EQ(field.type, 't');
  EXPECT_EQ(field.value, "\1");
  EXPECT_EQ(field.whole, "\1at\1");
  ASSERT_TRUE(walk.next(field));
  EXPECT_EQ(field.name, "b");
  EXPECT_EQ(field.value, octets("\0\0\0\1x"));
  EXPECT_FALSE(walk.next(field));
  EXPECT_EQ(walk.fault(), Fault::none);
}

}  // namespace
}  // namespace warren::amqp
