// Assertions that stay on in production, for this folder's own mistakes. raft's copy, because raft
// includes nothing but the standard library.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace warren::raft {

[[noreturn]] inline void check_failed(const char* expression, const char* file, int line,
                                      unsigned long long value) {
  std::fprintf(stderr, "%s:%d: RAFT_CHECK(%s) failed, value %llu\n", file, line, expression, value);
  std::abort();
}

}  // namespace warren::raft

#define RAFT_CHECK(expression) RAFT_CHECK_VALUE(expression, 0)
// `value` is printed: the index, term or group that broke the promise.
#define RAFT_CHECK_VALUE(expression, value)                                     \
  ((expression) ? static_cast<void>(0)                                          \
                : ::warren::raft::check_failed(#expression, __FILE__, __LINE__, \
                                               static_cast<unsigned long long>(value)))
