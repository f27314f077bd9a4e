// What a member that lost the tail of its log has asked the others, and what they have answered.
// Owned by Raft, used by abstention.cpp; pure values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "raft/membership.h"
#include "raft/types.h"

namespace warren::raft {

using LogEnd = std::pair<Term, Index>;  // compares as votes compare logs: thesis §3.6.1

struct TailAnswer {
  Term term;
  LogEnd durable;
  Index commit;
  std::vector<Membership::Version> versions;
};

// Asked twice. First whether anybody hears a leader, and for the highest term. Then, in a term
// above that, for what counts: who has entered it acknowledges nothing to a former leader any more,
// which might otherwise commit with an acknowledgement that is lost here.
struct TailInquiry {
  std::uint64_t round = 0;
  bool binding = false;                                   // the second time
  std::map<MemberId, std::optional<TailAnswer>> answers;  // nothing: asked, not answered
};

}  // namespace warren::raft
