#include "broker/amqp/death.h"

#include <gtest/gtest.h>

#include "broker/amqp/table.h"

namespace warren::amqp {
namespace {

const Death expired_in_q{"q", "expired", 1000, "x", "key"};
const Death rejected_in_r{"r", "rejected", 2000, "", "r"};

std::string raw_with(FieldTable headers) {
  BasicProperties properties;
  properties.headers = std::move(headers);
  return encode_properties(properties);
}
FieldTable die(const std::string& raw, const Death& death, bool known = true) {
  const DeadProperties dead = with_death(raw, death, known, true);
  EXPECT_EQ(decode_properties(dead.raw), dead.properties);
  return *dead.properties.headers;
}
FieldTable die(const FieldTable& headers, const Death& death, bool known = true) {
  return die(raw_with(headers), death, known);
}
std::vector<FieldTable> deaths(const FieldTable& headers) {
  std::vector<FieldTable> all;
  for (const FieldValue& value : headers.find("x-death")->get_if<FieldArray>()->values)
    all.push_back(*value.get_if<FieldTable>());
  return all;
}

TEST(Death, TheFirstIsToldThreeTimes) {
  const FieldTable headers = die(FieldTable{{"k", "v"}}, expired_in_q);
  EXPECT_EQ(headers.as_string("k"), "v");
  EXPECT_EQ(deaths(headers),
            (std::vector{FieldTable{{"count", std::int64_t{1}},
                                    {"reason", "expired"},
                                    {"queue", "q"},
                                    {"time", Timestamp{1000}},
                                    {"exchange", "x"},
                                    {"routing-keys", FieldArray{{FieldValue("key")}}}}}));
  for (const char* which : {"x-first-death-", "x-last-death-"}) {
    EXPECT_EQ(headers.as_string(which + std::string("queue")), "q");
    EXPECT_EQ(headers.as_string(which + std::string("reason")), "expired");
    EXPECT_EQ(headers.as_string(which + std::string("exchange")), "x");
  }
}

TEST(Death, TheNewestComesFirstAndTheSameCounts) {
  FieldTable headers = die(FieldTable{}, expired_in_q);
  headers = die(headers, rejected_in_r);
  Death later = expired_in_q;
  later.seconds = 5000;
  later.routing_key = "other";
  headers = die(headers, later);
  const auto all = deaths(headers);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].as_string("queue"), "q");
  EXPECT_EQ(all[0].as_integer("count"), 2);
  EXPECT_EQ(*all[0].find("time"), FieldValue(Timestamp{1000}));
  EXPECT_EQ(all[1].as_string("queue"), "r");
  EXPECT_EQ(headers.as_string("x-first-death-queue"), "q");
  EXPECT_EQ(headers.as_string("x-last-death-reason"), "expired");
}

TEST(Death, ExpirationMovesIntoTheStory) {
  BasicProperties properties;
  properties.expiration = "60000";
  properties.message_id = "m";
  const auto dead = with_death(encode_properties(properties), expired_in_q, false, true).properties;
  EXPECT_FALSE(dead.expiration);
  EXPECT_EQ(dead.message_id, "m");
  EXPECT_EQ(deaths(*dead.headers)[0].as_string("original-expiration"), "60000");
}

TEST(Death, CarbonCopiesAreAmongTheKeys) {
  const FieldTable headers =
      die(FieldTable{{"CC", FieldArray{{FieldValue("a"), FieldValue("b")}}}}, expired_in_q);
  const FieldArray expected{{FieldValue("key"), FieldValue("a"), FieldValue("b")}};
  EXPECT_EQ(*deaths(headers)[0].find("routing-keys"), FieldValue(expected));
}

TEST(Death, AClientsWordIsForgotten) {
  FieldTable claimed = die(FieldTable{}, rejected_in_r);
  claimed.add("mine", "kept");
  const FieldTable headers = die(claimed, expired_in_q, false);
  EXPECT_EQ(deaths(headers).size(), 1u);
  EXPECT_EQ(headers.as_string("x-first-death-queue"), "q");
  EXPECT_EQ(headers.as_string("mine"), "kept");
  // Of any type.
  EXPECT_EQ(deaths(die(FieldTable{{"x-death", "nonsense"}}, expired_in_q, true)).size(), 1u);
}

