// Verdicts that the leader gives before it proposes: what the log is to say does not depend on who
// held what when it is applied.
#include <algorithm>

#include "broker/base/check.h"
#include "broker/queue/dispatch_queue.h"
#include "broker/queue/dispatcher.h"

namespace warren::queue {

bool Dispatcher::resolve_settle(SessionId session, QueueId id, const Held& held) {
  const QueueRecord* record = machine_.find(id);
  if (record == nullptr || !leading()) return false;
  DispatchQueue* queue = find_queue(id);
  const Checkout* checkout = queue == nullptr ? nullptr : queue->checkouts.find(held.message);
  if (checkout != nullptr) {
    if (checkout->settling || checkout->session != session || checkout->id != held.checkout)
      return false;
    ConsumerNumber consumer = checkout->consumer;
    std::uint32_t size = checkout->octets;
    queue->checkouts.start_settling(held.message);
    if (ConsumerState* state = queue->consumers.find(session, consumer)) {
      queue->consumers.free(*state, size, config_);
      activate(*queue);
    }
    return true;
  }
  // Nobody holds it. Of this term it was taken back; of an older one it is still the holder's.
  if (held.checkout.term >= term_) return false;
  auto message = record->messages.find(held.message);
  DispatchQueue& books = queue_at(id);
  if (!message || !was_handed_out_before(books, message->ordinal) ||
      is_void(session, id, held.checkout))
    return false;
  books.returned.erase(message->ordinal);
  end_withholding(books, message->ordinal);
  books.checkouts.insert(held.message, Checkout{held.checkout, session, ConsumerNumber(),
                                                message->ordinal, message->size, message->octets(),
                                                true, !books.passed(message->ordinal)});
  auto known = sessions_.find(session);
  if (known != sessions_.end()) known->second->queues.insert(id);
  return true;
}

// In this term, or maybe by an earlier leader. REQUIRES: it exists and is not checked out.
bool Dispatcher::was_handed_out_before(const DispatchQueue& queue, Ordinal ordinal) const {
  if (queue.passed(ordinal)) return true;
  const QueueRecord* record = machine_.find(queue.id);
  return record != nullptr && ordinal < record->messages.mark(level_of(ordinal)).redelivered_below;
}

std::vector<MessageId> Dispatcher::resolve_purge(SessionId session, QueueId id) {
  DispatchQueue& queue = queue_at(id);
  queue.freezers.push_back(session);
  std::vector<MessageId> spared;
  for (const auto& [message, checkout] : queue.checkouts.all())
    if (!checkout.settling) spared.push_back(message);
  const QueueRecord* record = machine_.find(id);
  if (!queue.on_hold || record == nullptr) return spared;
  // Whoever has not attached yet may hold anything that an earlier leader handed out.
  record->messages.for_each([&](const Message& message) {
    if (was_handed_out_before(queue, message.ordinal) &&
        queue.checkouts.find(message.id) == nullptr)
      spared.push_back(message.id);
    return true;
  });
  std::sort(spared.begin(), spared.end());
  return spared;
}

// Until the awaited sessions have attached nobody knows whether there are consumers: say there are.
SealVerdict Dispatcher::resolve_seal(SessionId session, QueueId id, bool if_unused) {
  DispatchQueue& queue = queue_at(id);
  queue.freezers.push_back(session);
  bool used = !queue.consumers.empty() || queue.on_hold;
  return {if_unused && used, queue.checkouts.held()};
}

EnqueuePlan Dispatcher::plan_enqueue(QueueId id, LevelNumber number, std::uint64_t count) {
  EnqueuePlan plan;
  DispatchQueue* queue = find_queue(id);
  if (config_.local || queue == nullptr || queue->stopped() || gone(id)) return plan;
  const QueueRecord* record = machine_.find(id);
  const Ordinal next = record == nullptr ? first_of(number) : record->messages.next(number);
  LevelCursor& level = queue->level(number, record);
  level.planned_end = std::max(level.planned_end, next).next(count);
  if (!queue->consumers.anyone_waits()) return plan;
  ask_touches(*queue, plan.touches);
  if (record != nullptr && record->messages.empty()) level.cursor = std::max(level.cursor, next);
  Ordinal low = level.cursor.next(config_.mark_stride / 2);
  if (level.mark_asked >= std::min(level.planned_end, low)) return plan;
  Needs needs;
  ask_mark(*queue, level.cursor.next(config_.mark_stride), needs);
  if (!needs.marks.empty()) plan.mark = needs.marks.front();
  return plan;
}

void Dispatcher::ask_mark(DispatchQueue& queue, Ordinal below, Needs& needs) {
  LevelCursor& level = queue.level(level_of(below), machine_.find(queue.id));
  if (config_.local || below <= level.mark_asked) return;
  level.mark_asked = below;
  needs.marks.push_back({queue.id, level_of(below), below});
}

}  // namespace warren::queue
