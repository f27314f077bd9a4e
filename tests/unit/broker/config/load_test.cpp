#include "broker/config/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace warren::config {
namespace {

using testing::HasSubstr;

Sources from_file(std::string text) {
  return {.file = "warren.conf", .file_text = std::move(text)};
}

TEST(Load, TakesThePartOfTheMemoryThatRabbitMqsKeyNames) {
  const auto settings = load(from_file("vm_memory_high_watermark.relative = 0.25\n"));
  ASSERT_TRUE(settings) << settings.error();
  EXPECT_EQ(settings->memory_share, 0.25);
  for (const char* bad : {"0", "1.1", "-1", "half", "0.5 GB", "nan"})
    EXPECT_FALSE(load(from_file(std::string("vm_memory_high_watermark.relative = ") + bad))) << bad;
}

TEST(Load, ReadsRabbitMqsFormat) {
  const auto settings = load(from_file(
      "# a comment\n\nlisteners.tcp.default = 5673\nlisteners.tcp.1 = 10.0.0.1:5674 # other\n"
      "node.name = warren1@127.0.0.1\n"
      "cluster_formation.classic_config.nodes.1 = warren1@127.0.0.1:25672\n"
      "cluster_formation.classic_config.nodes.2 = warren2@host2\n"
      "heartbeat = 30\r\nmax_message_size = 1MiB\nloopback_users = none\n"
      "default_pass = 'a # b'\nraft.election_timeout_max_ms = 1.5\n"));
  ASSERT_FALSE(settings);
  EXPECT_THAT(settings.error(), HasSubstr("warren.conf:12: raft.election_timeout_max_ms: "));

  const auto good =
      load(from_file("listeners.tcp.default = 5673\nlisteners.tcp.1 = 10.0.0.1:5674 # other\n"
                     "node.name = warren1@127.0.0.1\n"
                     "cluster_formation.classic_config.nodes.1 = warren1@127.0.0.1:25675\n"
                     "cluster_formation.classic_config.nodes.2 = warren2@host2\n"
                     "heartbeat = 30\r\nmax_message_size = 1MiB\nloopback_users = none\n"
                     "default_pass = 'a # b'\nattach.grace_ms = 3s\n"));
  ASSERT_TRUE(good) << good.error();
  EXPECT_EQ(good->amqp_listeners.at("default"), (Endpoint{"0.0.0.0", 5673}));
  EXPECT_EQ(good->amqp_listeners.at("1"), (Endpoint{"10.0.0.1", 5674}));
  EXPECT_EQ(good->nodes.at(2), (ConfiguredNode{"warren2@host2", {"host2", 25672}}));
  EXPECT_EQ(good->cluster_address, (Endpoint{"127.0.0.1", 25675}));
  EXPECT_EQ(good->heartbeat_s, 30u);
  EXPECT_EQ(good->max_message_size, 1048576u);
  EXPECT_FALSE(good->is_loopback_user("guest"));
  EXPECT_EQ(good->default_pass, "a # b");
  EXPECT_EQ(good->attach_grace, Milliseconds(3000));
}

TEST(Load, FillsInWhatWasNotSet) {
  const auto settings = load({});
  ASSERT_TRUE(settings) << settings.error();
  EXPECT_TRUE(settings->node_name.starts_with("warren@"));
  EXPECT_EQ(settings->amqp_listeners.at("default").port, 5672);
  EXPECT_EQ(settings->cluster_address.port, 25672);
  EXPECT_TRUE(settings->is_loopback_user("guest"));
}

TEST(Load, NamesFileLineAndWhatIsAllowed) {
  const auto settings = load(
      from_file("no_such_key = 1\njust words\nlog.console.level = loud\nchannel_max = 70000\n"
                "node.name = nohost\nlisteners.tcp.default = 99999\ntest.placement = maybe\n"));
  ASSERT_FALSE(settings);
  EXPECT_THAT(settings.error(), HasSubstr("warren.conf:1: unknown setting 'no_such_key'"));
  EXPECT_THAT(settings.error(), HasSubstr("warren.conf:2: 'just words' is not 'key = value'"));
  EXPECT_THAT(settings.error(), HasSubstr("warren.conf:3: log.console.level: 'loud' is not allowed "
                                          "here: one of debug|info|warning|error|critical|none"));
  EXPECT_THAT(settings.error(), HasSubstr("warren.conf:4: channel_max: 70000 is out of bounds"));
  EXPECT_THAT(settings.error(), HasSubstr("warren.conf:5: node.name: 'nohost' is not a node name"));
  EXPECT_THAT(settings.error(), HasSubstr("warren.conf:6: listeners.tcp.default: '99999'"));
  EXPECT_THAT(settings.error(), HasSubstr("warren.conf:7: test.placement: 'maybe'"));
}

TEST(Load, LetsEnvironmentOverrideFileAndFlagsOverrideBoth) {
  Sources sources = from_file("heartbeat = 1\nframe_max = 8192\nwarren.replicas = 1\n");
  sources.environment = {{"WARREN_HEARTBEAT", "2"},        {"WARREN_FRAME_MAX", "9000"},
                         {"WARREN_REPLICAS", "5"},         {"WARREN_LISTENERS_TCP_DEFAULT", "6000"},
                         {"WARREN_NODE", "for warrenctl"}, {"HEARTBEAT", "7"}};
  sources.flags = {{"heartbeat", "3"}};
  const auto settings = load(sources);
  ASSERT_TRUE(settings) << settings.error();
  EXPECT_EQ(settings->heartbeat_s, 3u);
  EXPECT_EQ(settings->frame_max, 9000u);
  EXPECT_EQ(settings->replicas, 5u);
  EXPECT_EQ(settings->amqp_listeners.at("default").port, 6000);
}

TEST(Load, RefusesAnEnvironmentVariableThatNamesNoSetting) {
  Sources sources;
  sources.environment = {{"WARREN_HEARTBEET", "2"}};
  const auto settings = load(sources);
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error(), "environment WARREN_HEARTBEET: names no setting");
}

