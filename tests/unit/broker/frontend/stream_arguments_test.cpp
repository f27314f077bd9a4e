#include "broker/frontend/stream_arguments.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace warren::frontend {
namespace {

using amqp::FieldArray;
using amqp::FieldTable;
using amqp::FieldValue;
using amqp::Timestamp;
using queue::StreamPoint;
using queue::StreamReading;

constexpr std::uint64_t now_ms = 1'700'000'000'000;
const std::string resource = "queue 's' in vhost '/'";

Result<StreamReading> read(const FieldTable& table, bool named = false, bool shared = false) {
  return stream_reading(table, {resource, named, shared, now_ms});
}

StreamReading from(StreamPoint point, std::uint64_t at = 0) {
  StreamReading reading;
  reading.from = point;
  reading.at = at;
  return reading;
}

TEST(StreamArguments, EveryKindOfOffsetIsRead) {
  EXPECT_EQ(read({}), from(StreamPoint::next));
  EXPECT_EQ(read({{"x-stream-offset", "first"}}), from(StreamPoint::first));
  EXPECT_EQ(read({{"x-stream-offset", "last"}}), from(StreamPoint::last));
  EXPECT_EQ(read({{"x-stream-offset", "next"}}), from(StreamPoint::next));
  EXPECT_EQ(read({{"x-stream-offset", std::int32_t{5}}}), from(StreamPoint::offset, 5));
  EXPECT_EQ(read({{"x-stream-offset", std::int64_t{0}}}), from(StreamPoint::offset, 0));
  EXPECT_EQ(read({{"x-stream-offset", Timestamp{1'600'000'000}}}),
            from(StreamPoint::time, 1'600'000'000'000));
  EXPECT_EQ(read({{"x-stream-offset", "1h"}}), from(StreamPoint::time, now_ms - 3'600'000));
}

TEST(StreamArguments, TimesStayWithinWhatCanBeCounted) {
  EXPECT_EQ(read({{"x-stream-offset", "1000Y"}}), from(StreamPoint::time, 0));
  EXPECT_EQ(read({{"x-stream-offset", Timestamp{UINT64_MAX}}}),
            from(StreamPoint::time, UINT64_MAX / 1000 * 1000));
}

TEST(StreamArguments, WhatIsNoOffsetIsRefusedInRabbitMqsWords) {
  const auto refused = [](const FieldValue& value, const std::string& term) {
    const auto reading = read({{"x-stream-offset", value}});
    ASSERT_FALSE(reading);
    EXPECT_EQ(reading.error().code, ReplyCode::precondition_failed);
    EXPECT_EQ(reading.error().text, "invalid arg 'x-stream-offset' for " + resource +
                                        ": {invalid_stream_offset_arg," + term + "}");
  };
  refused("foo", "{longstr,<<\"foo\">>}");
  refused("", "{longstr,<<\"\">>}");
  refused("0h", "{longstr,<<\"0h\">>}");
  refused("5", "{longstr,<<\"5\">>}");
  refused(std::int64_t{-1}, "{long,-1}");
  refused(true, "{bool,true}");
}

TEST(StreamArguments, AFilterIsAStringOrSeveral) {
  const auto one = read({{"x-stream-filter", "a"}});
  EXPECT_EQ(one->filters, std::vector<std::string>{"a"});
  EXPECT_FALSE(one->match_unfiltered);
  const auto two =
      read({{"x-stream-filter", FieldArray{{"a", "b"}}}, {"x-stream-match-unfiltered", true}});
  EXPECT_EQ(two->filters, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(two->match_unfiltered);
}

TEST(StreamArguments, WhatIsNoFilterIsRefused) {
  const auto fault = [](FieldTable table) { return read(table).error().text; };
  EXPECT_EQ(fault({{"x-stream-filter", std::int32_t{1}}}),
            "invalid arg 'x-stream-filter' for " + resource + ": {unacceptable_type,signedint}");
  EXPECT_EQ(fault({{"x-stream-filter", FieldArray{{"a", std::int32_t{1}}}}}),
            "invalid arg 'x-stream-filter' for " + resource + ": {unacceptable_type,array}");
  EXPECT_EQ(
      fault({{"x-stream-match-unfiltered", "yes"}}),
      "invalid arg 'x-stream-match-unfiltered' for " + resource + ": {unacceptable_type,longstr}");
  EXPECT_EQ(fault({{"x-stream-automatic-offset-tracking", std::int32_t{1}}}),
            "invalid arg 'x-stream-automatic-offset-tracking' for " + resource +
                ": {unacceptable_type,signedint}");
}

TEST(StreamArguments, ANamedReaderThatAsksForNoOffsetIsTracked) {
  EXPECT_TRUE(read({}, true)->tracked);
  EXPECT_FALSE(read({}, false)->tracked) << "nobody will come again under a name that we made";
  EXPECT_FALSE(read({{"x-stream-offset", "next"}}, true)->tracked);
}

TEST(StreamArguments, TrackingCanBeAskedForAndDeclined) {
  const FieldTable wanted{{"x-stream-offset", "first"},
                          {"x-stream-automatic-offset-tracking", true}};
  EXPECT_TRUE(read(wanted, true)->tracked);
  EXPECT_EQ(read(wanted, true)->from, StreamPoint::first);
  EXPECT_FALSE(read(wanted, false)->tracked);
  EXPECT_FALSE(read({{"x-stream-automatic-offset-tracking", false}}, true)->tracked);
}

TEST(StreamArguments, ConsumersThatTakeTurnsAreTracked) {
  EXPECT_TRUE(read({{"x-stream-offset", "first"}}, false, true)->tracked);
}

}  // namespace
}  // namespace warren::frontend
