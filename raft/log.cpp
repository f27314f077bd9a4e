#include "raft/log.h"

#include <algorithm>
#include <utility>

#include "raft/check.h"

namespace warren::raft {

std::uint64_t entry_cost(const Entry& entry) {
  return entry.bytes().size() + 64;
}

Log::Log(LogStore& store, const StoredGroup& stored, std::uint64_t max_cached_bytes)
    : store_(store), group_(stored.group), max_cached_bytes_(max_cached_bytes) {
  if (stored.snapshot) snapshot_ = *stored.snapshot;
  anchor_ = std::max(stored.last, snapshot_.index);
  if (anchor_ == snapshot_.index) {
    anchor_term_ = snapshot_.term;
  } else {
    const std::optional<Term> term = store_.term(group_, anchor_);
    RAFT_CHECK_VALUE(term.has_value(), anchor_.value);
    anchor_term_ = *term;
  }
  stable_ = anchor_;
  unwritten_ = anchor_.next();
  applied_ = snapshot_.index;
  // A torn tail may have taken entries that were known to be committed; a leader brings them back.
  RAFT_CHECK_VALUE(stored.abstain || stored.hard_state.commit <= anchor_, anchor_.value);
  commit_ = std::clamp(stored.hard_state.commit, applied_, anchor_);
}

std::optional<Term> Log::term(Index index) const {
  if (index > last()) return std::nullopt;
  if (index > anchor_) return at(index).term;
  if (index == anchor_) return anchor_term_;
  if (index == Index()) return Term();
  if (index == snapshot_.index) return snapshot_.term;
  return store_.term(group_, index);
}

Index Log::last_at_most(Index index, Term term) const {
  index = std::min(index, last());
  while (index > commit_) {
    const std::optional<Term> here = this->term(index);
    if (!here || *here <= term) break;
    index = index.previous();
  }
  return index;
}

std::vector<Entry> Log::entries(Index first, Index last, std::uint64_t max_bytes) const {
  RAFT_CHECK_VALUE(first <= last && last <= this->last(), first.value);
  if (first <= anchor_) {
    std::vector<Entry> stored = store_.entries(group_, first, std::min(last, anchor_), max_bytes);
    RAFT_CHECK_VALUE(stored.empty() || stored.front().index == first, first.value);
    return stored;
  }
  std::vector<Entry> found;
  std::uint64_t bytes = 0;
  for (Index index = first; index <= last; index = index.next()) {
    bytes += entry_cost(at(index));
    if (!found.empty() && bytes > max_bytes) break;
    found.push_back(at(index));
  }
  return found;
}

void Log::append(std::vector<Entry> entries) {
  for (Entry& entry : entries) {
    RAFT_CHECK_VALUE(entry.index == last().next(), entry.index.value);
    RAFT_CHECK_VALUE(entry.term >= last_term(), entry.index.value);
    window_bytes_ += entry_cost(entry);
    uncommitted_bytes_ += entry_cost(entry);
    window_.push_back(std::move(entry));
  }
}

void Log::truncate(Index from) {
  RAFT_CHECK_VALUE(from > commit_, from.value);
  while (last() >= from && !window_.empty()) {
    window_bytes_ -= entry_cost(window_.back());
    uncommitted_bytes_ -= std::min(uncommitted_bytes_, entry_cost(window_.back()));
    window_.pop_back();
  }
  if (anchor_ >= from) {
    const std::optional<Term> term = this->term(from.previous());
    RAFT_CHECK_VALUE(term.has_value(), from.value);
    anchor_ = from.previous();
    anchor_term_ = *term;
  }
  stable_ = std::min(stable_, from.previous());
  unwritten_ = std::min(unwritten_, from);
  for (Write& write : writes_)
    write.last = std::min(write.last, from.previous());
}

void Log::commit_to(Index index) {
  RAFT_CHECK_VALUE(index <= last(), index.value);
  for (Index i = std::max(commit_, anchor_).next(); i <= index; i = i.next()) {
    uncommitted_bytes_ -= std::min(uncommitted_bytes_, entry_cost(at(i)));
  }
  commit_ = std::max(commit_, index);
}

std::vector<Entry> Log::take_committed(std::uint64_t max_bytes) {
  if (!has_committed()) return {};
  std::vector<Entry> taken = entries(applied_.next(), commit_, max_bytes);
  RAFT_CHECK_VALUE(!taken.empty(), applied_.value);
  applied_ = taken.back().index;
  evict();
  return taken;
}

std::vector<Entry> Log::take_unwritten(std::uint64_t number) {
  std::vector<Entry> taken;
  for (Index index = unwritten_; index <= last(); index = index.next())
    taken.push_back(at(index));
  unwritten_ = last().next();
  writes_.push_back({number, last()});
  return taken;
}

void Log::on_persisted(std::uint64_t number) {
  while (!writes_.empty() && writes_.front().number <= number) {
    stable_ = std::max(stable_, writes_.front().last);
    writes_.pop_front();
  }
  evict();
}

void Log::reset(const SnapshotMeta& meta) {
  window_.clear();
  window_bytes_ = 0;
  uncommitted_bytes_ = 0;
  snapshot_ = meta;
  anchor_ = commit_ = applied_ = stable_ = meta.index;
  anchor_term_ = meta.term;
  unwritten_ = meta.index.next();
  for (Write& write : writes_)
    write.last = meta.index;
}

void Log::evict() {
  const Index keep_above = std::min(applied_, stable_);
  while (window_bytes_ > max_cached_bytes_ && !window_.empty() && anchor_ < keep_above) {
    window_bytes_ -= entry_cost(window_.front());
    anchor_ = window_.front().index;
    anchor_term_ = window_.front().term;
    window_.pop_front();
  }
}

}  // namespace warren::raft
