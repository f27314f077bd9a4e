// What a QueueHost is told and what it asks of its owner. Implemented by GroupSet and LocalGroup,
// on the group's reactor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "broker/base/ids.h"
#include "broker/queue/dispatcher.h"
#include "broker/replica/dead_letter_feed.h"
#include "broker/replica/dead_letter_job.h"
#include "broker/replica/entry_cache.h"
#include "broker/session/host_stream.h"
#include "raft/ready.h"

namespace warren::replica {

struct QueueHostConfig {
  queue::DispatcherConfig dispatcher;
  std::uint64_t window = session::default_window;  // batches a session
  std::size_t entry_bytes = 1u << 20;              // an entry takes no more batches above
  // While this many are proposed and not applied, what comes gathers in one entry until it has
  // `full_entry` octets: what a busy group pays for is a sync and a round of messages an entry.
  std::size_t entries_in_flight = 2;
  std::size_t full_entry = 16u << 10;
  std::size_t cache_bytes = 16u << 20;    // recent contents
  std::shared_ptr<CacheRoom> cache_room;  // shared with other hosts; null: one of its own
  std::size_t poll_limit = 1024;          // handouts a turn, in steps of
  std::size_t poll_step = 64;
  // Entries being read: no more is handed out meanwhile, for each brings an entry of a MiB or more
  // however small the message is.
  std::size_t reads = 16;
  std::size_t event_bytes = 1u << 20;    // one message of deliveries
  std::size_t page_octets = 256u << 10;  // of contents, and so many messages: what one browse reads
  std::size_t page_messages = 256;
  DeadLetterLimits dead_letters;
};

class QueueHostPorts {
 public:
  virtual ~QueueHostPorts() = default;
  virtual raft::ProposeResult propose(std::shared_ptr<const std::string> entry) = 0;
  virtual void send(session::ToClient message) = 0;
  // Contents of entries that are not cached; each answered by QueueHost::on_contents, later.
  virtual void read_entries(std::vector<EntryIndex> entries) = 0;
  // Sealed in the group: its definition is to be deleted (may repeat).
  virtual void on_queue_sealed(QueueId queue) = 0;
  // To be routed and published, then answered by QueueHost::on_dead_letter_answers, later.
  virtual void on_dead_letters(std::vector<DeadLetterJob> letters) = 0;
  // An auto-delete queue lost its last consumer, or x-expires is over: delete it if unused still.
  virtual void on_queue_unused(QueueId queue) = 0;
};

}  // namespace warren::replica
