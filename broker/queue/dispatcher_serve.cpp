// Handing out: gets first, then consumers in turn, never ahead of what is committed.
#include <algorithm>

#include "broker/base/check.h"
#include "broker/queue/dispatch_queue.h"
#include "broker/queue/dispatcher_readers.h"
#include "broker/queue/ready_reader.h"

namespace warren::queue {

bool Dispatcher::has_work() const {
  return !active_.empty() || !pending_.consumes.empty() || !pending_.gets.empty() ||
         !pending_.cancelled.empty() || !pending_.consumers_gone.empty() ||
         !pending_.expired.empty() || !pending_.needs.empty() || !limits_.inspected.empty();
}

void Dispatcher::poll(std::size_t limit, BootTime now, Poll& out) {
  CHECK(limit > 0, "a poll that may hand out nothing");
  now_ = now;
  out.clear();
  std::swap(out, pending_);
  // Somebody may have used the queue since it was found unused.
  std::erase_if(out.expired, [this](QueueId id) {
    const DispatchQueue* queue = find_queue(id);
    return queue == nullptr || !queue->expired;
  });
  for (QueueId id : out.expired)
    find_queue(id)->expired = false;
  for (auto& [session, books] : sessions_)
    weigh(*books, session);
  limits_.expels_left = std::min(expels_a_poll, expels_under_way - limits_.expelling);
  std::size_t left = limit;
  while (left > 0 && !active_.empty()) {
    DispatchQueue* queue = find_queue(active_.front());
    active_.pop_front();
    if (queue == nullptr) continue;
    queue->active = false;
    std::size_t turn = std::min(left, config_.burst);
    std::size_t made = serve(*queue, turn, out);
    if (made == turn) activate(*queue);
    left -= made;
  }
  inspect_all(out);
  if (limits_.expelling < expels_under_way) resume_expelling();
  out.more = !active_.empty() || !limits_.inspected.empty();
}

std::size_t Dispatcher::serve(DispatchQueue& queue, std::size_t limit, Poll& out) {
  if (queue.stopped()) return 0;
  const QueueRecord* record = machine_.find(queue.id);
  if (record == nullptr) {
    for (const auto& [session, request] : queue.gets)
      out.gets.push_back({session, request, GetVerdict::empty, std::nullopt, 0});
    queue.gets.clear();
    return 0;
  }
  if (record->stream) return readers().serve(queue, *record, limit, out);
  if (record->messages.dated() > 0 || record->settings.limits_length()) inspect(queue);
  ReadyReader ready(queue, *record, window_);
  std::size_t made = serve_gets(queue, ready, limit, out);
  return made + serve_consumers(queue, ready, limit - made, out);
}

// Committed as far as that: a later leader will say `redelivered` of it.
bool Dispatcher::may_hand_out(const QueueRecord& record, const Message& message) const {
  return config_.local ||
         message.ordinal < record.messages.mark(level_of(message.ordinal)).committed;
}

std::size_t Dispatcher::serve_gets(DispatchQueue& queue, ReadyReader& ready, std::size_t limit,
                                   Poll& out) {
  std::size_t made = 0;
  while (!queue.gets.empty() && made < limit) {
    DispatchQueue::Get get = queue.gets.front();
    auto next = next_live(queue, ready, out.needs);
    if (!next && limits_.expels_left == 0) return made;  // there may be one behind
    if (!next) {
      out.gets.push_back({get.session, get.request, GetVerdict::empty, std::nullopt, 0});
      queue.gets.pop_front();
      continue;
    }
    Ordinal ordinal = next->message.ordinal;
    bool touched = ask_touch(queue, get.session, out.needs.touches);
    bool marked = may_hand_out(ready.record(), next->message);
    if (!marked) ask_mark(queue, ordinal.next(), out.needs);
    if (!touched || !marked) return made;
    Handout handout = hand_out(queue, ready, *next, get.session, ConsumerNumber());
    queue.gets.pop_front();
    ++made;
    next_live(queue, ready, out.needs);  // what has expired behind it is not left
    std::uint64_t left = counts(queue.id).ready;
    out.gets.push_back({get.session, get.request, GetVerdict::message, handout, left});
  }
  return made;
}

std::size_t Dispatcher::serve_consumers(DispatchQueue& queue, ReadyReader& ready, std::size_t limit,
                                        Poll& out) {
  std::size_t made = 0;
  LevelNumber level;  // of what was handed out last
  while (made < limit) {
    ConsumerState* state = queue.consumers.front();
    if (state == nullptr) break;
    auto next = next_live(queue, ready, out.needs);
    if (!next) break;
    Ordinal ordinal = next->message.ordinal;
    level = level_of(ordinal);
    bool marked = may_hand_out(ready.record(), next->message);
    if (!marked && ordinal >= queue.level(level, &ready.record()).mark_asked)
      ask_mark(queue, ordinal.next(config_.mark_stride), out.needs);
    if (!marked || !state->touched) {
      ask_touches(queue, out.needs.touches);
      return made;
    }
    std::uint32_t size = next->message.octets();
    out.handouts.push_back(hand_out(queue, ready, *next, state->session, state->consumer.number));
    queue.consumers.served(*state, size, config_);
    if (state->flow->octets >= config_.session_octets)
      weigh(*sessions_.at(state->session), state->session);
    ++made;
  }
  // Ahead of need, while there is a backlog, so that nobody waits for a commit between messages.
  const LevelCursor& reached = queue.level(level, &ready.record());
  bool low = reached.mark_asked < reached.cursor.next(config_.mark_stride / 2);
  if (made > 0 && low && reached.cursor < ready.record().messages.next(level))
    ask_mark(queue, reached.cursor.next(config_.mark_stride), out.needs);
  return made;
}

Handout Dispatcher::hand_out(DispatchQueue& queue, ReadyReader& ready, const Ready& next,
                             SessionId session, ConsumerNumber consumer) {
  const Message& message = next.message;
  const QueueRecord& record = ready.record();
  Handout handout;
  handout.session = session;
  handout.consumer = consumer;
  handout.queue = queue.id;
  handout.held = {message.id, CheckoutId{term_, ++counter_}};
  handout.ordinal = message.ordinal;
  handout.size = message.size;
  if (!record.failed.empty())
    handout.delivery_count = machine_.failed_deliveries(queue.id, message.ordinal);
  handout.redelivered =
      next.returned || handout.delivery_count > 0 ||
      message.ordinal < record.messages.mark(level_of(message.ordinal)).redelivered_below;
  ready.take();
  queue.checkouts.insert(
      message.id, Checkout{handout.held.checkout, session, consumer, message.ordinal, message.size,
                           message.octets(), false, false});
  return handout;
}

}  // namespace warren::queue
