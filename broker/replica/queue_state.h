// QueueState: the state of a queue group: the sessions' ledger and the queue machine, fed with the
// entries that command_codec reads. Pure; see group_state.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/queue/content.h"
#include "broker/queue/machine.h"
#include "broker/replica/command_codec.h"
#include "broker/replica/group_state.h"

namespace warren::replica {

// The messages of one entry, and the parts of large ones, by slot.
struct EntryContents {
  Term term;
  std::vector<queue::Content> messages;
  std::size_t bytes = 0;    // what holding it costs
  bool only_parts = false;  // of interest to nobody but who asks for them
};

// What some applied entries did, for the leader's host and for storage.
struct QueueApplied {
  queue::Effects queues;
  struct Recorded {
    SessionId session;
    BatchNumber number;
  };
  std::vector<Recorded> recorded;  // batches that got their outcome
  std::vector<SessionId> ended;
  // Entries that brought messages, with what they brought: for the cache of recent entries.
  std::vector<std::pair<EntryIndex, std::shared_ptr<const EntryContents>>> contents;
};

class QueueState final : public GroupState {
 public:
  // Error: the entry is malformed; nothing of it was applied. A malformed batch within a good entry
  // is recorded with an empty outcome and does nothing.
  Result<void> apply(EntryIndex index, Term term, const std::shared_ptr<const std::string>& data,
                     QueueApplied& applied);
  // A leader's first entry of its term.
  void apply_no_op(EntryIndex index, Term term);
  // An entry that is not the machine's (a configuration).
  void skip(EntryIndex index) { applied_ = index; }

  const queue::Machine& machine() const { return machine_; }
  // True: nothing names the entry's messages; its record may go once a durable snapshot agrees.
  bool entry_dead(EntryIndex index) const { return !machine_.names_entry(index); }

  std::vector<StatePart> take_parts(bool everything) override;
  std::vector<StatePart> parts() const override;
  Result<void> restore(const std::string& key, const std::string& octets) override;

 private:
  StatePart group_part() const;
  void apply_batch(const EntryBatch& batch, EntryIndex index, std::uint32_t& next_slot,
                   EntryContents& contents, QueueApplied& applied);

  queue::Machine machine_;
};

}  // namespace warren::replica
