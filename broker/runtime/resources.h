// What the operating system says of this process and its disk, and Watermark, which turns a reading
// into an alarm that does not flutter. Reading: any thread. Watermark: pure, one owner.
#pragma once

#include <cstdint>
#include <string>

namespace warren::runtime {

// Of this process; 0: not to be had.
std::uint64_t resident_octets();
// Gives what is free but still resident back to the system. Takes milliseconds.
void release_free_memory();
// Of the machine, or of the container where that has a lower limit.
std::uint64_t memory_octets();
// For unprivileged writers; the greatest number where nobody can tell.
std::uint64_t free_disk_octets(const std::string& path);

class Watermark {
 public:
  // The alarm begins above `begin` and ends at or below `end`. REQUIRES: end <= begin.
  Watermark(std::uint64_t begin, std::uint64_t end) : begin_(begin), end_(end) {}

  // True: the alarm has begun or ended.
  bool look(std::uint64_t reading) {
    const bool now = reading > (alarmed_ ? end_ : begin_);
    const bool changed = now != alarmed_;
    alarmed_ = now;
    return changed;
  }
  // Would look() leave the alarm on, or begin it?
  bool is_above(std::uint64_t reading) const { return reading > (alarmed_ ? end_ : begin_); }
  bool alarmed() const { return alarmed_; }

 private:
  const std::uint64_t begin_, end_;
  bool alarmed_ = false;
};

}  // namespace warren::runtime