TEST(Death, ACycleIsOneThatNobodyRejectedIn) {
  FieldTable headers = die(FieldTable{}, expired_in_q);
  EXPECT_TRUE(completes_cycle(headers, "q"));
  EXPECT_FALSE(completes_cycle(headers, "r"));
  headers = die(headers, rejected_in_r);
  EXPECT_FALSE(completes_cycle(headers, "q"));
  EXPECT_FALSE(completes_cycle(headers, "r"));
  headers = die(headers, expired_in_q);
  EXPECT_TRUE(completes_cycle(headers, "q"));
  EXPECT_FALSE(completes_cycle(headers, "r")) << "rejected, there itself";
  EXPECT_FALSE(completes_cycle(FieldTable{}, "q"));
}

TEST(Death, WithAnotherKeyCopiesAreForgotten) {
  const std::string raw = raw_with(FieldTable{{"CC", FieldArray{{FieldValue("a")}}}});
  EXPECT_TRUE(with_death(raw, expired_in_q, false, true).properties.headers->contains("CC"));
  EXPECT_FALSE(with_death(raw, expired_in_q, false, false).properties.headers->contains("CC"));
}

TEST(Death, OfAKeyThatIsNoStringNothingIsTold) {
  FieldValue nested(FieldArray{{FieldValue("a")}});
  for (int depth = 3; depth < table_depth_limit; ++depth)
    nested = FieldArray{{nested}};
  const std::string raw = raw_with(FieldTable{{"CC", FieldArray{{nested, FieldValue("b")}}}});
  ASSERT_TRUE(scan_properties(raw));
  const FieldTable headers = die(raw, expired_in_q, false);
  const FieldArray expected{{FieldValue("key"), FieldValue("b")}};
  EXPECT_EQ(*deaths(headers)[0].find("routing-keys"), FieldValue(expected));
}

TEST(Death, HeadersFullToTheBrimAreGivenUpForIt) {
  FieldArray many;
  many.values.resize(table_value_limit - 2, FieldValue(Void{}));
  const std::string raw = raw_with(FieldTable{{"many", many}});
  ASSERT_TRUE(scan_properties(raw));
  const FieldTable headers = die(raw, expired_in_q, false);
  EXPECT_FALSE(headers.contains("many"));
  EXPECT_EQ(deaths(headers)[0].as_string("queue"), "q");
  EXPECT_EQ(headers.as_string("x-last-death-queue"), "q");
}

TEST(Death, KeysAreForgottenBeforeAFrameIsTooSmall) {
  FieldArray copies;
  copies.values.resize(300, FieldValue(std::string(100, 'c')));
  FieldTable headers{{"CC", copies}, {"k", "v"}};
  for (int i = 0; i < 10; ++i) {
    const std::string queue = "q" + std::to_string(i);
    Death death = expired_in_q;
    death.queue = queue;
    const DeadProperties dead = with_death(raw_with(headers), death, i > 0, true);
    EXPECT_LT(dead.raw.size(), 128u * 1024);
    headers = *dead.properties.headers;
    EXPECT_EQ(headers.as_string("k"), "v");
    EXPECT_EQ(headers.as_string("x-first-death-queue"), "q0");
    EXPECT_EQ(deaths(headers)[0].as_string("queue"), queue);
    EXPECT_EQ(deaths(headers).size(), static_cast<std::size_t>(i) + 1);
  }
}

// Else a message with such headers would go round for ever.
TEST(Death, ACycleIsSeenWhateverThePublisherWrote) {
  FieldTable headers{{"filler", std::string(129'800, 'f')}};
  headers = die(headers, expired_in_q, false);
  Death in_r = rejected_in_r;
  in_r.reason = "expired";
  headers = die(headers, in_r);
  EXPECT_TRUE(completes_cycle(headers, "q"));
  EXPECT_TRUE(completes_cycle(headers, "r"));
}

TEST(Death, PropertiesThatAreNoneAreReplaced) {
  const DeadProperties dead = with_death("\x20", expired_in_q, true, true);
  EXPECT_TRUE(completes_cycle(*dead.properties.headers, "q"));
}

}  // namespace
}  // namespace warren::amqp
