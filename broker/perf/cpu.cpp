#include "broker/perf/cpu.h"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>

namespace warren::perf {

std::expected<double, std::string> cpu_microseconds(const std::vector<int>& pids) {
  const auto ticks_a_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  double sum = 0;
  for (const int pid : pids) {
    std::ifstream file(fmt::format("/proc/{}/stat", pid));
    const std::string text(std::istreambuf_iterator<char>(file), {});
    const std::size_t name_end = text.rfind(')');
    if (name_end == text.npos) return std::unexpected(fmt::format("there is no process {}", pid));
    std::istringstream fields(text.substr(name_end + 2));
    std::string skipped;
    for (int i = 0; i < 11; ++i)
      fields >> skipped;  // state … cmajflt; then utime and stime
    double user = 0;
    double system = 0;
    fields >> user >> system;
    sum += (user + system) / ticks_a_second * 1e6;
  }
  return sum;
}

}  // namespace warren::perf
