// What applying commands did, as data: the host hands it to the dispatcher (leader only) and to
// storage. Collected over one or more entries. Pure value: any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "broker/base/ids.h"
#include "broker/queue/dead_letters.h"

namespace warren::queue {

struct MessageRef {
  QueueId queue;
  Ordinal ordinal;
  MessageId message;
  auto operator<=>(const MessageRef&) const = default;
};

struct Death {
  MessageRef message;
  DeathReason reason;
};

struct TouchChange {
  SessionId session;
  QueueId queue;
  bool set = false;
};

struct Lapsed {
  SessionId session;
  QueueId queue;
  CheckoutId through;
};

struct Effects {
  std::vector<QueueId> created;
  std::vector<QueueId> grown;         // took messages; may repeat
  std::vector<MessageRef> settled;    // gone: by a settle, or dead
  std::vector<Death> died;            // those of them that nobody acknowledged or discarded
  std::vector<QueueId> dead_letters;  // whose messages became dead letters; may repeat
  std::vector<MessageRef> returned;   // stays, and is ready again unless somebody holds it
  std::vector<QueueId> purged;        // a purge was applied, whether or not the queue was there
  std::vector<QueueId> sealed;
  std::vector<QueueId> seal_refused;  // a seal was applied and changed nothing
  std::vector<QueueId> removed;
  std::vector<QueueId> consumed;     // is known to have had a consumer
  std::vector<QueueId> marked;       // may repeat
  std::vector<TouchChange> touches;  // in the order of the log
  std::vector<Lapsed> lapses;        // whether or not the queue, or the bit, was there
  std::vector<SessionId> ended;      // that node's sessions up to this incarnation
  // Entries that no queue names now. A later command of the same log entry may name it again: ask
  // Machine::names_entry before deleting, and delete only below a durable snapshot.
  std::vector<EntryIndex> dead_entries;

  void clear() { *this = Effects(); }
};

}  // namespace warren::queue
