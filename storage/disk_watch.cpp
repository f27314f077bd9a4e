#include "storage/disk_watch.h"

#include "storage/check.h"

namespace warren::storage {

void DiskWatch::on_submitted(std::uint64_t number, Time now) {
  STORAGE_CHECK(waiting_.empty() || waiting_.back().number < number, "write numbers must rise");
  waiting_.push_back({number, now});
}

void DiskWatch::on_completed(std::uint64_t number) {
  while (!waiting_.empty() && waiting_.front().number <= number)
    waiting_.pop_front();
}

DiskWatch::Time DiskWatch::oldest_age(Time now) const {
  return waiting_.empty() ? Time::zero() : now - waiting_.front().since;
}

}  // namespace warren::storage
