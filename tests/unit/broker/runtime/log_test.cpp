#include "broker/runtime/log.h"

#include <gtest/gtest.h>

#include <fstream>
#include <regex>

namespace warren::runtime {
namespace {

TEST(Log, WritesRabbitMqsLineFormToTheFile) {
  const std::string path = testing::TempDir() + "warren_log_test/node.log";
  std::remove(path.c_str());
  ASSERT_EQ(log_set_up({.console = false, .file = path}), "");
  log_info("started {}", 1);
  log_debug("not seen");
  log_flush();
  std::ifstream file(path);
  std::string line;
  ASSERT_TRUE(std::getline(file, line));
  EXPECT_TRUE(std::regex_match(
      line,
      std::regex(R"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d \[info\] <.+> started 1)")))
      << line;
  EXPECT_FALSE(std::getline(file, line));
}

TEST(Log, EachPlaceHasItsLeastLevel) {
  const std::string path = testing::TempDir() + "warren_log_test/levels.log";
  std::remove(path.c_str());
  LogSettings settings{.file = path, .file_level = LogLevel::critical};
  ASSERT_EQ(log_set_up(settings), "");
  EXPECT_TRUE(log_enabled(LogLevel::info)) << "the console takes it";
  log_error("not for the file");
  settings = {.console_level = LogLevel::none, .file = path, .file_level = LogLevel::error};
  ASSERT_EQ(log_set_up(settings), "");
  EXPECT_FALSE(log_enabled(LogLevel::warning));
  log_error("for the file");
  log_flush();
  std::ifstream file(path);
  std::string line;
  ASSERT_TRUE(std::getline(file, line));
  EXPECT_TRUE(line.ends_with("for the file") && !line.contains("not for the file")) << line;
  EXPECT_FALSE(std::getline(file, line));
}

TEST(Log, KnowsTheLevelsOfTheSettings) {
  EXPECT_EQ(log_level_named("debug"), LogLevel::debug);
  EXPECT_EQ(log_level_named("critical"), LogLevel::critical);
  EXPECT_EQ(log_level_named("none"), LogLevel::none);
  EXPECT_EQ(log_level_named("loud"), std::nullopt);
}

TEST(Log, SaysWhyAFileCannotBeWritten) {
  EXPECT_NE(log_set_up({.file = "/proc/no/such/folder/log"}), "");
}

}  // namespace
}  // namespace warren::runtime
