// The simulation's command line: --seed N replays one run (--trace tells its story), --seeds A..B
// runs a range, --jobs at a time. Fails on any violation, and if a kind of fault never happened.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "tests/simulation/run.h"

namespace {

using warren::simulation::RunResult;
using warren::simulation::Tally;

struct Options {
  std::uint64_t first = 1, last = 20;
  unsigned jobs = 1;
  bool trace = false;
  bool expect_violation = false;  // a mutation must be caught
  bool calm = false;              // no faults at all
  std::string program;
};

bool parse(int argc, char** argv, Options& options) {
  options.program = argv[0];
  for (int i = 1; i < argc; ++i) {
    std::string_view arg = argv[i];
    std::string value = i + 1 < argc ? argv[i + 1] : "";
    if (arg == "--trace") {
      options.trace = true;
    } else if (arg == "--calm") {
      options.calm = true;
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

// One seed, in a process of its own, so that a failed CHECK ends this seed alone.
int run_one(const Options& options, std::uint64_t seed, std::FILE* out) {
  RunResult result = warren::simulation::run(seed, options.trace, options.calm);
  for (const auto& [kind, count] : result.tally)
    fmt::print(out, "{} {}\n", count, kind);
  std::fflush(out);
  if (result.violations.empty()) return 0;
  fmt::print(stderr, "seed {}: {}\n", seed, result.violations.front());
  return 1;
}

void read_tally(std::FILE* in, Tally& total) {
  char line[256];
  std::rewind(in);
  while (std::fgets(line, sizeof line, in) != nullptr) {
    char* rest = nullptr;
    std::uint64_t count = std::strtoull(line, &rest, 10);
    std::string kind(rest + 1);
    kind.pop_back();
    total[kind] += count;
  }
}

// The seeds, `jobs` at a time.
class Seeds {
 public:
  explicit Seeds(const Options& options) : options_(options), next_(options.first) {}

  // How many went wrong. One is enough where a violation is expected.
  unsigned run() {
    unsigned wrong = 0;
    while (next_ <= options_.last || !running_.empty()) {
      while (next_ <= options_.last && running_.size() < options_.jobs)
        start(next_++);
      if (!finish_one()) ++wrong;
      if (wrong > 0 && options_.expect_violation) break;
    }
    for (const auto& [pid, one] : running_)
      kill(pid, SIGKILL);
    return wrong;
  }
  const Tally& total() const { return total_; }

 private:
  struct Running {
    std::uint64_t seed;
    std::FILE* tally;
  };

  void start(std::uint64_t seed) {
    std::FILE* file = std::tmpfile();
    pid_t pid = fork();
    if (pid == 0) std::_Exit(run_one(options_, seed, file));
    running_[pid] = {seed, file};
  }

  bool finish_one() {
    int status = 0;
    auto ended = running_.extract(waitpid(-1, &status, 0));
    if (ended.empty()) return false;
    const auto& [seed, file] = ended.mapped();
    read_tally(file, total_);
    std::fclose(file);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
    if (WIFSIGNALED(status))
      fmt::print(stderr, "seed {}: ended by signal {}\n", seed, WTERMSIG(status));
    fmt::print(stderr, "  again: {} --seed {} --trace\n", options_.program, seed);
    return false;
  }

  const Options& options_;
  std::uint64_t next_;
  std::map<pid_t, Running> running_;
  Tally total_;
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    fmt::print(stderr,
               "{} [--seed N | --seeds A..B] [--jobs N] [--calm] [--trace] [--expect-violation]\n",
               argv[0]);
    return 2;
  }
  Seeds seeds(options);
  unsigned wrong = seeds.run();
  Tally total = seeds.total();
  for (const auto& [kind, count] : total)
    fmt::print("{:>12} {}\n", count, kind);
  if (options.expect_violation) {
    fmt::print("{}\n", wrong == 0 ? "NOT caught" : "caught");
    return wrong == 0 ? 1 : 0;
  }
  bool good = wrong == 0;
  if (options.last - options.first >= 99)
    for (const std::string& kind : warren::simulation::required_faults())
      if (total[kind] == 0) {
        fmt::print(stderr, "never happened: {}\n", kind);
        good = false;
      }
  fmt::print("{} seeds, {} wrong: {}\n", options.last - options.first + 1, wrong,
             good ? "good" : "FAILED");
  return good ? 0 : 1;
}
