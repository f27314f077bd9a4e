#include "broker/perf/histogram.h"

#include <algorithm>
#include <bit>

namespace warren::perf {

namespace {
constexpr int sub_bits = 6;  // 64 buckets a power of two
}

void Histogram::add(std::uint64_t nanoseconds) {
  const int shift = std::max(0, static_cast<int>(std::bit_width(nanoseconds)) - sub_bits - 1);
  const std::uint64_t index =
      static_cast<std::uint64_t>(shift) * sub_buckets + (nanoseconds >> shift);
  ++buckets_[std::min<std::uint64_t>(index, buckets_.size() - 1)];
  ++count_;
}

double Histogram::percentile_ms(double share) const {
  if (count_ == 0) return 0;
  const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_ - 1)) + 1;
  std::uint64_t seen = 0;
  std::uint64_t index = 0;
  for (; index + 1 < buckets_.size(); ++index) {
    seen += buckets_[index];
    if (seen >= wanted) break;
  }
  const std::uint64_t shift = index < 2 * sub_buckets ? 0 : index / sub_buckets - 1;
  const std::uint64_t lower = (index - shift * sub_buckets) << shift;
  return static_cast<double>(lower) / 1e6;
}

void Histogram::clear() {
  std::ranges::fill(buckets_, 0);
  count_ = 0;
}

}  // namespace warren::perf
