#include "raft/membership.h"

#include <utility>

#include "raft/check.h"

namespace warren::raft {

const Configuration& Membership::current() const {
  return history_.back().configuration;
}

void Membership::append(Index index, Configuration configuration) {
  RAFT_CHECK_VALUE(index > current_index(), index.value);
  history_.push_back({index, std::move(configuration)});
}

bool Membership::truncate(Index from) {
  const std::size_t before = history_.size();
  while (history_.size() > 1 && history_.back().index >= from)
    history_.pop_back();
  RAFT_CHECK_VALUE(history_.back().index < from, from.value);
  return history_.size() != before;
}

void Membership::prune(Index commit) {
  std::size_t newest_committed = 0;
  while (newest_committed + 1 < history_.size() && history_[newest_committed + 1].index <= commit) {
    ++newest_committed;
  }
  history_.erase(history_.begin(),
                 history_.begin() + static_cast<std::ptrdiff_t>(newest_committed));
}

void Membership::reset(Index index, Configuration configuration) {
  history_.assign(1, Version{index, std::move(configuration)});
}

}  // namespace warren::raft
