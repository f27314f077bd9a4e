// DiskWatch: how long the oldest write of a reactor has waited for its sync. A leader whose disk
// stalls hands over (architecture §5). Bookkeeping only: the caller brings the time. Pure: any
// thread, one at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>

namespace warren::storage {

class DiskWatch {
 public:
  using Time = std::chrono::nanoseconds;  // CLOCK_BOOTTIME

  // Numbers rise, as those of raft::LogStore::write.
  void on_submitted(std::uint64_t number, Time now);
  void on_completed(std::uint64_t number);
  // Zero: nothing waits.
  Time oldest_age(Time now) const;
  bool stalled(Time now, Time limit) const { return oldest_age(now) >= limit; }

 private:
  struct Waiting {
    std::uint64_t number = 0;
    Time since{};
  };
  std::deque<Waiting> waiting_;
};

}  // namespace warren::storage
