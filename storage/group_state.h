// What a GroupLog knows of one of its groups without asking RocksDB. Private to this folder; lives
// on the GroupLog's reactor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "raft/ports.h"
#include "storage/group_log.h"
#include "storage/keys.h"

namespace warren::storage {

struct GroupLog::Group {
  // Not durable, and not to be evicted, before the write `number` is completed.
  struct Recent {
    raft::Entry entry;
    std::uint64_t number = 0;
  };

  raft::GroupId id;
  raft::MemberId self;
  bool stored = false;  // its member record is queued or written
  raft::HardState hard_state;
  std::optional<SnapshotRecord> snapshot;
  bool abstain = false;
  std::optional<ClockRecord> clock;

  // The contiguous log. Empty: last + 1 == first.
  raft::Index first{1};
  raft::Index last;
  raft::Term previous;  // of first - 1
  // First index of each run of one term; covers [first, last].
  std::map<raft::Index, raft::Term> terms;

  // The newest entries, without a gap up to `last`; may reach below `first`.
  std::deque<Recent> recent;

  std::vector<InstalledRange> installed;
  std::optional<Begun> begun;  // an install that a restart interrupted
};

}  // namespace warren::storage
