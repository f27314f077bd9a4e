#include "broker/config/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace warren::config {
namespace {

using testing::HasSubstr;

TEST(Table, EveryKeyIsThereOnceWithAReason) {
  std::set<std::string> keys;
  for (const Setting& setting : all_settings()) {
    EXPECT_TRUE(keys.insert(setting.key).second) << setting.key;
    EXPECT_FALSE(setting.reason.empty()) << setting.key;
    EXPECT_LE(setting.minimum, setting.maximum) << setting.key;
  }
}

TEST(Table, EveryDefaultIsWithinItsBounds) {
  Settings settings;
  for (const Setting& setting : all_settings()) {
    if (const auto* field = std::get_if<std::uint64_t Settings::*>(&setting.field)) {
      EXPECT_GE(settings.**field, setting.minimum) << setting.key;
      EXPECT_LE(settings.**field, setting.maximum) << setting.key;
    } else if (const auto* time = std::get_if<Milliseconds Settings::*>(&setting.field)) {
      const auto count = static_cast<std::uint64_t>((settings.**time).count());
      EXPECT_GE(count, setting.minimum) << setting.key;
      EXPECT_LE(count, setting.maximum) << setting.key;
    }
  }
}

TEST(Table, APlainKeyGoesBeforeAPattern) {
  ASSERT_NE(find_setting("loopback_users"), nullptr);
  EXPECT_EQ(find_setting("loopback_users")->key, "loopback_users");
  ASSERT_NE(find_setting("loopback_users.guest"), nullptr);
  EXPECT_EQ(find_setting("loopback_users.guest")->key, "loopback_users.$name");
  EXPECT_EQ(find_setting("cluster_formation.classic_config.nodes.one"), nullptr);
  EXPECT_EQ(find_setting("listeners.tcp."), nullptr);
  EXPECT_EQ(find_setting(""), nullptr);
}

TEST(Table, DescribesDefaultsUnitsAndReasons) {
  const std::string text = describe_settings();
  EXPECT_THAT(text, HasSubstr("raft.heartbeat_interval_ms = 100\n    ms. "));
  EXPECT_THAT(text, HasSubstr("log.console.level = info\n    debug|info|"));
}

}  // namespace
}  // namespace warren::config
