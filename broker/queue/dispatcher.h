// Who consumes: consumers, credit, checkouts, gets and attach, in the memory of one group's leader.
// Replicates nothing and proposes nothing: it says what it needs (Poll::needs) and the host commits
// it. Owned by the group's host, on its reactor; pure: time is an argument. docs/architecture.md
// §7, §8 (attach).
//
// The host, in this order: apply entries to the Machine; on_applied(effects); poll(). Commands are
// resolved in the order in which they are proposed. At the end of a term everything here is gone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/ids.h"
#include "broker/queue/delivery.h"
#include "broker/queue/effects.h"
#include "broker/queue/handout.h"
#include "broker/queue/machine.h"

namespace warren::queue {

struct DispatcherConfig {
  Milliseconds attach_grace{2000};  // architecture §8
  // How far a dispatch mark runs ahead: what a failover may flag as redelivered without need.
  std::uint64_t mark_stride = 1024;
  // In flight to one no_ack consumer: what one socket buffers, not what one queue holds.
  std::uint32_t no_ack_messages = 2000;
  std::uint64_t no_ack_octets = 4u << 20;
  // In flight to one consumer without prefetch.
  std::uint64_t unlimited_octets = 64u << 20;
  // From one queue before the next has its turn.
  std::size_t burst = 64;
  Milliseconds untouch_after{60000};
  bool local = false;  // a local group: its leader never changes, so no marks and no touch bits
};

struct DispatchQueue;    // dispatch_queue.h
struct DispatchSession;  // dispatch_queue.h

class Dispatcher {
 public:
  // `machine` must outlive the dispatcher.
  Dispatcher(const Machine& machine, DispatcherConfig config);
  ~Dispatcher();

  // This node leads, and its no-op is applied. Queues that earlier sessions may hold messages of
  // wait for those sessions to attach, or for the grace.
  void begin_term(Term term, BootTime now);
  void end_term();
  bool leading() const { return bool(term_); }

  // What the machine just did. Call after each turn of applying, before anything else.
  void on_applied(const Effects& effects, BootTime now);

  // --- Consumers and gets. Answers come out of poll(). REQUIRES: the session is attached.
  void add_consumer(SessionId session, const Consumer& consumer);
  // What it holds stays checked out to the session.
  void cancel_consumer(SessionId session, ConsumerNumber number, BootTime now);
  void get(SessionId session, const GetRequest& request);

  // --- Verdicts before proposing, in the order of the commands in the log.
  // True: write it as accepted. The consumer's credit is free at once.
  bool resolve_settle(SessionId session, QueueId queue, const Held& held, SettleKind kind,
                      BootTime now);
  // What the purge must spare. Nothing of the queue is handed out until it is applied.
  std::vector<MessageId> resolve_purge(SessionId session, QueueId queue);
  SealVerdict resolve_seal(SessionId session, QueueId queue, bool if_unused);
  // `count` messages for the queue are being proposed: what should ride in their entry.
  EnqueuePlan plan_enqueue(QueueId queue, std::uint64_t count);

  // --- Streams.
  // A new stream, its re-sent batches resolved and applied. What it does not claim goes back.
  ClaimReply session_attached(SessionId session, std::span<const Claim> claims, BootTime now);
  void session_detached(SessionId session, BootTime now);
  // Committed as dead, or replaced by a newer incarnation: everything goes back.
  void session_ended(SessionId session, BootTime now);

  // --- Work.
  // Fills `out` (cleared first) with at most `limit` handouts, gets included.
  void poll(BootTime now, std::size_t limit, Poll& out);
  // Ends graces that are over. Call when next_deadline() has passed.
  void tick(BootTime now);
  std::optional<BootTime> next_deadline() const;
  // True: poll() would find something to do.
  bool has_work() const;

  // --- Listings.
  QueueCounts counts(QueueId queue) const;
  std::uint64_t consumer_count(QueueId queue) const;
  // Exclusive, tag, prefetch, …: visit(SessionId, const Consumer&) in order of registration.
  void for_each_consumer(QueueId queue,
                         const std::function<void(SessionId, const Consumer&)>& visit) const;
  // What a message is checked out as, if it is.
  std::optional<CheckoutId> checkout_of(QueueId queue, MessageId message) const;

  // Panics when the books do not balance. For tests; O(everything).
  void check_invariants() const;

 private:
  friend class Attach;

  DispatchQueue& queue_at(QueueId id);
  DispatchQueue* find_queue(QueueId id) const;
  DispatchSession& session_at(SessionId id);
  void activate(DispatchQueue& queue);

  void admit(DispatchQueue& queue, SessionId session, const Consumer& consumer);
  void register_consumer(DispatchQueue& queue, SessionId session, const Consumer& consumer);
  void remove_consumer(DispatchQueue& queue, SessionId session, ConsumerNumber number);
  void release_hold(DispatchQueue& queue);
  void cancel_all(DispatchQueue& queue);
  void drop_queue(QueueId id);

  bool accept_older(DispatchQueue& queue, SessionId session, const Held& held);
  void return_to_queue(DispatchQueue& queue, MessageId message, Ordinal ordinal);
  void return_unclaimed(DispatchQueue& queue, SessionId session, const std::set<MessageId>& kept);
  void thaw(DispatchQueue& queue);
  void session_lost(SessionId session, DispatchQueue& queue, BootTime now);

  std::size_t serve(DispatchQueue& queue, std::size_t limit, Poll& out);

  const Machine& machine_;
  DispatcherConfig config_;
  Term term_;
  std::uint64_t counter_ = 0;
  std::map<QueueId, std::unique_ptr<DispatchQueue>> queues_;
  std::map<SessionId, std::unique_ptr<DispatchSession>> sessions_;
  std::deque<QueueId> active_;
  Poll pending_;  // answers and notices that wait for poll()
  std::optional<BootTime> hold_until_;
  std::set<QueueId> on_hold_;
  std::deque<std::pair<BootTime, TouchNeed>> untouch_candidates_;
};

}  // namespace warren::queue
