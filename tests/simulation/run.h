// One run of the simulation from a seed: load, faults, healing, drain, last checks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/simulation/world.h"

namespace warren::simulation {

struct RunResult {
  std::vector<std::string> violations;  // empty: good
  Tally tally;
};

// `calm`: without any fault.
RunResult run(std::uint64_t seed, bool trace, bool calm);

// Kinds of fault that a range of seeds must have shown at least once.
const std::vector<std::string>& required_faults();

}  // namespace warren::simulation
