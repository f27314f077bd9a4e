#include "broker/amqp/methods.h"

#include <gtest/gtest.h>

#include <boost/pfr/core.hpp>
#include <boost/pfr/ops_fields.hpp>
#include <deque>

#include "tests/unit/broker/amqp/random_values.h"

namespace warren::amqp {
namespace {

constexpr ChannelNumber channel{1};

template <typename M>
std::string frame_of(const M& method, ChannelNumber on = channel) {
  OutputBuffer out;
  encode(method, on, out);
  return out.to_string();
}

std::string payload_of(const std::string& frame) {
  return frame.substr(7, frame.size() - 8);
}

Error error_of(std::string_view payload) {
  auto method = decode_method(payload);
  EXPECT_FALSE(method.has_value());
  return method ? Error{} : method.error();
}

// Fills every field; views point into `kept`. Names must be UTF-8.
struct Randomize {
  std::string name() const {
    std::string text = random.text(255);
    for (char& c : text)
      c &= 0x7f;
    return text;
  }

  RandomValues& random;
  std::deque<std::string>& kept;

  void operator()(bool& v) const { v = random.below(2) == 1; }
  void operator()(std::uint8_t& v) const { v = static_cast<std::uint8_t>(random.below(256)); }
  void operator()(std::uint16_t& v) const { v = static_cast<std::uint16_t>(random.below(65536)); }
  void operator()(std::uint32_t& v) const { v = random.below(UINT32_MAX); }
  void operator()(std::uint64_t& v) const { v = std::uint64_t{random.below(UINT32_MAX)} << 17; }
  void operator()(std::string& v) const { v = name(); }
  void operator()(std::string_view& v) const { v = kept.emplace_back(name()); }
  void operator()(LongString& v) const { v.value = random.text(1000); }
  void operator()(FieldTable& v) const { v = random.table(); }
};

template <typename M>
void round_trip(std::uint32_t seed) {
  RandomValues random(seed);
  std::deque<std::string> kept;
  M method;
  if constexpr (!std::is_empty_v<M>)
    boost::pfr::for_each_field(method, [&](auto& field) { Randomize{random, kept}(field); });
  std::string payload = payload_of(frame_of(method));
  auto decoded = decode_method(payload);
  ASSERT_TRUE(decoded.has_value()) << M::info.name << " seed " << seed;
  const M* same = std::get_if<M>(&*decoded);
  ASSERT_NE(same, nullptr) << M::info.name;
  if constexpr (!std::is_empty_v<M>)
    EXPECT_TRUE(boost::pfr::eq_fields(*same, method)) << M::info.name << " seed " << seed;
  EXPECT_EQ(info_of(*decoded).name, M::info.name);
  EXPECT_EQ(frame_of(*decoded), frame_of(method)) << M::info.name;
}

// Whatever is cut off or added makes it undecodable, and nothing else does.
template <typename M>
void damage(std::uint32_t seed) {
  RandomValues random(seed);
  std::deque<std::string> kept;
  M method;
  if constexpr (!std::is_empty_v<M>)
    boost::pfr::for_each_field(method, [&](auto& field) { Randomize{random, kept}(field); });
  std::string payload = payload_of(frame_of(method));
  for (std::size_t size = 0; size < payload.size(); ++size)
    EXPECT_EQ(error_of(payload.substr(0, size)).code, ReplyCode::frame_error) << M::info.name;
  Error longer = error_of(payload + '\0');
  EXPECT_EQ(longer.code, ReplyCode::frame_error) << M::info.name;
  EXPECT_EQ(longer.text, "cannot decode " + std::string(M::info.name) + ": octets left over");
}

template <typename... Ms>
void round_trip_all(const std::variant<Ms...>*, std::uint32_t seed) {
  (round_trip<Ms>(seed), ...);
}
template <typename... Ms>
void damage_all(const std::variant<Ms...>*, std::uint32_t seed) {
  (damage<Ms>(seed), ...);
}

TEST(Methods, EveryMethodSurvivesARoundTripWithRandomArguments) {
  for (std::uint32_t seed = 1; seed <= 50; ++seed)
    round_trip_all(static_cast<const Method*>(nullptr), seed);
}

TEST(Methods, EveryTruncationAndEveryExtraOctetIsAFrameError) {
  for (std::uint32_t seed = 1; seed <= 3; ++seed)
    damage_all(static_cast<const Method*>(nullptr), seed);
}

TEST(Methods, ThereAreSixtySixAndOnlyFourCarryContent) {
  EXPECT_EQ(std::variant_size_v<Method>, 66u);
  EXPECT_TRUE(BasicPublish::info.has_content);
  EXPECT_TRUE(BasicReturn::info.has_content);
  EXPECT_TRUE(BasicDeliver::info.has_content);
  EXPECT_TRUE(BasicGetOk::info.has_content);
  EXPECT_FALSE(BasicAck::info.has_content);
}

TEST(Methods, PublishHasTheseOctets) {
  BasicPublish publish{.exchange = "ex", .routing_key = "key", .mandatory = true};
  EXPECT_EQ(frame_of(publish), octets("\1\0\1\0\0\0\x0e\0\x3c\0\x28\0\0\2ex\3key\1\xce"));
}

TEST(Methods, AckHasTheseOctets) {
  EXPECT_EQ(frame_of(BasicAck{.delivery_tag = 258, .multiple = true}, ChannelNumber(513)),
            octets("\1\2\1\0\0\0\x0d\0\x3c\0\x50\0\0\0\0\0\0\1\2\1\xce"));
}

TEST(Methods, TuneHasTheseOctets) {
  ConnectionTune tune{.channel_max = 2047, .frame_max = 131072, .heartbeat_seconds = 60};
  EXPECT_EQ(frame_of(tune, ChannelNumber(0)),
            octets("\1\0\0\0\0\0\x0c\0\x0a\0\x1e\x07\xff\0\2\0\0\0\x3c\xce"));
}

TEST(Methods, FiveBitsOfQueueDeclareShareAnOctet) {
  QueueDeclare declare{.queue = "q", .durable = true, .auto_delete = true, .no_wait = true};
  EXPECT_EQ(frame_of(declare), octets("\1\0\1\0\0\0\x0d\0\x32\0\x0a\0\0\1q\x1a\0\0\0\0\xce"));
}

TEST(Methods, BitsSeparatedByOtherFieldsDoNotShareAnOctet) {
  BasicDeliver deliver{.consumer_tag = "c",
                       .delivery_tag = 1,
                       .redelivered = true,
                       .exchange = "",
                       .routing_key = "k"};
  EXPECT_EQ(frame_of(deliver),
            octets("\1\0\1\0\0\0\x12\0\x3c\0\x3c\1c\0\0\0\0\0\0\0\1\1\0\1k\xce"));
}

TEST(Methods, MethodWithoutArgumentsIsFourOctets) {
  EXPECT_EQ(frame_of(TxSelectOk{}), octets("\1\0\1\0\0\0\4\0\x5a\0\x0b\xce"));
}

TEST(Methods, UnusedHighBitsOfABitOctetAreIgnored) {
  auto method = decode_method(octets("\0\x3c\0\x6e\xff"));
  ASSERT_TRUE(method.has_value());
  EXPECT_TRUE(std::get<BasicRecover>(*method).requeue);
}

TEST(Methods, ViewsPointIntoThePayload) {
  std::string payload = octets("\0\x3c\0\x28\0\0\2ex\3key\0");
  auto method = decode_method(payload);
  ASSERT_TRUE(method.has_value());
  EXPECT_EQ(std::get<BasicPublish>(*method).exchange.data(), payload.data() + 7);
  EXPECT_EQ(std::get<BasicPublish>(*method).routing_key, "key");
}

TEST(Methods, UnknownMethodOrClassIsNotImplemented) {
  EXPECT_EQ(error_of(octets("\0\x3c\0\x29")).code, ReplyCode::not_implemented);
  EXPECT_EQ(error_of(octets("\0\x3c\0\x29")).text, "unknown method 41 of class 60");
  EXPECT_EQ(error_of(octets("\0\x63\0\x0a")).code, ReplyCode::not_implemented);
}

TEST(Methods, UnknownTypeInArgumentsIsASyntaxErrorThatNamesTheMethod) {
  Error error = error_of(octets("\0\x32\0\x0a\0\0\1q\0\0\0\0\3\1kq"));
  EXPECT_EQ(error.code, ReplyCode::syntax_error);
  EXPECT_EQ(error.text, "cannot decode queue.declare: unknown field type");
}

TEST(Methods, PeekNamesTheMethodAtTheFrontOfAPayload) {
  EXPECT_EQ(peek_method(octets("\0\x3c\0\x28 whatever follows")).name, "basic.publish");
  MethodInfo unknown = peek_method(octets("\0\x3c\0\x29"));
  EXPECT_EQ(unknown.class_id, 60);
  EXPECT_EQ(unknown.method_id, 41);
  EXPECT_EQ(unknown.name, "");
  EXPECT_EQ(peek_method("\1").class_id, 0);
}

TEST(MethodsDeathTest, ShortStringBeyond255OctetsIsAProgrammersError) {
  EXPECT_DEATH(frame_of(BasicConsumeOk{.consumer_tag = std::string(256, 'x')}), "short string");
}

}  // namespace
}  // namespace warren::amqp
