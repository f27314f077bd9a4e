// The three doors of the driver: log store, transport, state machine. Each is implemented above
// (storage and replica in production, the simulation in tests). Called on the driver's thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "raft/message.h"
#include "raft/types.h"

namespace warren::raft {

// Everything one group wants on disk from one turn of the driver.
struct GroupWrite {
  GroupId group;
  std::optional<HardState> hard_state;
  // Truncates everything at and above entries.front().index before appending (thesis §3.5).
  std::vector<Entry> entries;
};

// What a group finds when its node starts.
struct StoredGroup {
  GroupId group;
  MemberId self;
  HardState hard_state;
  std::optional<SnapshotMeta> snapshot;
  Index first;  // of the whole (non-sparse) log above the snapshot's retained tail
  Index last;
  // Term and configuration of the last entry can be read by `entries`.
  // The store's tail was torn: this replica must not vote or campaign until a leader has caught it
  // up, or all members have answered (architecture §6).
  bool abstain = false;
};

// How a member without anything on disk begins.
struct Beginning {
  // The store's tail was torn: it may have held this very member, and what it promised.
  bool abstain = false;
  // A founder that is meant to lead first: campaigns without waiting for an election timeout.
  bool eager = false;
};

// Durable log of all groups of one node. Asynchronous: a write is acknowledged by its number.
class LogStore {
 public:
  virtual ~LogStore() = default;
  // Queues one atomic, synced batch. Completed in order; `written` is posted back to the driver's
  // thread as Driver::on_written(number). An empty span is not written.
  virtual void write(std::uint64_t number, std::vector<GroupWrite> writes) = 0;
  // Entries [first, last] from memory or disk, up to max_bytes but at least one. Written entries,
  // and those queued by write(), are visible. Empty: compacted away (a snapshot must be sent).
  virtual std::vector<Entry> entries(GroupId group, Index first, Index last,
                                     std::uint64_t max_bytes) = 0;
  // Nothing: compacted away or beyond the end. The index of the newest snapshot has its term, even
  // if its entry is gone.
  virtual std::optional<Term> term(GroupId group, Index index) = 0;
};

// Carries messages to other nodes. May lose, delay, double and reorder them.
class Transport {
 public:
  virtual ~Transport() = default;
  // All that one turn has for one peer's node, of any number of groups. `urgent` holds votes,
  // heartbeats and their answers, which must not queue behind `bulk`.
  virtual void send(std::uint32_t node, std::vector<Message> urgent, std::vector<Message> bulk) = 0;
  // Starts sending the group's latest snapshot and live entries to `to`, off this thread. The end
  // is reported by Driver::on_snapshot_sent.
  virtual void send_snapshot(GroupId group, Term term, MemberId to) = 0;
};

// Role and progress of one group, for whoever hosts it.
struct Status {
  Term term;
  MemberId leader;  // nobody: unknown
  bool is_leader = false;
  Index commit;
  Index applied;  // handed to StateMachine::apply
  Index last;     // last entry of the log
  Index durable;  // the part of it that is on this member's disk, and the term it ends with
  Term durable_term;
  bool abstaining = false;  // see StoredGroup::abstain; the store forgets its torn tail once false
  Configuration configuration;  // in effect, which it is once appended
  bool configuration_committed = false;
};

// What is applied. Called in log order, each entry once per incarnation of the driver.
class StateMachine {
 public:
  virtual ~StateMachine() = default;
  // Committed entries, in order; command entries and no-ops of new leaders alike, so that the
  // machine sees every index. A batch per turn.
  virtual void apply(GroupId group, std::span<const Entry> entries) = 0;
  // Leadership, term or configuration changed. Called after the apply of the same turn.
  virtual void on_status(GroupId group, const Status& status) = 0;
  // A batch of ReadIndex requests made with `context` may be answered: the machine has applied up
  // to the index that was the commit when asked (thesis §6.4). `ok` false: leadership lost.
  virtual void on_read_ready(GroupId group, std::uint64_t context, bool ok) = 0;
};

}  // namespace warren::raft
