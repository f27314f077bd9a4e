// Delayed retry: what came back and is to wait is nobody's until its time, at its place in the
// queue. The log says until when; the leader keeps to it.
#include <utility>

#include "broker/queue/dispatch_queue.h"
#include "broker/queue/dispatcher.h"

namespace warren::queue {

// It is ready, and nobody's. False: it has not to wait.
bool Dispatcher::withhold(DispatchQueue& queue, const QueueRecord& record, Ordinal ordinal) {
  if (record.retries.empty()) return false;
  auto retry = record.retries.find(ordinal);
  if (retry == record.retries.end() || retry->second <= clock_.stamp(now_)) return false;
  const std::uint32_t size = record.messages.find(ordinal)->size;
  queue.withheld[ordinal] = {retry->second, size};
  queue.withheld_octets += size;
  queue.withheld_until.insert({retry->second, ordinal});
  watch_retries(queue);
  return true;
}

// A new leader, which has handed out nothing yet. What sessions claim they hold.
void Dispatcher::withhold_all(const QueueRecord& record) {
  for (const auto& [ordinal, due] : record.retries)
    withhold(queue_at(record.id), record, ordinal);
}

void Dispatcher::end_withholding(DispatchQueue& queue, Ordinal ordinal) {
  auto it = queue.withheld.find(ordinal);
  if (it == queue.withheld.end()) return;
  queue.withheld_until.erase({it->second.due, ordinal});
  queue.withheld_octets -= it->second.size;
  queue.withheld.erase(it);
  watch_retries(queue);
}

void Dispatcher::watch_retries(DispatchQueue& queue) {
  const auto first = queue.withheld_until.begin();
  limits_.retries.set(queue.id, queue.retries_at,
                      first == queue.withheld_until.end()
                          ? std::nullopt
                          : std::optional(clock_.time(first->first)));
}

void Dispatcher::tick_retries() {
  while (auto due = limits_.retries.due(now_)) {
    DispatchQueue& queue = queue_at(*due);
    const Ordinal ordinal = queue.withheld_until.begin()->second;
    end_withholding(queue, ordinal);
    // What stands at or above its cursor is met there.
    if (queue.passed(ordinal)) queue.returned.insert(ordinal);
    activate(queue);
    inspect(queue);
  }
}

}  // namespace warren::queue
