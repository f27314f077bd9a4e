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

}  // namespace
}  // namespace warren::queue
