#include "broker/config/values.h"

#include <gtest/gtest.h>

namespace warren::config {
namespace {

TEST(Values, SizesTakeBinaryAndDecimalUnits) {
  EXPECT_EQ(parse_bytes("12"), 12u);
  EXPECT_EQ(parse_bytes("1kiB"), 1024u);
  EXPECT_EQ(parse_bytes("2 MB"), 2000000u);
  EXPECT_EQ(parse_bytes("1G"), 1073741824u);
  EXPECT_FALSE(parse_bytes("1.5G"));
  EXPECT_FALSE(parse_bytes("-1"));
  EXPECT_FALSE(parse_bytes("9999999999999 T"));
  EXPECT_FALSE(parse_bytes(""));
}

TEST(Values, TimesTakeUnits) {
  EXPECT_EQ(parse_milliseconds("250"), Milliseconds(250));
  EXPECT_EQ(parse_milliseconds("2s"), Milliseconds(2000));
  EXPECT_EQ(parse_milliseconds("1h"), Milliseconds(3600000));
  EXPECT_FALSE(parse_milliseconds("soon"));
}

TEST(Values, EndpointsArePortsOrHostAndPort) {
  EXPECT_EQ(parse_endpoint("5672", "0.0.0.0", 0), (Endpoint{"0.0.0.0", 5672}));
  EXPECT_EQ(parse_endpoint("127.0.0.1:1", "", 0), (Endpoint{"127.0.0.1", 1}));
  EXPECT_EQ(parse_endpoint("[::1]:5672", "", 0), (Endpoint{"::1", 5672}));
  EXPECT_EQ(parse_endpoint(":::5672", "", 0), (Endpoint{"::", 5672}));
  EXPECT_EQ(parse_endpoint("host", "", 25672), (Endpoint{"host", 25672}));
  EXPECT_FALSE(parse_endpoint("host", "", 0));
  EXPECT_FALSE(parse_endpoint("host:port", "", 0));
  EXPECT_FALSE(parse_endpoint("host:70000", "", 0));
  EXPECT_FALSE(parse_endpoint("[::1", "", 0));
  EXPECT_FALSE(parse_endpoint("", "", 0));
  EXPECT_EQ((Endpoint{"::1", 5}.text()), "[::1]:5");
}

TEST(Values, NodesAreNameAtHostWithAnOptionalPort) {
  EXPECT_EQ(parse_node("warren1@127.0.0.1:25675"),
            (ConfiguredNode{"warren1@127.0.0.1", {"127.0.0.1", 25675}}));
  EXPECT_EQ(parse_node("w@h"), (ConfiguredNode{"w@h", {"h", 25672}}));
  EXPECT_FALSE(parse_node("host:25672"));
  EXPECT_FALSE(parse_node("@host"));
  EXPECT_FALSE(parse_node("w@"));
}

}  // namespace
}  // namespace warren::config
