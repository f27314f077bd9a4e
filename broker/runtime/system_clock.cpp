#include "broker/runtime/system_clock.h"

#include <time.h>

#include <chrono>
#include <fstream>

namespace warren::runtime {

BootTime boot_now() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return BootTime(std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec);
}

std::uint64_t wall_ms_now() {
  using std::chrono::duration_cast;
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(duration_cast<Milliseconds>(since_epoch).count());
}

std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

}  // namespace warren::runtime
