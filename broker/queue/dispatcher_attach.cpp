// Streams that come, go and end, and what becomes of their sessions' holdings (architecture §8).
#include <algorithm>

#include "broker/base/check.h"
#include "broker/queue/dispatch_queue.h"
#include "broker/queue/dispatcher_readers.h"

namespace warren::queue {

// Forgets a checkout; a consumer that held it has its credit again.
void Dispatcher::drop_checkout(DispatchQueue& queue, MessageId message) {
  Checkout checkout = queue.checkouts.erase(message);
  if (checkout.session == SessionId()) {
    --queue.expelling;
    --limits_.expelling;
  }
  if (checkout.settling) return;
  ConsumerState* state = queue.consumers.find(checkout.session, checkout.consumer);
  if (state == nullptr) return;
  queue.consumers.free(*state, checkout.octets, config_);
  activate(queue);
}

// At its original position. What stands at or above the cursor is met there again.
void Dispatcher::return_to_queue(DispatchQueue& queue, MessageId message) {
  Ordinal ordinal = queue.checkouts.find(message)->ordinal;
  drop_checkout(queue, message);
  const QueueRecord* record = machine_.find(queue.id);
  if (record == nullptr || !record->messages.find(ordinal)) return;
  if (!withhold(queue, *record, ordinal) && queue.passed(ordinal)) queue.returned.insert(ordinal);
  activate(queue);
}

void Dispatcher::return_held(DispatchQueue& queue, SessionId session,
                             const std::set<MessageId>& kept) {
  for (const auto& [message, checkout] : queue.checkouts.of(session))
    if (!checkout.settling && !kept.contains(message)) return_to_queue(queue, message);
}

ClaimReply Dispatcher::session_attached(SessionId session, std::span<const Claim> claims,
                                        BootTime now) {
  now_ = now;
  auto& owned = sessions_[session];
  if (!owned) owned = std::make_unique<DispatchSession>();
  DispatchSession& books = *owned;
  books.attached = true;
  books.attached_at = now;
  books.grace_until.reset();

  std::vector<std::pair<ConsumerNumber, std::size_t>> order;  // of registration
  for (std::size_t i = 0; i < claims.size(); ++i)
    order.emplace_back(claims[i].consumer.number, i);
  std::sort(order.begin(), order.end());
  ClaimReply reply;
  std::set<ConsumerNumber> claimed;
  std::map<QueueId, std::set<MessageId>> kept;
  for (auto [number, index] : order) {
    const Claim* claim = &claims[index];
    DispatchQueue* queue = gone(claim->queue) ? find_queue(claim->queue) : &queue_at(claim->queue);
    if (queue != nullptr) books.queues.insert(queue->id);
    if (claim->consumer.number && !claim->cancelled) {
      claimed.insert(claim->consumer.number);
      attach_consumer(queue, session, *claim, reply);
    }
    for (const Held& held : claim->held)
      if (claim_message(queue, session, *claim, held, reply))
        kept[claim->queue].insert(held.message);
  }
  for (auto [number, id] : std::map(books.consumers))
    if (!claimed.contains(number))
      remove_consumer(*find_queue(id), *find_queue(id)->consumers.find(session, number));
  for (QueueId id : books.queues)
    if (DispatchQueue* queue = find_queue(id)) {
      forget_requests(*queue, session);
      return_held(*queue, session, kept[id]);
    }
  stop_awaiting(session);
  if (const std::set<QueueId>* touched = machine_.touched_by(session))
    for (QueueId id : *touched)
      if (machine_.lapsed(session, id) != CheckoutId{}) offer_untouch(queue_at(id), session, now);
  return reply;
}

void Dispatcher::stop_awaiting(SessionId session) {
  for (QueueId id : std::set(on_hold_)) {
    DispatchQueue& queue = queue_at(id);
    if (queue.awaited.erase(session) > 0 && queue.awaited.empty()) release_hold(queue);
  }
}

// An earlier leader took it back, and may have handed it to somebody else.
bool Dispatcher::is_void(SessionId session, QueueId queue, CheckoutId checkout) const {
  CheckoutId lapsed = machine_.lapsed(session, queue);
  return checkout <= lapsed && lapsed.term < term_;
}

void Dispatcher::attach_consumer(DispatchQueue* queue, SessionId session, const Claim& claim,
                                 ClaimReply& reply) {
  ConsumerNumber number = claim.consumer.number;
  if (queue == nullptr || gone(queue->id)) {
    reply.cancelled.push_back(number);
    return;
  }
  if (ConsumerState* known = queue->consumers.find(session, number)) {
    queue->consumers.set_prefetch(*known, claim.consumer.prefetch, config_);
    queue->consumers.attach(*known, true, config_);
    if (claim.reading) readers().resume(*queue, *known, *claim.reading);
    activate(*queue);
    return;
  }
  if (!queue->consumers.empty() && (claim.consumer.exclusive || queue->consumers.exclusive())) {
    reply.cancelled.push_back(number);
    return;
  }
  Consumer consumer = claim.consumer;
  consumer.queue = queue->id;
  ConsumerState& state = enlist(*queue, session, consumer);
  if (claim.reading) readers().resume(*queue, state, *claim.reading);
}

// True: the session holds it from now on.
bool Dispatcher::claim_message(DispatchQueue* queue, SessionId session, const Claim& claim,
                               const Held& held, ClaimReply& reply) {
  const QueueRecord* record = machine_.find(claim.queue);
  auto message = record == nullptr ? std::nullopt : record->messages.find(held.message);
  if (queue == nullptr || !message) {
    reply.refused.push_back(held);
    return false;
  }
  if (const Checkout* checkout = queue->checkouts.find(held.message)) {
    // By the id that it claimed last time, where the answer was lost.
    bool named = checkout->id == held.checkout || checkout->before == held.checkout;
    bool same = !checkout->settling && checkout->session == session && named;
    if (same)
      renew_claim(*queue, session, held, reply);
    else
      reply.refused.push_back(held);
    return same;
  }
  if (!was_handed_out_before(*queue, message->ordinal) ||
      is_void(session, queue->id, held.checkout)) {
    reply.refused.push_back(held);
    return false;
  }
  CheckoutId now{term_, ++counter_};
  ConsumerState* state = queue->consumers.find(session, claim.consumer.number);
  queue->returned.erase(message->ordinal);
  end_withholding(*queue, message->ordinal);
  queue->checkouts.insert(
      held.message,
      Checkout{now, session, state == nullptr ? ConsumerNumber() : claim.consumer.number,
               message->ordinal, message->size, message->octets(), false,
               !queue->passed(message->ordinal), held.checkout});
  if (state != nullptr) queue->consumers.charge(*state, message->octets(), config_);
  ask_touch(*queue, session, pending_.needs.touches);
  reply.renewed.push_back({held.message, held.checkout, now});
  return true;
}

// What is about to lapse gets a checkout that does not.
void Dispatcher::renew_claim(DispatchQueue& queue, SessionId session, const Held& held,
                             ClaimReply& reply) {
  CheckoutId now = queue.checkouts.find(held.message)->id;
  if (now <= touch_state(queue, session).lapsing) {
    now = {term_, ++counter_};
    queue.checkouts.renew(held.message, now, held.checkout);
  }
  if (now != held.checkout) reply.renewed.push_back({held.message, held.checkout, now});
}

// The leader is unchanged: keep what the session holds for the grace, and serve the others.
void Dispatcher::session_detached(SessionId session, BootTime now) {
  auto it = sessions_.find(session);
  if (it == sessions_.end() || !it->second->attached) return;
  now_ = now;
  DispatchSession& books = *it->second;
  books.attached = false;
  books.grace_until = now + config_.attach_grace;
  for (auto [number, id] : books.consumers) {
    DispatchQueue& queue = queue_at(id);
    queue.consumers.attach(*queue.consumers.find(session, number), false, config_);
  }
  for (QueueId id : books.queues)
    if (DispatchQueue* queue = find_queue(id)) forget_requests(*queue, session);
}

void Dispatcher::session_ended(SessionId session) {
  auto it = sessions_.find(session);
  if (it != sessions_.end()) {
    for (QueueId id : std::set(it->second->queues)) {
      DispatchQueue* queue = find_queue(id);
      if (queue == nullptr) continue;
      forget_requests(*queue, session);
      return_held(*queue, session, {});
    }
    for (auto [number, id] : std::map(it->second->consumers)) {
      DispatchQueue& queue = queue_at(id);
      remove_consumer(queue, *queue.consumers.find(session, number));
    }
    sessions_.erase(session);
  }
  stop_awaiting(session);
}

// A lapse is committed before anybody else is handed what lapses: the next leader refuses it to the
// session then, whatever this one has handed out by that time.
void Dispatcher::ask_lapse(DispatchQueue& queue, SessionId session, CheckoutId through) {
  TouchState& state = touch_state(queue, session);
  if (state.lapsing >= through) return;
  state.lapsing = through;
  pending_.needs.lapses.push_back({session, queue.id, through});
}

// Whoever has not come for what an earlier leader may have handed it loses it.
void Dispatcher::end_hold(DispatchQueue& queue) {
  for (SessionId session : queue.awaited)
    ask_lapse(queue, session, CheckoutId{term_, 0});
}

void Dispatcher::applied_lapse(const Lapsed& lapse) {
  DispatchQueue* queue = find_queue(lapse.queue);
  if (queue == nullptr) return;
  for (const auto& [message, checkout] : queue->checkouts.of(lapse.session))
    if (!checkout.settling && checkout.id <= lapse.through) return_to_queue(*queue, message);
  queue->consumers.give_up(lapse.session, config_);
  activate(*queue);
  if (queue->awaited.erase(lapse.session) > 0 && queue->awaited.empty()) release_hold(*queue);
}

}  // namespace warren::queue
