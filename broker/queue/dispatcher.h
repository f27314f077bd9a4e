// Who consumes: consumers, credit, checkouts, gets and attach, in the memory of one group's leader.
// Replicates nothing and proposes nothing: it says what it needs (Poll::needs) and the host commits
// it. Owned by the group's host, on its reactor; pure: time is an argument. Architecture §7, §8.
//
// The host, in this order: apply entries to the Machine; on_applied(effects); poll(). Commands are
// resolved in the order in which they are proposed, touches and untouches committed in the order
// in which they were asked for. At the end of a term everything here is gone.
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
#include <string>
#include <utility>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/ids.h"
#include "broker/queue/delivery.h"
#include "broker/queue/dispatcher_config.h"
#include "broker/queue/effects.h"
#include "broker/queue/handout.h"
#include "broker/queue/limit_books.h"
#include "broker/queue/machine.h"
#include "broker/queue/stamp_clock.h"
#include "broker/queue/unsaved_reads.h"

namespace warren::queue {

struct ConsumerState;  // consumers.h
struct DispatchQueue;  // dispatch_queue.h, with the next two
struct DispatchSession;
struct TouchState;
class ReadyReader;  // ready_reader.h
struct Ready;

class Dispatcher {
 public:
  // `machine` must outlive the dispatcher.
  Dispatcher(const Machine& machine, DispatcherConfig config);
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // This node leads, and its no-op is applied. Queues of which earlier sessions may hold something
  // wait for those sessions to attach, or for the grace.
  // `stamp` is the replicated time at `now`: deadlines are told in it.
  void begin_term(Term term, BootTime now, Stamp stamp);
  void end_term();
  bool leading() const { return bool(term_); }

  // What the machine just did. Call after each turn of applying, before anything else.
  void on_applied(const Effects& effects, BootTime now);

  // --- Consumers and gets. Answers come out of poll(). The host has found the queue in the
  // catalog. REQUIRES: the session is attached.
  void add_consumer(SessionId session, const Consumer& consumer);
  // What it holds stays checked out to the session.
  void cancel_consumer(SessionId session, ConsumerNumber number, BootTime now);
  void get(SessionId session, const GetRequest& request, BootTime now);

  // The consumer's socket has taken so many messages of what it was handed: more may follow.
  void on_taken(SessionId session, ConsumerNumber number, std::uint64_t messages);
  void set_prefetch(SessionId session, ConsumerNumber number, std::uint32_t prefetch);

  class Readers;  // consumers of streams: dispatcher_readers.h
  Readers readers();

  // --- Verdicts before proposing, in the order of the commands in the log.
  // True: write it as accepted. The consumer's credit is free at once.
  bool resolve_settle(SessionId session, QueueId queue, const Held& held);
  // What the purge must spare. Nothing of the queue is handed out until it is applied.
  std::vector<MessageId> resolve_purge(SessionId session, QueueId queue);
  SealVerdict resolve_seal(SessionId session, QueueId queue, bool if_unused);
  // May the queue take one more message of so many body octets? `coming` is proposed already, and
  // not applied. False only of a queue that rejects what is too much.
  bool has_room(QueueId queue, const Settings& settings, Load coming, std::uint64_t size) const;
  // `count` messages of that level for the queue are being proposed: what should ride along.
  EnqueuePlan plan_enqueue(QueueId queue, LevelNumber level, std::uint64_t count);

  // --- Streams.
  // A new stream; its re-sent batches are resolved. What it does not claim goes back.
  ClaimReply session_attached(SessionId session, std::span<const Claim> claims, BootTime now);
  void session_detached(SessionId session, BootTime now);
  // Dead, or replaced by a newer incarnation: everything it holds goes back.
  void session_ended(SessionId session);

  // --- Work. consumers_gone and the like tell of a moment: check counts() before acting on them.
  // Fills `out` (cleared first) with at most `limit` handouts, gets included. REQUIRES: limit > 0.
  void poll(std::size_t limit, BootTime now, Poll& out);
  // Ends graces that are over: asks that what was held lapses. Due at next_deadline().
  void tick(BootTime now);
  std::optional<BootTime> next_deadline() const;
  // True: poll() may find something to do.
  bool has_work() const;
  void on_used(QueueId queue, BootTime now);  // declared again: x-expires counts from now

  // --- Listings.
  QueueCounts counts(QueueId queue) const;
  // In order of registration. Active: not one that waits until a single active one is gone.
  using VisitConsumer = std::function<void(SessionId, const Consumer&, bool active)>;
  void for_each_consumer(QueueId queue, const VisitConsumer& visit) const;
  std::optional<CheckoutId> checkout_of(QueueId queue, MessageId message) const;
  // For tests: empty, or the first invariant that does not hold. Costs as much as there is.
  std::string broken_invariant() const;

