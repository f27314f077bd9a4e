#include "broker/runtime/log.h"

#include <gtest/gtest.h>

#include <fstream>
#include <regex>

namespace warren::runtime {
namespace {

TEST(Log, WritesRabbitMqsLineFormToTheFile) {
  const std::string path = testing::TempDir() + "warren_log_test/node.log";
  std::remove(path.c_str());
  ASSERT_EQ(log_set_up({.level = LogLevel::info, .file = path, .console = false}), "");
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

TEST(Log, SaysWhyAFileCannotBeWritten) {
  EXPECT_NE(log_set_up({.file = "/proc/no/such/folder/log"}), "");
}

}  // namespace
}  // namespace warren::runtime
