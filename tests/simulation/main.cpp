// The simulation's command line: --seed N replays one run (--trace tells its story), --seeds A..B
// runs a range on --jobs processes. Fails on any violation, and if a kind of fault never happened.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "tests/simulation/run.h"

namespace {

using warren::simulation::RunResult;
using warren::simulation::Tally;

struct Options {
  std::uint64_t first = 1, last = 20;
  unsigned jobs = 1;
  bool trace = false;
  bool expect_violation = false;  // a mutation must be caught
  std::string program;
};

bool parse(int argc, char** argv, Options& options) {
  options.program = argv[0];
  for (int i = 1; i < argc; ++i) {
    std::string_view arg = argv[i];
    std::string value = i + 1 < argc ? argv[i + 1] : "";
    if (arg == "--trace") {
      options.trace = true;
    } else if (arg == "--expect-violation") {
      options.expect_violation = true;
    } else if (arg == "--seed" && !value.empty()) {
      options.first = options.last = std::strtoull(value.c_str(), nullptr, 10), ++i;
    } else if (arg == "--jobs" && !value.empty()) {
      options.jobs = static_cast<unsigned>(std::strtoul(value.c_str(), nullptr, 10)), ++i;
    } else if (auto dots = value.find(".."); arg == "--seeds" && dots != std::string::npos) {
      options.first = std::strtoull(value.c_str(), nullptr, 10);
      options.last = std::strtoull(value.c_str() + dots + 2, nullptr, 10), ++i;
    } else {
      return false;
    }
  }
  return options.first <= options.last && options.jobs > 0;
}

// Every jobs-th seed from `worker` on. True: all good. The tally goes to `out`, a line a kind.
bool work(const Options& options, unsigned worker, std::FILE* out) {
  Tally total;
  bool good = true;
  for (std::uint64_t seed = options.first + worker; seed <= options.last; seed += options.jobs) {
    RunResult result = warren::simulation::run(seed, options.trace);
    for (const auto& [kind, count] : result.tally)
      total[kind] += count;
    if (result.violations.empty()) continue;
    good = false;
    fmt::print(stderr, "seed {}: {}\n  again: {} --seed {} --trace\n", seed,
               result.violations.front(), options.program, seed);
    if (options.expect_violation) break;
  }
  for (const auto& [kind, count] : total)
    fmt::print(out, "{} {}\n", count, kind);
  return good;
}

bool read_tally(std::FILE* in, Tally& total) {
  char line[256];
  std::rewind(in);
  while (std::fgets(line, sizeof line, in) != nullptr) {
    char* rest = nullptr;
    std::uint64_t count = std::strtoull(line, &rest, 10);
    std::string kind(rest + 1);
    kind.pop_back();
    total[kind] += count;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    fmt::print(stderr, "{} [--seed N | --seeds A..B] [--jobs N] [--trace] [--expect-violation]\n",
               argv[0]);
    return 2;
  }
  std::vector<std::pair<pid_t, std::FILE*>> workers;
  for (unsigned worker = 0; worker < options.jobs; ++worker) {
    std::FILE* file = std::tmpfile();
    pid_t pid = fork();
    if (pid == 0) {
      bool good = work(options, worker, file);
      std::fflush(file);
      std::_Exit(good ? 0 : 1);
    }
    workers.emplace_back(pid, file);
  }
  bool good = true;
  Tally total;
  for (auto [pid, file] : workers) {
    int status = 0;
    waitpid(pid, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) good = false;
    read_tally(file, total);
  }
  for (const auto& [kind, count] : total)
    fmt::print("{:>12} {}\n", count, kind);
  if (options.expect_violation) {
    fmt::print("{}\n", good ? "NOT caught" : "caught");
    return good ? 1 : 0;
  }
  if (options.last - options.first >= 99)
    for (const std::string& kind : warren::simulation::required_faults())
      if (total[kind] == 0) {
        fmt::print(stderr, "never happened: {}\n", kind);
        good = false;
      }
  fmt::print("{} seeds: {}\n", options.last - options.first + 1, good ? "good" : "FAILED");
  return good ? 0 : 1;
}
