// The configurations that a log names, so that one takes effect when it is appended and its
// predecessor returns when it is truncated. Owned by Raft; pure. Raft thesis §4.1.
#pragma once

#include <vector>

#include "raft/types.h"

namespace warren::raft {

class Membership {
 public:
  struct Version {
    Index index;
    Configuration configuration;
  };

  // The newest, committed or not. Empty: this member does not know its group yet.
  const Configuration& current() const;
  Index current_index() const { return history_.back().index; }
  // The newest that is known to be committed, and those after it; rising; never empty.
  const std::vector<Version>& versions() const { return history_; }

  void append(Index index, Configuration configuration);
  // Forgets those at and above `from`. True: the current one changed.
  bool truncate(Index from);
  // Forgets what a committed one has replaced for good.
  void prune(Index commit);
  void reset(Index index, Configuration configuration);

 private:
  std::vector<Version> history_ = {Version{}};
};

}  // namespace warren::raft
