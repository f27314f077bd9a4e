#include "raft/invariants.h"

#include <algorithm>

namespace warren::raft {

Invariants::Content Invariants::content_of(const Entry& entry) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;  // FNV-1a
  for (const char byte : entry.bytes()) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001B3ULL;
  }
  return {entry.kind, hash};
}

void Invariants::violated(std::string_view property, Term term, Index index) {
  violations_.push_back(std::string(property) + ": term " + std::to_string(term.value) +
                        ", index " + std::to_string(index.value));
}

void Invariants::observe_entry(const Entry& entry, Term previous_term) {
  const Logged logged{content_of(entry), previous_term};
  const auto [known, fresh] = logged_.try_emplace({entry.index, entry.term}, logged);
  if (fresh) return;
  if (known->second.content != logged.content) {
    violated("log matching, content", entry.term, entry.index);
  }
  if (known->second.previous_term != previous_term) {
    violated("log matching, predecessor", entry.term, entry.index);
  }
}

void Invariants::observe_leader(Term term, MemberId member, Index last,
                                const std::function<std::optional<Term>(Index)>& term_at) {
  const auto [known, elected] = leaders_.try_emplace(term, Leader{member, last});
  if (!elected) {
    if (known->second.member != member) violated("election safety", term, last);
    if (last < known->second.last) violated("leader append-only", term, last);
    known->second.last = std::max(known->second.last, last);
    return;
  }
  for (const auto& [index, committed] : committed_) {
    // A late winner of an old term may lack what a newer term has committed meanwhile.
    if (committed.known_in >= term) continue;
    const std::optional<Term> here = term_at(index);
    if (index > last || (here && *here != committed.term)) {
      violated("leader completeness", term, index);
    }
  }
}

void Invariants::observe_applied(const Entry& entry, Term current) {
  const Content content = content_of(entry);
  const auto [known, fresh] =
      committed_.try_emplace(entry.index, Committed{entry.term, content, current});
  if (fresh) return;
  if (known->second.term != entry.term || known->second.content != content) {
    violated("state machine safety", entry.term, entry.index);
  }
  known->second.known_in = std::min(known->second.known_in, current);
}

}  // namespace warren::raft
