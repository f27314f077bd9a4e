// What the two ends of a session's stream tell each other. Payloads are opaque octets; the group is
// in the transport's envelope. Pure values: any thread. Architecture §8.
//
//   front end                                   leader
//     Open(released, host)        ->
//                                 <-   Opened(applied, expected), Outcomes (those not released)
//     Batch expected, …           ->
//     Attach(after, claims)       ->            waits until batch `after` is applied
//                                 <-   AttachReply
//     Batch, Request              ->
//                                 <-   Outcomes, Reply, Event (deliveries)
//
// At any time the leader may answer Rewind, NotLeader or Ended instead. Every message carries the
// stream's epoch; one of another epoch than the receiver's is dropped.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/ids.h"

namespace warren::session {

// Rises with every stream that a session opens; from 1.
using StreamEpoch = Strong<struct StreamEpochTag, std::uint64_t>;
// Names a volatile request (consume, cancel, get, …) within a session; from 1.
using RequestId = Strong<struct RequestIdTag, std::uint64_t>;

// The outcome of one batch, as the group's machine recorded it.
struct BatchOutcome {
  BatchNumber number;
  std::string octets;
  bool operator==(const BatchOutcome&) const = default;
};

struct Open {
  BatchNumber released;  // the sender knows the outcomes up to here
  // A local group's: of which life of its node; another life knows nothing of it. Else 0.
  Incarnation host{};
};
struct Batch {
  BatchNumber number;
  BatchNumber released;  // as in Open; goes into the log, where Ledger::release takes it
  Bytes payload;
};
struct Attach {
  BatchNumber after;  // processed once this batch is applied
  Bytes claims;
};
struct Request {
  RequestId id;
  BatchNumber after;  // processed once this batch is applied; none: at once
  Bytes payload;
};

struct Opened {
  BatchNumber applied;   // by the group's machine
  BatchNumber expected;  // the next batch to send: what lies between is proposed already
  Term term{};           // of the leader; 0: does not matter (the catalog's hands out nothing)
};
// Rising numbers without gaps, over the whole stream.
struct Outcomes {
  std::vector<BatchOutcome> outcomes;
};
struct Rewind {
  BatchNumber expected;
};
struct AttachReply {
  Bytes payload;
};
struct Reply {
  RequestId id;
  Bytes payload;
};
struct Event {
  Bytes payload;
};
struct NotLeader {
  NodeId hint;  // none: unknown
};
struct Ended {
  BatchNumber last;                    // the session's last applied batch
  std::vector<BatchOutcome> outcomes;  // those up to `last` that were not released
};

using HostBody = std::variant<Open, Batch, Attach, Request>;
using ClientBody =
    std::variant<Opened, Outcomes, Rewind, AttachReply, Reply, Event, NotLeader, Ended>;

struct ToHost {
  SessionId session;
  StreamEpoch epoch;
  HostBody body;
};
struct ToClient {
  SessionId session;
  StreamEpoch epoch;
  ClientBody body;
};

// Batches that a session may have sent and not know the outcome of; the most that a Ledger keeps
// for one session. 64 batches of up to 1 MiB cover the bandwidth and delay of any network here.
constexpr std::uint64_t default_window = 64;

}  // namespace warren::session
