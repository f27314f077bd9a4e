// What a queue group's log holds, octet for octet (proto/command.proto): a session batch, encoded
// once by the client's node, and the entry that a leader builds around batches. Slots number the
// publishes and parts of an entry over all its batches, in order. Pure: any thread.
// Malformed input is an Error, never a crash: entries come from disks and peers.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/ids.h"
#include "broker/base/result.h"
#include "broker/queue/client_command.h"
#include "broker/queue/machine.h"

namespace warren::replica {

// The version of entries: this build reads every one up to this, and writes each in the lowest that
// says it all. 2: limits. 3: dead letters. 4: delayed retries, duplicates. 5: streams.
inline constexpr std::uint32_t command_version = 6;
// The same for session batches. 2: uploads. 3: delays, dead letters. 4: keys of duplicates.
inline constexpr std::uint32_t batch_version = 4;
// In which version a batch is written; 0: malformed, or of a newer build. Its entry is in no lower
// one, from 3 on: an older build would take what it does not know of a batch for malformed, alone
// among the replicas.
std::uint32_t version_of_batch(const Bytes& blob);

struct DecodedBatch {
  CatalogIndex catalog_index;
  std::vector<queue::ClientCommand> commands;  // origins are not in the log: zero
};

// REQUIRES: no body over 4 GiB.
Bytes encode_batch(CatalogIndex catalog_index, std::span<const queue::ClientCommand> commands);
// The contents share the blob's buffer.
Result<DecodedBatch> decode_batch(const Bytes& blob);

struct QueueCreate {
  QueueId queue;
  std::string settings;
  bool operator==(const QueueCreate&) const = default;
};
struct Mark {
  QueueId queue;
  queue::LevelNumber level;
  Ordinal ordinal;
  bool operator==(const Mark&) const = default;
};
struct Touch {
  SessionId session;
  QueueId queue;
  bool operator==(const Touch&) const = default;
};

struct Lapse {
  SessionId session;
  QueueId queue;
  CheckoutId through;
  bool operator==(const Lapse&) const = default;
};

struct QueueRemoval {
  QueueId queue;
  CatalogIndex deleted;  // the catalog had deleted it by then
  bool operator==(const QueueRemoval&) const = default;
};
// What the leader alone knew when it proposed a seal.
struct SealFound {
  bool in_use = false;     // if_unused was asked, and there is a consumer
  std::uint64_t held = 0;  // handed out and not being settled: not ready
  bool operator==(const SealFound&) const = default;
};

// Ready messages that expired, or are too many.
struct Expel {
  QueueId queue;
  queue::DeathReason reason = queue::DeathReason::expired;
  std::vector<MessageId> messages;
  bool operator==(const Expel&) const = default;
};

// A dead letter that is where it goes to, or nowhere.
struct DeadLetterDone {
  QueueId queue;
  queue::DeadLetterNumber number;
  bool operator==(const DeadLetterDone&) const = default;
};

// The consumers of that tag are done with everything in the stream below `next`.
struct ReadThrough {
  QueueId queue;
  std::string tag;
  Ordinal next;
  bool operator==(const ReadThrough&) const = default;
};

// What the leader found for one batch. Every replica applies by it.
struct Verdicts {
  std::vector<std::uint32_t>
      full;  // positions among all queues of the batch's publishes, ascending
  std::vector<std::uint32_t> refused;          // positions among the batch's held, ascending
  std::vector<std::vector<MessageId>> spared;  // for each purge
  std::vector<SealFound> sealed;               // for each seal
  bool operator==(const Verdicts&) const = default;
};

struct EntryBatch {
  SessionId session;
  BatchNumber number;
  BatchNumber released;  // the sender has the outcomes up to here
  Verdicts verdicts;
  Bytes blob;  // as encode_batch made it
};

struct QueueEntry {
  Stamp stamp;
  std::vector<QueueCreate> creates;
  std::vector<Touch> touches;
  std::vector<Touch> untouches;
  std::vector<EntryBatch> batches;
  std::vector<Mark> marks;
  std::vector<Lapse> lapses;
  std::vector<SessionId> ended;
  std::vector<QueueRemoval> removed;
  CatalogIndex forget_removed;    // 0: nothing
  std::vector<QueueId> consumed;  // auto_delete: about to have a first consumer
  std::vector<Expel> expels;
  std::vector<DeadLetterDone> dead_done;
  std::vector<ReadThrough> read_through;

  bool empty() const {
    return creates.empty() && touches.empty() && untouches.empty() && batches.empty() &&
           marks.empty() && lapses.empty() && ended.empty() && removed.empty() && !forget_removed &&
           consumed.empty() && expels.empty() && dead_done.empty() && read_through.empty();
  }
};

std::shared_ptr<const std::string> encode_entry(const QueueEntry& entry);
// The batches' blobs share `data`.
Result<QueueEntry> decode_entry(const std::shared_ptr<const std::string>& data);

// The contents of an entry by slot, for a reader that wants nothing else.
struct DecodedContents {
  std::vector<queue::Content> messages;  // and parts
  bool only_parts = true;
};
Result<DecodedContents> decode_contents(const std::shared_ptr<const std::string>& data);

}  // namespace warren::replica
