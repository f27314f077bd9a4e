// What one group asks of the world after some steps, and how it answers its host. Pure values,
// made by Raft::take_ready and consumed once by the driver.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "raft/message.h"
#include "raft/ports.h"
#include "raft/types.h"

namespace warren::raft {

// The order in which the driver must do this: the write is queued (not awaited), `messages` go, the
// snapshots are started, `committed` is applied, `status` is told, `reads` are answered.
struct Ready {
  // Not 0: there is something to write, and Raft::on_persisted(number) is owed once it is durable.
  // Numbers of one group rise, and must be acknowledged in order.
  std::uint64_t number = 0;
  std::optional<HardState> hard_state;
  std::vector<Entry> entries;  // truncates the log from entries.front().index on, then appends

  // May go at once, even before this Ready's own write is durable: a leader's entries travel while
  // its own disk works (thesis §10.2.1).
  std::vector<Message> messages;
  // Promises. Each waits until every write of this group up to and with this Ready is durable; with
  // none outstanding they are in `messages` already.
  std::vector<Message> messages_after_write;

  // Followers whose next entry is compacted away: start sending each a snapshot.
  std::vector<MemberId> snapshots;

  // Committed on a majority, not necessarily durable here yet; in the store's view once the write
  // of this Ready is queued. Each index is handed out once.
  std::vector<Entry> committed;

  std::optional<Status> status;  // set when leader, term, role or configuration changed

  // ReadIndex answers whose index is covered by what was handed out up to here.
  struct Read {
    std::uint64_t context = 0;
    bool ok = false;  // false: leadership was lost before it was confirmed
  };
  std::vector<Read> reads;
};

enum class ProposeOutcome : std::uint8_t {
  proposed,
  not_leader,  // `leader` says who might be; nobody: unknown
  full,        // too much uncommitted: try again after commits
  busy,        // configuration only: another change, or this term's first entry, is uncommitted
  invalid,     // configuration only: more than one voter differs, or none is left
};

struct ProposeResult {
  ProposeOutcome outcome = ProposeOutcome::not_leader;
  Index index;
  Term term;
  MemberId leader;
};

enum class ReadOutcome : std::uint8_t { accepted, not_leader, full };

enum class TransferOutcome : std::uint8_t {
  started,
  not_leader,
  busy,     // another transfer is under way
  invalid,  // the target is not another voter
};

// A leader numbers the rounds of its heartbeats. When a majority has answered one, nobody else had
// been elected by the time it was sent; what happened since it cannot know.
struct HeartbeatRounds {
  std::uint64_t sent = 0;       // never falls
  std::uint64_t confirmed = 0;  // in this term; 0: none, or it does not lead
};

// One member as its leader sees it.
struct MemberProgress {
  MemberId member;
  bool voter = false;
  bool recently_active = false;  // heard within the last election timeout
  bool in_snapshot = false;
  Index match;  // durable there
};

}  // namespace warren::raft
