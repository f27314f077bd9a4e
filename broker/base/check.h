// CHECK: the answer to a programmer's error or a failed write to disk. Always on; prints the
// expression, the values given and the place, then ends the process. Never for bad input.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace warren {

[[noreturn]] inline void check_failed(const char* file, int line, const char* expression,
                                      const std::string& detail) {
  std::fprintf(stderr, "%s:%d: CHECK failed: %s%s%s\n", file, line, expression,
               detail.empty() ? "" : ": ", detail.c_str());
  std::abort();
}

}  // namespace warren

// CHECK(n > 0) or CHECK(n > 0, "n = {}", n).
#define CHECK(expression, ...)   \
  (static_cast<bool>(expression) \
       ? void(0)                 \
       : ::warren::check_failed(__FILE__, __LINE__, #expression, ::fmt::format("" __VA_ARGS__)))
