// Registering consumers and gets: who is admitted, who waits, who is told that the queue is gone.
#include <algorithm>

#include "broker/base/check.h"
#include "broker/queue/dispatch_queue.h"
#include "broker/queue/dispatcher_readers.h"

namespace warren::queue {

namespace {

bool has_single_active(const Machine& machine, QueueId id) {
  const QueueRecord* record = machine.find(id);
  return record != nullptr && record->settings.single_active;
}

}  // namespace

void Dispatcher::add_consumer(SessionId session, const Consumer& consumer) {
  DispatchSession& books = attached_session(session);
  if (gone(consumer.queue)) {
    pending_.consumes.push_back({session, consumer.number, ConsumeVerdict::queue_gone, {}});
    return;
  }
  DispatchQueue& queue = queue_at(consumer.queue);
  books.queues.insert(queue.id);
  if (may_admit(queue))
    admit(queue, session, consumer);
  else
    queue.waiting.push_back({session, consumer});
}

// That an auto-delete queue has a consumer is committed first: leader and consumer may be lost
// together, and who leads then must know that the queue is to go.
bool Dispatcher::may_admit(DispatchQueue& queue) {
  const QueueRecord* record = machine_.find(queue.id);
  if (!config_.local && record != nullptr && record->settings.auto_delete && !record->consumed) {
    if (!std::exchange(queue.consumed_asked, true)) pending_.needs.consumed.push_back(queue.id);
    return false;
  }
  return !queue.stopped();
}

// Features §4.7: exclusive with other consumers, or anyone beside an exclusive one, is 403.
void Dispatcher::admit(DispatchQueue& queue, SessionId session, const Consumer& consumer) {
  bool known = queue.consumers.find(session, consumer.number) != nullptr;
  bool alone = consumer.exclusive || queue.consumers.exclusive();
  bool refused = !known && ((alone && !queue.consumers.empty()) ||
                            (consumer.exclusive && has_single_active(machine_, queue.id)));
  ConsumeAnswer answer{session, consumer.number, ConsumeVerdict::ok, std::nullopt};
  if (refused)
    answer.verdict = ConsumeVerdict::exclusive_use;
  else if (!known)
    readers().note_beginning(queue, enlist(queue, session, consumer));
  if (const ConsumerState* state = queue.consumers.find(session, consumer.number))
    if (state->cursor) answer.next = state->cursor->next();
  pending_.consumes.push_back(answer);
}

ConsumerState& Dispatcher::enlist(DispatchQueue& queue, SessionId session,
                                  const Consumer& consumer) {
  DispatchSession& books = attached_session(session);
  books.queues.insert(queue.id);
  books.consumers[consumer.number] = queue.id;
  inspect_before_waiting(queue);
  queue.consumers.set_single_active(has_single_active(machine_, queue.id));
  ConsumerState& state = queue.consumers.add(session, consumer, config_, &books.flow);
  // Registered again after its answer was lost: what it was handed meanwhile is its own still.
  for (const auto& [message, checkout] : queue.checkouts.of(session))
    if (checkout.consumer == consumer.number && !checkout.settling)
      queue.consumers.charge(state, checkout.octets, config_);
  state.touched = touch_state(queue, session).committed;
  readers().begin(queue, state);
  limits_.unused.set(queue.id, queue.unused_until, std::nullopt);
  queue.expired = false;
  activate(queue);
  return state;
}

void Dispatcher::cancel_consumer(SessionId session, ConsumerNumber number, BootTime now) {
  now_ = now;
  DispatchSession& books = attached_session(session);
  auto it = books.consumers.find(number);
  if (it != books.consumers.end()) {
    DispatchQueue& queue = queue_at(it->second);
    remove_consumer(queue, *queue.consumers.find(session, number));
    offer_untouch(queue, session, now);
    return;
  }
  for (QueueId id : books.queues)
    if (DispatchQueue* queue = find_queue(id))
      std::erase_if(queue->waiting, [&](const DispatchQueue::Waiting& waiting) {
        return waiting.session == session && waiting.consumer.number == number;
      });
}

void Dispatcher::on_taken(SessionId session, ConsumerNumber number, std::uint64_t messages) {
  auto books = sessions_.find(session);
  if (books == sessions_.end()) return;
  auto at = books->second->consumers.find(number);
  if (at == books->second->consumers.end()) return;
  DispatchQueue& queue = queue_at(at->second);
  queue.consumers.taken(*queue.consumers.find(session, number), messages, config_);
  activate(queue);
  weigh(*books->second, session);
}

// One that is gone by now has none.
void Dispatcher::set_prefetch(SessionId session, ConsumerNumber number, std::uint32_t prefetch) {
  auto books = sessions_.find(session);
  if (books == sessions_.end()) return;
  auto at = books->second->consumers.find(number);
  if (at == books->second->consumers.end()) return;
  DispatchQueue& queue = queue_at(at->second);
  queue.consumers.set_prefetch(*queue.consumers.find(session, number), prefetch, config_);
  activate(queue);
}

// All consumers of a session share what may be on its way to their node.
void Dispatcher::weigh(DispatchSession& books, SessionId session) {
  const std::uint8_t pressure = wanted_pressure(books.flow, config_);
  if (pressure == books.flow.pressure) return;
  const bool eases = pressure < books.flow.pressure;
  books.flow.pressure = pressure;
  for (const auto& [number, id] : books.consumers) {
    DispatchQueue& queue = queue_at(id);
    queue.consumers.set_pressure(*queue.consumers.find(session, number), pressure, config_);
    if (eases) activate(queue);
  }
}

// Its checkouts stay, and find no consumer to give their credit back to.
void Dispatcher::remove_consumer(DispatchQueue& queue, ConsumerState& state) {
  auto books = sessions_.find(state.session);
  if (books != sessions_.end()) books->second->consumers.erase(state.consumer.number);
  if (state.cursor) readers().save(queue);
  queue.consumers.remove(state, config_);
  if (!queue.consumers.empty()) return activate(queue);  // another may be the active one now
  pending_.consumers_gone.push_back(queue.id);
  on_used(queue.id, now_);
}

void Dispatcher::get(SessionId session, const GetRequest& request, BootTime now) {
  now_ = now;
  DispatchSession& books = attached_session(session);
  if (gone(request.queue)) {
    pending_.gets.push_back({session, request, GetVerdict::queue_gone, std::nullopt, 0});
    return;
  }
  // A message that it takes would overtake what the active consumer holds.
  if (has_single_active(machine_, request.queue)) {
    pending_.gets.push_back({session, request, GetVerdict::locked, std::nullopt, 0});
    return;
  }
  DispatchQueue& queue = queue_at(request.queue);
  books.queues.insert(queue.id);
  inspect_before_waiting(queue);
  queue.gets.push_back({session, request});
  on_used(queue.id, now);
  offer_untouch(queue, session, now);
  activate(queue);
}

void Dispatcher::admit_waiting(DispatchQueue& queue) {
  if (queue.waiting.empty() || !may_admit(queue)) return;
  std::deque<DispatchQueue::Waiting> waiting;
  waiting.swap(queue.waiting);
  for (const auto& [session, consumer] : waiting)
    admit(queue, session, consumer);
}

void Dispatcher::release_hold(DispatchQueue& queue) {
  queue.on_hold = false;
  queue.awaited.clear();
  on_hold_.erase(queue.id);
  if (queue.stopped()) return;
  admit_waiting(queue);
  activate(queue);
  inspect(queue);
}

// What an earlier stream of the session asked for is asked again by the new one, if at all.
void Dispatcher::forget_requests(DispatchQueue& queue, SessionId session) {
  auto mine = [&](const auto& request) { return request.session == session; };
  std::erase_if(queue.waiting, mine);
  std::erase_if(queue.gets, mine);
}

// The queue is sealed or removed. Holdings stay: their settles still come.
void Dispatcher::cancel_all(DispatchQueue& queue) {
  while (!queue.consumers.empty()) {
    ConsumerState& state = *queue.consumers.all().front();
    pending_.cancelled.push_back({state.session, state.consumer.number, queue.id});
    auto books = sessions_.find(state.session);
    if (books != sessions_.end()) books->second->consumers.erase(state.consumer.number);
    queue.consumers.remove(state, config_);
  }
  for (const auto& [session, consumer] : queue.waiting)
    pending_.consumes.push_back({session, consumer.number, ConsumeVerdict::queue_gone, {}});
  for (const auto& [session, request] : queue.gets)
    pending_.gets.push_back({session, request, GetVerdict::queue_gone, std::nullopt, 0});
  queue.waiting.clear();
  queue.gets.clear();
}

TouchState& Dispatcher::touch_state(DispatchQueue& queue, SessionId session) {
  auto [it, fresh] = queue.touches.try_emplace(session);
  if (fresh) it->second.committed = config_.local || machine_.touched(session, queue.id);
  return it->second;
}

// Says whether the bit is committed; if not, sees to it that somebody asks.
bool Dispatcher::ask_touch(DispatchQueue& queue, SessionId session, std::vector<TouchNeed>& needs) {
  TouchState& state = touch_state(queue, session);
  if (!state.committed && !state.asked) {
    state.asked = true;
    needs.push_back({session, queue.id});
  }
  return state.committed;
}

// For everyone who could be handed something.
void Dispatcher::ask_touches(DispatchQueue& queue, std::vector<TouchNeed>& needs) {
  queue.consumers.for_each_waiting([&](ConsumerState& state) {
    if (!state.touched) ask_touch(queue, state.session, needs);
  });
}

void Dispatcher::offer_untouch(DispatchQueue& queue, SessionId session, BootTime now) {
  TouchState& state = touch_state(queue, session);
  if (config_.local || state.candidate) return;
  state.candidate = true;
  untouches_.emplace_back(now + config_.untouch_after, TouchNeed{session, queue.id});
}

void Dispatcher::try_untouch(const TouchNeed& candidate, BootTime now) {
  DispatchQueue* queue = find_queue(candidate.queue);
  auto books = sessions_.find(candidate.session);
  if (queue == nullptr || books == sessions_.end()) return;
  TouchState& state = touch_state(*queue, candidate.session);
  state.candidate = false;
  for (const auto& [number, id] : books->second->consumers)
    if (id == queue->id) return;
  bool waits = std::any_of(queue->gets.begin(), queue->gets.end(),
                           [&](const auto& get) { return get.session == candidate.session; });
  // Whoever holds what has lapsed must be refused it, at the latest by the answer to its attach:
  // which has surely come when the stream has lived for so long.
  bool refused =
      books->second->attached && now - books->second->attached_at >= config_.untouch_after;
  bool lapsed = machine_.lapsed(candidate.session, candidate.queue) != CheckoutId{};
  if (waits || state.asked || (lapsed && !refused) ||
      !queue->checkouts.of(candidate.session).empty())
    return offer_untouch(*queue, candidate.session, now);
  if (!state.committed) return;
  state.committed = false;
  pending_.needs.untouches.push_back(candidate);
}

}  // namespace warren::queue
