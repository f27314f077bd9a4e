#include "broker/queue/settings.h"

#include <gtest/gtest.h>

namespace warren::queue {
namespace {

TEST(Settings, ComeBackAsTheyWereWritten) {
  for (int bits = 0; bits < 8; ++bits) {
    Settings settings{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0};
    ByteWriter out;
    settings.encode(out);
    ByteReader in(out.str());
    EXPECT_EQ(Settings::decode(in), settings);
    EXPECT_TRUE(in.at_end());
  }
}

TEST(Settings, EveryLimitComesBack) {
  Settings settings;
  settings.single_active = true;
  settings.overflow = Overflow::reject_publish_dlx;
  settings.max_priority = 255;
  settings.message_ttl_ms = 0;
  settings.expires_ms = 1;
  settings.max_length = 0;
  settings.max_octets = 1u << 30;
  settings.delivery_limit = 20;
  settings.consumer_timeout_ms = 1800000;
  settings.dead_letters = DeadLettering{"/", "q", "", "graveyard", true};
  settings.retry = {RetryKind::returned, 5, 70, 2};
  settings.duplicates = {100, 60'000};
  ByteWriter out;
  settings.encode(out);
  ByteReader in(out.str());
  EXPECT_EQ(Settings::decode(in), settings);
  EXPECT_TRUE(in.at_end());
}

TEST(Settings, OfAHistoryComeBackAndAreMalformedToAnOlderBuild) {
  Settings settings;
  settings.stream = Retention{.max_messages = 20};
  ByteWriter out;
  settings.encode(out);
  EXPECT_EQ(out.str(), std::string("\x01\x05\x01\x80\x80\x06\x14", 7))
      << "an age, and no stream that has it";
  ByteReader in(out.str());
  EXPECT_EQ(Settings::decode(in), settings);
  ByteWriter mixed;
  mixed.u8(1);
  mixed.string(std::string_view("\x01\x80\x80\x07\x14\x14", 6));
  ByteReader wrong(mixed.str());
  EXPECT_FALSE(Settings::decode(wrong));
}

TEST(Settings, StrictPrioritiesComeBackAmongLimits) {
  Settings settings;
  settings.strict_priorities = true;
  settings.message_ttl_ms = 70;
  settings.duplicates = {100, 60'000};
  ByteWriter out;
  settings.encode(out);
  ByteReader in(out.str());
  EXPECT_EQ(Settings::decode(in), settings);
  EXPECT_TRUE(in.at_end());
}

TEST(Settings, DeadLettersMayKeepTheirKey) {
  Settings settings;
  settings.dead_letters = DeadLettering{"v", "q", "dlx", std::nullopt, false};
  ByteWriter out;
  settings.encode(out);
  ByteReader in(out.str());
  EXPECT_EQ(Settings::decode(in), settings);
}

TEST(Settings, AreOfOneTypeAlone) {
  Settings settings;
  settings.stream = Retention{1000, 60'000};
  settings.strict_priorities = true;
  ByteWriter out;
  settings.encode(out);
  ByteReader in(out.str());
  EXPECT_FALSE(Settings::decode(in));
}

TEST(Settings, RefuseAnUnknownOverflow) {
  ByteWriter body, out;
  body.varint(1);
  body.varint(1);
  body.u8(3);
  out.u8(1);
  out.string(body.str());
  ByteReader in(out.str());
  EXPECT_FALSE(Settings::decode(in));
}

TEST(Retry, GrowsByItsStepWithEachFailureUpToTheMost) {
  const Retry linear{RetryKind::all, 100, 350, 0};
  EXPECT_EQ(linear.delay_ms(true, 1), 100u);
  EXPECT_EQ(linear.delay_ms(true, 3), 300u);
  EXPECT_EQ(linear.delay_ms(true, 4), 350u);
  EXPECT_EQ(linear.delay_ms(true, UINT32_MAX), 350u);
  EXPECT_EQ(linear.delay_ms(false, 0), 100u) << "at least once what a step is";
}

TEST(Retry, IsMultipliedWhereItSaysSo) {
  const Retry doubled{RetryKind::all, 100, {}, 2};
  EXPECT_EQ(doubled.delay_ms(true, 1), 100u);
  EXPECT_EQ(doubled.delay_ms(true, 5), 1600u);
  EXPECT_EQ(doubled.delay_ms(true, UINT32_MAX), 315'360'000'000u) << "ten years";
  const Retry constant{RetryKind::all, 100, {}, 1};
  EXPECT_EQ(constant.delay_ms(true, UINT32_MAX), 100u);
  const Retry huge{RetryKind::all, 7, 1'000'000, UINT64_MAX};
  EXPECT_EQ(huge.delay_ms(true, 2), 1'000'000u);
}

TEST(Retry, IsForThoseOfItsKind) {
  EXPECT_EQ((Retry{RetryKind::failed, 9, {}, 0}).delay_ms(true, 1), 9u);
  EXPECT_EQ((Retry{RetryKind::failed, 9, {}, 0}).delay_ms(false, 1), 0u);
  EXPECT_EQ((Retry{RetryKind::returned, 9, {}, 0}).delay_ms(true, 1), 0u);
  EXPECT_EQ((Retry{RetryKind::returned, 9, {}, 0}).delay_ms(false, 1), 9u);
  EXPECT_EQ((Retry{RetryKind::disabled, 9, {}, 0}).delay_ms(true, 1), 0u);
  EXPECT_EQ((Retry{RetryKind::all, 0, 5, 0}).delay_ms(true, 1), 0u);
}

TEST(Settings, OfANewerWriterAreReadAsFarAsKnown) {
  ByteWriter body, out;
  body.varint(5);
  body.varint(0);
  body.string("a limit of the future");
  out.u8(2);
  out.string(body.str());
  ByteReader in(out.str());
  EXPECT_EQ(Settings::decode(in), (Settings{true, false, true}));
  EXPECT_TRUE(in.at_end());
}

TEST(Settings, RefuseTruncationAndVersionZero) {
  ByteWriter out;
  Settings{}.encode(out);
  for (std::size_t cut = 0; cut < out.size(); ++cut) {
    std::string part = out.str().substr(0, cut);
    ByteReader in(part);
    EXPECT_FALSE(Settings::decode(in));
  }
  std::string zero = out.str();
  zero[0] = 0;
  ByteReader in(zero);
  EXPECT_FALSE(Settings::decode(in));
}

TEST(Settings, OfAStreamComeBack) {
  for (const Retention& retention :
       {Retention{}, Retention{1000, {}}, Retention{{}, 60'000}, Retention{1000, 60'000}}) {
    Settings settings;
    settings.stream = retention;
    settings.single_active = true;
    ByteWriter out;
    settings.encode(out);
    ByteReader in(out.str());
    EXPECT_EQ(Settings::decode(in), settings);
    EXPECT_TRUE(in.at_end());
  }
}

TEST(Settings, ThoseOfBeforeDelayedRetriesAreReadAndWrittenAsTheyWere) {
  Settings settings;
  settings.max_length = 5;
  settings.dead_letters = DeadLettering{"/", "q", "dlx", "k", false};
  const std::string written(
      "\x01\x0f\x01\x90\x08\x05\x01\x01/\x01q\x03"
      "dlx\x01k",
      17);
  ByteReader in(written);
  EXPECT_EQ(Settings::decode(in), settings);
  EXPECT_TRUE(in.at_end());
  ByteWriter out;
  settings.encode(out);
  EXPECT_EQ(out.str(), written);
}

}  // namespace
}  // namespace warren::queue
