#include "broker/metrics/registry.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace warren::metrics {
namespace {

TEST(Registry, RendersPrometheusText) {
  Registry registry;
  registry.counter("b_total", "Things.", "kind=\"x\"").add(2);
  registry.counter("b_total", "Things.").add();
  registry.gauge("a", "Level.").set(-3);
  EXPECT_EQ(registry.render(),
            "# HELP a Level.\n# TYPE a gauge\na -3\n"
            "# HELP b_total Things.\n# TYPE b_total counter\nb_total 1\nb_total{kind=\"x\"} 2\n");
}

TEST(Registry, GivesTheSameMetricForTheSameName) {
  Registry registry;
  EXPECT_EQ(&registry.counter("c", "h", "l=\"1\""), &registry.counter("c", "h", "l=\"1\""));
  EXPECT_NE(&registry.counter("c", "h", "l=\"1\""), &registry.counter("c", "h", "l=\"2\""));
  Gauge& gauge = registry.gauge("g", "h");
  gauge.add(5);
  EXPECT_EQ(registry.gauge("g", "h").value(), 5);
}

TEST(Counter, SumsWhatAllThreadsAdded) {
  Counter counter;
  std::vector<std::thread> threads;
  for (int i = 0; i < 12; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n)
        counter.add();
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(counter.value(), 12000u);
}

TEST(Registry, EscapesLabels) {
  EXPECT_EQ(escape_label("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
}

}  // namespace
}  // namespace warren::metrics
