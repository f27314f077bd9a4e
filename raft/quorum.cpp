#include "raft/quorum.h"

#include <algorithm>
#include <functional>

namespace warren::raft {

std::uint64_t reached_by_majority(std::vector<std::uint64_t> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(majority(values.size()) - 1);
  std::nth_element(values.begin(), middle, values.end(), std::greater<>());
  return *middle;
}

VoteResult tally(std::size_t voters, std::size_t granted, std::size_t rejected) {
  if (granted >= majority(voters)) return VoteResult::won;
  // Those who have not answered could no longer tip it.
  if (voters - rejected < majority(voters)) return VoteResult::lost;
  return VoteResult::pending;
}

}  // namespace warren::raft
