// The dispatcher's books of one queue and of one session. Plain data behind dispatcher.h; included
// by the dispatcher's own sources only.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>

#include "broker/base/clock.h"
#include "broker/base/ids.h"
#include "broker/queue/checkouts.h"
#include "broker/queue/consumers.h"
#include "broker/queue/delivery.h"

namespace warren::queue {

struct TouchState {
  bool committed = false;
  bool asked = false;
  bool candidate = false;  // may be cleared when the session has held nothing for a while
  CheckoutId lapsing;      // asked for in this term, or none
};

struct DispatchQueue {
  struct Get {
    SessionId session;
    GetRequest request;
  };
  struct Waiting {
    SessionId session;
    Consumer consumer;
  };

  QueueId id;
  Consumers consumers;
  Checkouts checkouts;
  // Ready again after they were handed out in this term; all below the cursor.
  std::set<Ordinal> returned;
  // What stands at or above was not handed out in this term (but may be claimed: Checkout::ahead).
  Ordinal cursor;
  Ordinal mark_asked;   // asked for or committed
  Ordinal planned_end;  // above every message that is proposed
  std::map<SessionId, TouchState> touches;
  std::deque<Get> gets;
  std::deque<Waiting> waiting;     // new consumers that may not be admitted yet
  std::deque<SessionId> freezers;  // who proposed the purges and seals that are not yet applied
  std::set<SessionId> awaited;     // sessions that a new leader waits for
  bool consumed_asked = false;
  bool on_hold = false;
  bool active = false;  // stands in the dispatcher's list

  bool stopped() const { return on_hold || !freezers.empty(); }
};

struct DispatchSession {
  bool attached = false;
  BootTime attached_at{};
  std::optional<BootTime> grace_until;  // of a lost stream whose holdings are kept
  std::map<ConsumerNumber, QueueId> consumers;
  std::set<QueueId> queues;  // where it has, or had, anything
  SessionFlow flow;
};

}  // namespace warren::queue
