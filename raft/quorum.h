// The arithmetic of majorities. Pure functions. Raft thesis §3.4, §3.6.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace warren::raft {

// The least number of voters that any two such sets share one of. 0 voters: 1, so never reached.
constexpr std::size_t majority(std::size_t voters) {
  return voters / 2 + 1;
}

// The highest value that a majority has reached; one value per voter. No voters: 0.
std::uint64_t reached_by_majority(std::vector<std::uint64_t> values);

enum class VoteResult : std::uint8_t { pending, won, lost };

VoteResult tally(std::size_t voters, std::size_t granted, std::size_t rejected);

}  // namespace warren::raft
