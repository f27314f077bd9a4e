#include "broker/amqp/wire.h"

#include <gtest/gtest.h>

#include "tests/unit/broker/amqp/random_values.h"

namespace warren::amqp {
namespace {

TEST(WireReader, ReadsBigEndianAndStrings) {
  std::string in = octets("\1\2\3\0\0\0\4\0\0\0\0\0\0\0\5\2ab\0\0\0\1c rest");
  WireReader reader(in);
  EXPECT_EQ(reader.u8(), 1);
  EXPECT_EQ(reader.u16(), 0x0203);
  EXPECT_EQ(reader.u32(), 4u);
  EXPECT_EQ(reader.u64(), 5u);
  EXPECT_EQ(reader.short_string(), "ab");
  EXPECT_EQ(reader.long_string(), "c");
  EXPECT_EQ(reader.rest(), " rest");
  EXPECT_TRUE(reader.ok());
}

TEST(WireReader, ShortInputReadsAsZeroAndKeepsTheFirstFault) {
  WireReader reader("\5ab");
  EXPECT_EQ(reader.short_string(), "");
  EXPECT_EQ(reader.fault(), Fault::truncated);
  EXPECT_EQ(reader.u64(), 0u);
  reader.fail(Fault::too_deep);
  EXPECT_EQ(reader.fault(), Fault::truncated);
  EXPECT_TRUE(reader.at_end());
}

TEST(WireReader, OctetsAfterTheEndAreAFault) {
  WireReader reader("x");
  reader.expect_end();
  EXPECT_EQ(reader.fault(), Fault::trailing);
}

TEST(WireWriter, WritesWhatTheReaderReads) {
  std::string out;
  WireWriter<std::string> writer(out);
  writer.u8(1);
  writer.u16(0x0203);
  writer.u32(4);
  writer.u64(5);
  writer.short_string("ab");
  writer.long_string("c");
  EXPECT_EQ(out, octets("\1\2\3\0\0\0\4\0\0\0\0\0\0\0\5\2ab\0\0\0\1c"));
}

TEST(DecodeError, MissingOctetsAreFrameErrorsAndBadTablesSyntaxErrors) {
  for (Fault fault : {Fault::truncated, Fault::trailing, Fault::unknown_property})
    EXPECT_EQ(decode_error("x", fault).code, ReplyCode::frame_error);
  for (Fault fault : {Fault::unknown_field_type, Fault::too_deep, Fault::too_many_values})
    EXPECT_EQ(decode_error("x", fault).code, ReplyCode::syntax_error);
  EXPECT_EQ(decode_error("queue.bind", Fault::truncated).text,
            "cannot decode queue.bind: octets missing");
  EXPECT_EQ(decode_error("queue.bind", Fault::malformed_utf8).text, malformed_utf8_text);
}

TEST(Utf8, IsTextOfOneToFourOctets) {
  for (std::string_view good : {"", "queue",
                                "gr\xc3\xb6\xc3\x9f"
                                "e",
                                "\xe2\x82\xac", "\xf0\x9f\x90\x87", "\xf4\x8f\xbf\xbf"})
    EXPECT_TRUE(is_utf8(good)) << good;
  for (std::string_view bad : {"\x80", "\xff", "a\xc3", "\xc3(", "\xc0\xaf", "\xe0\x80\xaf",
                               "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80"})
    EXPECT_FALSE(is_utf8(bad)) << bad;
}

}  // namespace
}  // namespace warren::amqp
