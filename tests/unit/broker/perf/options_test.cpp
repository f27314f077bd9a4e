#include "broker/perf/options.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "broker/perf/cpu.h"
#include "broker/perf/run.h"

namespace warren::perf {
namespace {

TEST(Options, ReadUris) {
  const auto full = parse_uri("amqp://us%40er:p%3Aw@host:5673/v%2Fh");
  ASSERT_TRUE(full) << full.error();
  EXPECT_EQ(full->user, "us@er");
  EXPECT_EQ(full->password, "p:w");
  EXPECT_EQ(full->host, "host");
  EXPECT_EQ(full->port, 5673);
  EXPECT_EQ(full->vhost, "v/h");
  const auto least = parse_uri("amqp://");
  ASSERT_TRUE(least);
  EXPECT_EQ(least->host, "localhost");
  EXPECT_EQ(least->port, 5672);
  EXPECT_EQ(least->vhost, "/");
  EXPECT_FALSE(parse_uri("host:5672"));
  EXPECT_FALSE(parse_uri("amqp://host:many/"));
}

TEST(Options, NameQueuesInTurn) {
  Options options;
  EXPECT_EQ(options.queue_name(3), "warren-perf");
  options.queues = 2;
  EXPECT_EQ(options.queue_name(3), "warren-perf-1");
}

TEST(Cpu, ReadsThisProcessAndNamesAMissingOne) {
  EXPECT_GE(cpu_microseconds({getpid()}).value_or(-1), 0);
  EXPECT_EQ(cpu_microseconds({}).value_or(-1), 0);
  const auto missing = cpu_microseconds({1 << 30});
  ASSERT_FALSE(missing);
  EXPECT_TRUE(missing.error().contains("1073741824"));
}

TEST(Report, IsOneLineOrJson) {
  Options options;
  Outcome outcome;
  outcome.seconds = 2;
  outcome.published = 1000;
  outcome.consumed = 900;
  EXPECT_EQ(report(options, outcome), "2.0 s: published 500/s, consumed 450/s");
  options.json = true;
  EXPECT_TRUE(report(options, outcome).contains(R"("consumed_per_second":450.0)"));
}

TEST(Run, SaysWhichBrokerDoesNotAnswer) {
  Options options;
  options.uris = {{.host = "127.0.0.1", .port = 1}};
  const auto outcome = run(options);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error(), "127.0.0.1:1: Connection refused");
}

}  // namespace
}  // namespace warren::perf