 private:
  DispatchQueue& queue_at(QueueId id);
  DispatchQueue* find_queue(QueueId id) const;
  DispatchSession& attached_session(SessionId id);
  void activate(DispatchQueue& queue);
  bool gone(QueueId id) const;
  void admit(DispatchQueue& queue, SessionId session, const Consumer& consumer);
  ConsumerState& enlist(DispatchQueue& queue, SessionId session, const Consumer& consumer);
  void remove_consumer(DispatchQueue& queue, ConsumerState& state);
  void admit_waiting(DispatchQueue& queue);
  bool may_admit(DispatchQueue& queue);
  void end_grace();
  void release_hold(DispatchQueue& queue);
  void forget_requests(DispatchQueue& queue, SessionId session);
  void cancel_all(DispatchQueue& queue);
  void applied_growth(QueueId id);
  void applied_settle(const MessageRef& ref);
  void applied_return(const MessageRef& ref);
  void applied_purge(DispatchQueue& queue);
  void applied_touch(const TouchChange& change);
  void applied_end(SessionId session);
  void applied_lapse(const Lapsed& lapse);
  void thaw(DispatchQueue& queue);
  bool was_handed_out_before(const DispatchQueue& queue, Ordinal ordinal) const;
  void drop_checkout(DispatchQueue& queue, MessageId message);
  void return_to_queue(DispatchQueue& queue, MessageId message);
  void return_held(DispatchQueue& queue, SessionId session, const std::set<MessageId>& kept);
  void attach_consumer(DispatchQueue* queue, SessionId session, const Claim& claim,
                       ClaimReply& reply);
  bool is_void(SessionId session, QueueId queue, CheckoutId checkout) const;
  void renew_claim(DispatchQueue& queue, SessionId session, const Held& held, ClaimReply& reply);
  void stop_awaiting(SessionId session);
  void ask_lapse(DispatchQueue& queue, SessionId session, CheckoutId through);
  void end_hold(DispatchQueue& queue);
  bool claim_message(DispatchQueue* queue, SessionId session, const Claim& claim, const Held& held,
                     ClaimReply& reply);
  TouchState& touch_state(DispatchQueue& queue, SessionId session);
  bool ask_touch(DispatchQueue& queue, SessionId session, std::vector<TouchNeed>& needs);
  void ask_touches(DispatchQueue& queue, std::vector<TouchNeed>& needs);
  void offer_untouch(DispatchQueue& queue, SessionId session, BootTime now);
  void try_untouch(const TouchNeed& candidate, BootTime now);
  void ask_mark(DispatchQueue& queue, Ordinal below, Needs& needs);
  bool may_hand_out(const QueueRecord& record, const Message& message) const;
  std::size_t serve(DispatchQueue& queue, std::size_t limit, Poll& out);
  std::size_t serve_gets(DispatchQueue& queue, ReadyReader& ready, std::size_t limit, Poll& out);
  std::size_t serve_consumers(DispatchQueue& queue, ReadyReader& ready, std::size_t limit,
                              Poll& out);
  void weigh(DispatchSession& books, SessionId session);
  Handout hand_out(DispatchQueue& queue, ReadyReader& ready, const Ready& next, SessionId session,
                   ConsumerNumber consumer);  // dispatcher_limits.cpp
  void watch_limits(const QueueRecord& record);
  void inspect(DispatchQueue& queue);
  void inspect_all(Poll& out);
  void inspect_before_waiting(DispatchQueue& queue);
  void enforce_limits(DispatchQueue& queue, const QueueRecord& record, Needs& needs);
  bool is_expired(const DispatchQueue& queue, const Message& message) const;
  std::optional<Ready> next_live(DispatchQueue& queue, ReadyReader& ready, Needs& needs);
  bool expel(DispatchQueue& queue, ReadyReader& ready, const Message& message, DeathReason reason,
             Needs& needs);
  void drop_excess(DispatchQueue& queue, const QueueRecord& record, Needs& needs);
  void resume_expelling();
  void tick_limits();
  bool withhold(DispatchQueue& queue, const QueueRecord& record, Ordinal ordinal);
  void withhold_all(const QueueRecord& record);
  void end_withholding(DispatchQueue& queue, Ordinal ordinal);
  void watch_retries(DispatchQueue& queue);
  void tick_retries();

  const Machine& machine_;
  const DispatcherConfig config_;
  Term term_;
  BootTime now_{0};  // as it was last told
  StampClock clock_;
  std::uint64_t counter_ = 0;  // of checkouts, in this term
  std::map<QueueId, std::unique_ptr<DispatchQueue>> queues_;
  std::map<SessionId, std::unique_ptr<DispatchSession>> sessions_;
  std::deque<QueueId> active_;
  Poll pending_;  // answers and notices that wait for poll()
  std::set<QueueId> on_hold_;
  std::set<QueueId> unattended_;  // auto_delete: their consumers may be gone with a former leader
  std::optional<BootTime> hold_until_;
  std::deque<std::pair<BootTime, TouchNeed>> untouches_;
  LimitBooks limits_;
  UnsavedReads unsaved_;
  std::vector<Message> window_;  // scratch of serve()
};

}  // namespace warren::queue
