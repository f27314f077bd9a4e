// Fail-stop for this folder: a broken promise of the caller, or a disk that no longer keeps ours.
// storage's own, because it includes nothing of broker. Says its word and ends the process.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

namespace warren::storage {

[[noreturn]] inline void check_failed(const char* expression, const char* file, int line,
                                      const std::string& detail) {
  std::fprintf(stderr, "%s:%d: storage stops: %s (%s)\n", file, line, detail.c_str(), expression);
  std::abort();
}

}  // namespace warren::storage

// `detail` is a sentence for the operator; only evaluated on failure.
#define STORAGE_CHECK(expression, detail) \
  ((expression) ? static_cast<void>(0)    \
                : ::warren::storage::check_failed(#expression, __FILE__, __LINE__, (detail)))
