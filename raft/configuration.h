// What may be done with a Configuration, and how it is written into an entry. Pure functions.
// Raft thesis §4.1.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "raft/types.h"

namespace warren::raft {

bool is_voter(const Configuration& configuration, MemberId member);
bool is_learner(const Configuration& configuration, MemberId member);
bool is_member(const Configuration& configuration, MemberId member);

// Sorted, without doubles, nobody both voter and learner.
bool well_formed(const Configuration& configuration);

// At most one voter comes or goes, so that every majority of the one overlaps every majority of the
// other. Learners may change freely.
bool one_step_apart(const Configuration& from, const Configuration& to);

// Little-endian: u8 version = 1; u32 count of voters; each u32 node, u64 disk, u64 assigned; the
// same for learners.
std::string encode_configuration(const Configuration& configuration);
// Nothing: not such bytes.
std::optional<Configuration> decode_configuration(std::string_view bytes);

}  // namespace warren::raft
