// One group's log as Raft sees it: a window of recent entries in memory in front of the store, what
// of it is durable here, committed, and handed out for applying. Owned by Raft; pure but for
// reading the store. Raft thesis §3.5; the leader's parallel write §10.2.1.
//
//      compacted │ store only            │ window (memory)                        │
//     ───────────┼───────────────────────┼────────────┬───────────┬───────────────┤
//                                     anchor       applied ≤ commit            last
//                                                         stable (durable here) anywhere ≤ last
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "raft/ports.h"
#include "raft/types.h"

namespace warren::raft {

// Memory and wire cost of one entry; the constant stands for its fields.
std::uint64_t entry_cost(const Entry& entry);

class Log {
 public:
  // `store` outlives the log.
  Log(LogStore& store, const StoredGroup& stored, std::uint64_t max_cached_bytes);

  Index last() const { return Index(anchor_.value + window_.size()); }
  Term last_term() const { return window_.empty() ? anchor_term_ : window_.back().term; }
  Index stable() const { return stable_; }
  Index commit() const { return commit_; }
  Index applied() const { return applied_; }

  // Nothing: compacted away or beyond the end. Never nothing from min(applied, stable) to last.
  std::optional<Term> term(Index index) const;
  bool matches(Index index, Term term) const { return this->term(index) == term; }
  // The last index up to `index` whose term is at most `term`: where two logs may agree.
  Index last_at_most(Index index, Term term) const;

  // From `first` on, up to max_bytes but at least one; may stop short of `last` (call again).
  // Empty: compacted away. REQUIRES: first <= last <= last().
  std::vector<Entry> entries(Index first, Index last, std::uint64_t max_bytes) const;

  // REQUIRES: consecutive from last() + 1.
  void append(std::vector<Entry> entries);
  // Drops everything from `from` on. REQUIRES: from > commit().
  void truncate(Index from);

  void commit_to(Index index);  // REQUIRES: index <= last(); lower ones change nothing
  // The next committed entries to apply, at least one if there is one; counts them as applied.
  std::vector<Entry> take_committed(std::uint64_t max_bytes);
  bool has_committed() const { return applied_ < commit_; }
  std::uint64_t uncommitted_bytes() const { return uncommitted_bytes_; }

  bool has_unwritten() const { return unwritten_ <= last(); }
  // What the store has not been given yet, as write `number`.
  std::vector<Entry> take_unwritten(std::uint64_t number);
  // Writes up to `number` are durable. What a later truncation took back does not count.
  void on_persisted(std::uint64_t number);

  // The store holds `meta` and nothing else now.
  void reset(const SnapshotMeta& meta);

 private:
  struct Write {
    std::uint64_t number = 0;
    Index last;  // lowered by truncation: the same index may be written again
  };

  const Entry& at(Index index) const { return window_[index.value - anchor_.value - 1]; }
  void evict();

  LogStore& store_;
  GroupId group_;
  std::uint64_t max_cached_bytes_;

  Index anchor_;  // the entry just before the window
  Term anchor_term_;
  std::deque<Entry> window_;
  std::uint64_t window_bytes_ = 0;
  std::uint64_t uncommitted_bytes_ = 0;  // of the window, above commit

  Index commit_;
  Index applied_;
  Index stable_;
  Index unwritten_;  // first entry that no write holds
  std::deque<Write> writes_;
  SnapshotMeta snapshot_;  // answers for its own term after compaction
};

}  // namespace warren::raft
