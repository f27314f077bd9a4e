// What a QueueHost keeps for one session's stream. Included by its sources only.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "broker/replica/queue_host.h"

namespace warren::replica {

// Contents of one entry, on their way; shared by all deliveries that wait for them.
struct QueueHost::Wanted {
  bool arrived = false;
  std::shared_ptr<const EntryContents> contents;  // null though arrived: the entry is gone
};

struct QueueHost::PendingDelivery {
  queue::Delivery delivery;
  std::shared_ptr<Wanted> wanted;
  session::RequestId get;  // set: the answer to this request
  std::uint64_t ready_left = 0;
};

// A browse's answer, once all of its contents are there.
struct QueueHost::PendingPage {
  SessionId session;
  session::StreamEpoch epoch;
  session::RequestId id;
  BrowseReply said;  // without contents
  std::vector<std::shared_ptr<Wanted>> wanted;
};

struct QueueHost::Stream {
  struct Incoming {
    session::Batch batch;
    Result<DecodedBatch> decoded;
  };

  Stream(SessionId session, Term term, const session::Ledger& ledger, std::uint64_t window)
      : stream(session, term, ledger, window) {}

  session::HostStream stream;
  bool attached = false;  // the dispatcher knows it
  std::deque<Incoming> incoming;
  std::deque<PendingDelivery> deliveries;  // in order; the first may wait for its content
  std::map<ConsumerNumber, session::RequestId> consumes;  // asked of the dispatcher
};

}  // namespace warren::replica
