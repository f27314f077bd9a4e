// One run: queues declared, links opened, load applied, result measured after the warm-up.
#pragma once

#include <expected>
#include <string>

#include "broker/perf/histogram.h"
#include "broker/perf/options.h"

namespace warren::perf {

struct Outcome {
  double seconds = 0;  // measured
  std::uint64_t published = 0, confirmed = 0, nacked = 0, consumed = 0, redelivered = 0;
  Histogram delivery, confirm;
  double cpu_us = 0;  // of the brokers; 0 without pids
};

// Blocks. An error says which connection failed and why.
std::expected<Outcome, std::string> run(const Options& options);

// One line for people, or one JSON object.
std::string report(const Options& options, const Outcome& outcome);

}  // namespace warren::perf
