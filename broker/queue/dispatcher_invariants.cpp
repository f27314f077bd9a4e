// What must hold of the dispatcher's books after every step. For tests and simulations.
#include <algorithm>

#include "broker/queue/dispatch_queue.h"
#include "broker/queue/dispatcher.h"

namespace warren::queue {

namespace {

std::string broken_in_checkouts(const DispatchQueue& queue, const QueueRecord* record) {
  std::uint64_t held = 0, octets = 0, ahead = 0;
  std::set<CheckoutId> ids;
  for (const auto& [message, checkout] : queue.checkouts.all()) {
    held += checkout.settling ? 0 : 1;
    octets += checkout.size;
    ahead += checkout.ahead ? 1 : 0;
    auto found = record == nullptr ? std::nullopt : record->messages.find(message);
    if (!found || found->ordinal != checkout.ordinal || found->size != checkout.size)
      return fmt::format("queue {}: checkout of ordinal {}, which is not there", queue.id,
                         checkout.ordinal);
    if (checkout.ahead == queue.passed(checkout.ordinal))
      return fmt::format("queue {}: ordinal {} and cursor {}", queue.id, checkout.ordinal,
                         queue.cursor(level_of(checkout.ordinal)));
    if (queue.returned.contains(checkout.ordinal) || queue.withheld.contains(checkout.ordinal))
      return fmt::format("queue {}: ordinal {} is ready and held", queue.id, checkout.ordinal);
    if (!checkout.settling && !ids.insert(checkout.id).second)
      return fmt::format("queue {}: checkout {} twice", queue.id, checkout.id.counter);
  }
  if (held != queue.checkouts.held() || octets != queue.checkouts.octets() ||
      ahead != queue.checkouts.ahead())
    return fmt::format("queue {}: {} held of {} octets, {} ahead", queue.id, held, octets, ahead);
  return {};
}

// Below the cursor everything is checked out or came back.
std::string broken_in_order(const DispatchQueue& queue, const QueueRecord* record) {
  for (Ordinal ordinal : queue.returned)
    if (!queue.passed(ordinal) || record == nullptr || !record->messages.find(ordinal))
      return fmt::format("queue {}: ordinal {} came back", queue.id, ordinal);
  for (const auto& [ordinal, withheld] : queue.withheld) {
    const auto message = record == nullptr ? std::nullopt : record->messages.find(ordinal);
    if (!message || message->size != withheld.size || queue.returned.contains(ordinal) ||
        !queue.withheld_until.contains({withheld.due, ordinal}))
      return fmt::format("queue {}: ordinal {} waits", queue.id, ordinal);
  }
  std::uint64_t octets = 0;
  for (const auto& [ordinal, withheld] : queue.withheld)
    octets += withheld.size;
  if (queue.withheld.size() != queue.withheld_until.size() || octets != queue.withheld_octets)
    return fmt::format("queue {}: {} wait", queue.id, queue.withheld.size());
  std::string broken;
  if (record == nullptr) return broken;
  record->messages.for_each([&](const Message& message) {
    if (!queue.passed(message.ordinal)) return true;
    if (queue.checkouts.find(message.id) == nullptr && !queue.returned.contains(message.ordinal) &&
        !queue.withheld.contains(message.ordinal))
      broken = fmt::format("queue {}: ordinal {} is forgotten", queue.id, message.ordinal);
    return broken.empty();
  });
  return broken;
}

std::string broken_in_consumers(const DispatchQueue& queue, const DispatcherConfig& config) {
  std::map<std::pair<SessionId, ConsumerNumber>, std::uint64_t> held;
  for (const auto& [message, checkout] : queue.checkouts.all())
    if (!checkout.settling) ++held[{checkout.session, checkout.consumer}];
  std::size_t waiting = 0;
  queue.consumers.for_each_waiting([&](ConsumerState&) { ++waiting; });
  for (const auto& state : queue.consumers.all()) {
    waiting -= state->queued ? 1 : 0;
    if (state->queued != (has_credit(*state, config) && queue.consumers.may_be_served(*state)))
      return fmt::format("consumer {}: credit and ring differ", state->consumer.number);
    if (state->cursor) continue;  // its client knows what it holds
    if (state->outstanding != held[{state->session, state->consumer.number}])
      return fmt::format("consumer {}: {} outstanding", state->consumer.number, state->outstanding);
  }
  return waiting == 0 ? "" : fmt::format("queue {}: a stranger in the ring", queue.id);
}

}  // namespace

std::string Dispatcher::broken_invariant() const {
  for (const auto& [id, queue] : queues_) {
    const QueueRecord* record = machine_.find(id);
    std::string broken = broken_in_checkouts(*queue, record);
    if (broken.empty()) broken = broken_in_order(*queue, record);
    if (broken.empty()) broken = broken_in_consumers(*queue, config_);
    if (broken.empty() && queue->on_hold != on_hold_.contains(id))
      broken = fmt::format("queue {}: on hold or not", id);
    if (!broken.empty()) return broken;
  }
  return {};
}

}  // namespace warren::queue
