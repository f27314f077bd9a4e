// Raft's five safety properties (thesis figure 3.2) as checks over what a test sees of one group's
// members. For tests and the simulation: it remembers everything. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "raft/types.h"

namespace warren::raft {

class Invariants {
 public:
  // A member appended `entry` after one of `previous_term`. Log matching: index and term name one
  // entry, and, step by step, one history.
  void observe_entry(const Entry& entry, Term previous_term);

  // `member` leads in `term`, and its log ends at `last`; `term_at` looks into that log (nothing:
  // compacted away). Election safety, leader append-only, leader completeness. Call after each
  // step.
  void observe_leader(Term term, MemberId member, Index last,
                      const std::function<std::optional<Term>(Index)>& term_at);

  // A member whose term is `current` applies `entry`. State-machine safety.
  void observe_applied(const Entry& entry, Term current);

  // What was broken, in words. Empty: nothing.
  const std::vector<std::string>& violations() const { return violations_; }

 private:
  struct Content {
    EntryKind kind = EntryKind::no_op;
    std::uint64_t hash = 0;
    bool operator==(const Content&) const = default;
  };
  struct Logged {
    Content content;
    Term previous_term;
  };
  struct Leader {
    MemberId member;
    Index last;
  };
  struct Committed {
    Term term;
    Content content;
    Term known_in;  // committed in this term or an earlier one
  };

  static Content content_of(const Entry& entry);
  void violated(std::string_view property, Term term, Index index);

  std::map<std::pair<Index, Term>, Logged> logged_;
  std::map<Term, Leader> leaders_;
  std::map<Index, Committed> committed_;
  std::vector<std::string> violations_;
};

}  // namespace warren::raft
