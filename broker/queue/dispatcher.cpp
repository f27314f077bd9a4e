// Terms, applied effects, deadlines and listings.
#include "broker/queue/dispatcher.h"

#include <algorithm>
#include <utility>

#include "broker/base/check.h"
#include "broker/queue/dispatch_queue.h"
#include "broker/queue/dispatcher_readers.h"

namespace warren::queue {

namespace {

bool holds(const DispatchQueue& queue, SessionId session) {
  auto items = queue.checkouts.of(session);
  return std::ranges::any_of(items, [](const auto& item) { return !item.second.settling; });
}

}  // namespace

Dispatcher::Dispatcher(const Machine& machine, DispatcherConfig config)
    : machine_(machine), config_(config) {}

Dispatcher::~Dispatcher() = default;

void Dispatcher::begin_term(Term term, BootTime now, Stamp stamp) {
  CHECK(term, "a term has a number");
  end_term();
  term_ = term;
  now_ = now;
  clock_ = {now, stamp};
  machine_.for_each_touch([&](SessionId session, QueueId id) {
    DispatchQueue& queue = queue_at(id);
    if (config_.local || gone(id)) return;
    queue.awaited.insert(session);
    queue.on_hold = true;
    on_hold_.insert(id);
  });
  machine_.for_each_queue([&](const QueueRecord& record) {
    const bool may_go = record.settings.auto_delete && record.consumed && !record.sealed;
    if (may_go && !config_.local) unattended_.insert(record.id);
    if (!record.sealed) watch_limits(record);
    if (!record.sealed) withhold_all(record);
  });
  if (!on_hold_.empty() || !unattended_.empty()) hold_until_ = now + config_.attach_grace;
}

void Dispatcher::end_term() {
  term_ = Term();
  counter_ = 0;
  queues_.clear();
  sessions_.clear();
  active_.clear();
  pending_.clear();
  on_hold_.clear();
  unattended_.clear();
  hold_until_.reset();
  untouches_.clear();
  limits_.clear();
  unsaved_ = {};
}

DispatchQueue& Dispatcher::queue_at(QueueId id) {
  auto& queue = queues_[id];
  if (!queue) {
    queue = std::make_unique<DispatchQueue>();
    queue->id = id;
  }
  return *queue;
}

DispatchQueue* Dispatcher::find_queue(QueueId id) const {
  auto it = queues_.find(id);
  return it == queues_.end() ? nullptr : it->second.get();
}

DispatchSession& Dispatcher::attached_session(SessionId id) {
  auto it = sessions_.find(id);
  CHECK(it != sessions_.end() && it->second->attached, "session {}/{} is not attached", id.node,
        id.incarnation);
  return *it->second;
}

// A queue that the machine does not know yet is made on its first message; the host has looked.
bool Dispatcher::gone(QueueId id) const {
  const QueueRecord* record = machine_.find(id);
  return record != nullptr ? record->sealed : machine_.was_removed(id);
}

void Dispatcher::activate(DispatchQueue& queue) {
  if (queue.active) return;
  queue.active = true;
  active_.push_back(queue.id);
}

void Dispatcher::on_applied(const Effects& effects, BootTime now) {
  if (!leading()) return;
  now_ = now;
  for (QueueId id : effects.created)
    if (const QueueRecord* record = machine_.find(id)) watch_limits(*record);
  QueueId before;
  for (QueueId id : effects.grown)
    if (std::exchange(before, id) != id) applied_growth(id);
  for (const TouchChange& change : effects.touches)
    applied_touch(change);
  for (QueueId id : effects.consumed)
    if (DispatchQueue* queue = find_queue(id)) admit_waiting(*queue), activate(*queue);
  for (QueueId id : effects.marked)
    if (DispatchQueue* queue = find_queue(id)) activate(*queue);
  for (const MessageRef& ref : effects.settled)
    applied_settle(ref);
  for (const MessageRef& ref : effects.returned)
    applied_return(ref);
  for (QueueId id : effects.purged)
    if (DispatchQueue* queue = find_queue(id)) applied_purge(*queue);
  for (QueueId id : effects.sealed)
    if (DispatchQueue* queue = find_queue(id)) cancel_all(*queue), thaw(*queue);
  for (QueueId id : effects.seal_refused)
    if (DispatchQueue* queue = find_queue(id)) thaw(*queue);
  for (const Lapsed& lapse : effects.lapses)
    applied_lapse(lapse);
  for (SessionId session : effects.ended)
    applied_end(session);
  for (QueueId id : effects.removed) {
    DispatchQueue* queue = find_queue(id);
    if (queue == nullptr) continue;
    cancel_all(*queue);
    on_hold_.erase(id);
    limits_.heads.set(id, queue->head_expires, std::nullopt);
    limits_.unused.set(id, queue->unused_until, std::nullopt);
    limits_.retries.set(id, queue->retries_at, std::nullopt);
    limits_.expelling -= queue->expelling;
    queues_.erase(id);
  }
  if (limits_.expelling <= expels_under_way / 2) resume_expelling();
}

void Dispatcher::applied_growth(QueueId id) {
  DispatchQueue* queue = find_queue(id);
  const QueueRecord* record = machine_.find(id);
  if (queue != nullptr && record != nullptr && record->stream) queue->consumers.more(config_);
  if (queue != nullptr && (queue->consumers.anyone_waits() || !queue->gets.empty()))
    activate(*queue);
  if (record == nullptr) return;
  if (record->settings.limits_length() || record->messages.dated() > 0) inspect(queue_at(id));
}

void Dispatcher::applied_settle(const MessageRef& ref) {
  DispatchQueue* queue = find_queue(ref.queue);
  if (queue == nullptr) return;
  queue->returned.erase(ref.ordinal);
  end_withholding(*queue, ref.ordinal);
  if (queue->checkouts.find(ref.message) != nullptr) drop_checkout(*queue, ref.message);
}

void Dispatcher::applied_return(const MessageRef& ref) {
  DispatchQueue* queue = find_queue(ref.queue);
  if (queue == nullptr) return;
  const Checkout* checkout = queue->checkouts.find(ref.message);
  if (checkout != nullptr && checkout->settling) return_to_queue(*queue, ref.message);
  inspect(*queue);
}

// The purge spared what was held when it was proposed; claims made since then lose.
void Dispatcher::applied_purge(DispatchQueue& queue) {
  const QueueRecord* record = machine_.find(queue.id);
  auto is_gone = [&](auto key) { return record == nullptr || !record->messages.find(key); };
  std::erase_if(queue.returned, is_gone);
  for (const auto& [ordinal, withheld] : std::map(queue.withheld))
    if (is_gone(ordinal)) end_withholding(queue, ordinal);
  for (const auto& [message, checkout] : queue.checkouts.all())
    if (is_gone(message)) drop_checkout(queue, message);
  thaw(queue);
}

void Dispatcher::applied_touch(const TouchChange& change) {
  DispatchQueue* queue = find_queue(change.queue);
  if (queue == nullptr) return;
  TouchState& state = touch_state(*queue, change.session);
  state.committed = change.set;
  if (change.set) state.asked = false;
  for (const auto& consumer : queue->consumers.all())
    if (consumer->session == change.session) consumer->touched = change.set;
  activate(*queue);
}

// Batches of an ended session that are not applied by now never will be.
void Dispatcher::applied_end(SessionId ended) {
  auto over = [&](SessionId session) { return session.node == ended.node && session <= ended; };
  std::set<SessionId> sessions;
  for (const auto& [session, books] : sessions_)
    if (over(session)) sessions.insert(session);
  for (auto& [id, queue] : queues_) {
    if (std::erase_if(queue->freezers, over) > 0 && !queue->stopped())
      admit_waiting(*queue), activate(*queue);
    for (SessionId session : queue->awaited)
      if (over(session)) sessions.insert(session);
  }
  for (SessionId session : sessions)
    session_ended(session);
  // What it was settling, perhaps without ever attaching here.
  for (auto& [id, queue] : queues_)
    for (const auto& [message, checkout] : queue->checkouts.all())
      if (over(checkout.session)) return_to_queue(*queue, message);
}

void Dispatcher::thaw(DispatchQueue& queue) {
  if (!queue.freezers.empty()) queue.freezers.pop_front();
  if (queue.stopped()) return;
  admit_waiting(queue);
  activate(queue);
  inspect(queue);
}

// Of a new leader.
void Dispatcher::end_grace() {
  hold_until_.reset();
  for (QueueId id : on_hold_)
    end_hold(queue_at(id));
  for (QueueId id : std::exchange(unattended_, {})) {
    const DispatchQueue* queue = find_queue(id);
    const bool has_any = queue != nullptr && (!queue->consumers.empty() || !queue->waiting.empty());
    if (!has_any) pending_.consumers_gone.push_back(id);
  }
}

void Dispatcher::tick(BootTime now) {
  now_ = now;
  tick_limits();
  tick_retries();
  readers().tick();
  if (hold_until_ && *hold_until_ <= now) end_grace();
  for (auto& [session, books] : sessions_) {
    if (!books->grace_until || *books->grace_until > now) continue;
    books->grace_until.reset();
    for (QueueId id : books->queues) {
      DispatchQueue* queue = find_queue(id);
      if (queue == nullptr) continue;
      if (holds(*queue, session)) {
        ask_lapse(*queue, session, CheckoutId{term_, counter_});
      } else {
        queue->consumers.give_up(session, config_);
        activate(*queue);
      }
    }
  }
  while (!untouches_.empty() && untouches_.front().first <= now) {
    TouchNeed candidate = untouches_.front().second;
    untouches_.pop_front();
    try_untouch(candidate, now);
  }
}

std::optional<BootTime> Dispatcher::next_deadline() const {
  const bool holds = !on_hold_.empty() || !unattended_.empty();
  std::optional<BootTime> next = holds ? hold_until_ : std::nullopt;
  auto consider = [&](BootTime time) { next = next ? std::min(*next, time) : time; };
  for (const auto& [session, books] : sessions_)
    if (books->grace_until) consider(*books->grace_until);
  if (!untouches_.empty()) consider(untouches_.front().first);
  if (unsaved_.save_at) consider(*unsaved_.save_at);
  for (const Deadlines* deadlines : {&limits_.heads, &limits_.unused, &limits_.retries})
    if (auto due = deadlines->next()) consider(*due);
  return next;
}

QueueCounts Dispatcher::counts(QueueId id) const {
  QueueCounts counts;
  counts.queue = id;
  const QueueRecord* record = machine_.find(id);
  if (record != nullptr) {
    counts.ready = record->messages.size();
    counts.ready_bytes = record->messages.octets();
    counts.delayed = record->delayed.size();
  }
  if (const DispatchQueue* queue = find_queue(id)) {
    const Checkouts& out = queue->checkouts;
    counts.ready -= out.held() + out.settling();
    counts.ready_bytes -= out.octets();
    counts.unacknowledged = out.held();
    counts.ready -= queue->withheld.size();
    counts.delayed += queue->withheld.size();
    counts.ready_bytes -= queue->withheld_octets;
    counts.consumers = queue->consumers.size();
    if (record != nullptr && record->stream)
      for (const auto& consumer : queue->consumers.all())
        counts.unacknowledged += consumer->outstanding;
  }
  return counts;
}

void Dispatcher::for_each_consumer(QueueId id, const VisitConsumer& visit) const {
  if (const DispatchQueue* queue = find_queue(id))
    for (const auto& state : queue->consumers.all())
      visit(state->session, state->consumer, queue->consumers.is_active(*state));
}

std::optional<CheckoutId> Dispatcher::checkout_of(QueueId id, MessageId message) const {
  const DispatchQueue* queue = find_queue(id);
  const Checkout* checkout = queue == nullptr ? nullptr : queue->checkouts.find(message);
  if (checkout == nullptr || checkout->settling) return std::nullopt;
  return checkout->id;
}

}  // namespace warren::queue
