#include "broker/runtime/resources.h"

#include <malloc.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>

// jemalloc's, where the program is linked with it.
extern "C" int mallctl(const char* name, void* old, std::size_t* old_size, void* value,
                       std::size_t size) __attribute__((weak));

namespace warren::runtime {

namespace {

std::uint64_t page_size() {
  return static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

std::uint64_t resident_octets() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * page_size();
}

void release_free_memory() {
  if (mallctl != nullptr)
    mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // 4096: all of them
  else
    malloc_trim(0);
}

std::uint64_t memory_octets() {
  const std::uint64_t machine =
      static_cast<std::uint64_t>(std::max(sysconf(_SC_PHYS_PAGES), 0L)) * page_size();
  std::uint64_t container = 0;
  // "max" where there is no limit, which is no number.
  if (std::ifstream limit("/sys/fs/cgroup/memory.max"); limit >> container && container > 0)
    return std::min(machine, container);
  return machine;
}

std::uint64_t free_disk_octets(const std::string& path) {
  struct statvfs disk{};
  if (statvfs(path.c_str(), &disk) != 0) return std::numeric_limits<std::uint64_t>::max();
  return static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
}

}  // namespace warren::runtime
