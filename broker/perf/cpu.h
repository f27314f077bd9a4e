// CPU time of other processes, from /proc. Linux only.
#pragma once

#include <expected>
#include <string>
#include <vector>

namespace warren::perf {

// User and system time of all of them together so far, in microseconds. An error names the pid that
// cannot be read.
std::expected<double, std::string> cpu_microseconds(const std::vector<int>& pids);

}  // namespace warren::perf