TEST(Load, ChecksSettingsAgainstEachOther) {
  const auto lease = load(from_file("routing.lease_ms = 1000\n"));
  ASSERT_FALSE(lease);
  EXPECT_THAT(lease.error(), HasSubstr("routing.lease_ms must be at least"));
  const auto absent =
      load(from_file("node.name = a@b\ncluster_formation.classic_config.nodes.1 = c@d\n"));
  ASSERT_FALSE(absent);
  EXPECT_THAT(absent.error(), HasSubstr("node.name a@b is not among"));
  const auto twice =
      load(from_file("node.name = c@d\ncluster_formation.classic_config.nodes.1 = c@d\n"
                     "cluster_formation.classic_config.nodes.2 = c@d\n"));
  ASSERT_FALSE(twice);
  EXPECT_THAT(twice.error(), HasSubstr("are both c@d"));
}

TEST(CommandLine, TakesEverySettingAsAFlag) {
  const std::string path = testing::TempDir() + "warren_flags.conf";
  std::ofstream(path) << "heartbeat = 9\nchannel_max = 5\n";
  const std::string config = "--config=" + path;
  const char* arguments[] = {"warren-server", config.c_str(), "--data-dir",     "/d",
                             "--set",         "heartbeat=8",  "--cluster_name", "c"};
  const auto line = parse_command_line(arguments, nullptr);
  ASSERT_TRUE(line) << line.error();
  EXPECT_EQ(line->settings.data_dir, "/d");
  EXPECT_EQ(line->settings.heartbeat_s, 8u);
  EXPECT_EQ(line->settings.channel_max, 5u);
  EXPECT_EQ(line->settings.cluster_name, "c");
}

TEST(CommandLine, RefusesWhatItDoesNotKnow) {
  const auto parse = [](std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "warren-server");
    const auto line = parse_command_line(arguments, nullptr);
    return line ? std::string() : line.error();
  };
  EXPECT_THAT(parse({"start"}), HasSubstr("unexpected argument 'start'"));
  EXPECT_THAT(parse({"--heartbeat"}), HasSubstr("--heartbeat needs a value"));
  EXPECT_THAT(parse({"--set", "x"}), HasSubstr("needs key=value"));
  EXPECT_THAT(parse({"--nonsense", "1"}), HasSubstr("unknown setting 'nonsense'"));
  EXPECT_THAT(parse({"--config", "/no/such/file"}), HasSubstr("cannot be read"));
}

TEST(CommandLine, HelpNeedsNoValidSettings) {
  const char* arguments[] = {"warren-server", "--help-config"};
  const char* environment[] = {"WARREN_NONSENSE=1", nullptr};
  const auto line = parse_command_line(arguments, environment);
  ASSERT_TRUE(line);
  EXPECT_TRUE(line->help_config);
  EXPECT_THAT(usage(), HasSubstr("--help-config"));
}

}  // namespace
}  // namespace warren::config
