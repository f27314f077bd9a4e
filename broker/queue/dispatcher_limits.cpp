// Limits of length and of time. The leader finds what is too much or too old among what it would
// hand out next, hands it to nobody any more, and asks that it goes: the log names each message.
#include <algorithm>
#include <utility>

#include "broker/queue/dispatch_queue.h"
#include "broker/queue/dispatcher.h"
#include "broker/queue/ready_reader.h"

namespace warren::queue {

namespace {

void note_offered(DispatchQueue& queue, const QueueRecord& record) {
  record.messages.for_each_level([&](LevelNumber number, const Level& level) {
    queue.level(number, &record).offered = level.next;
  });
}

}  // namespace

// A new leader waits for consumers as long as it waits for what they hold.
void Dispatcher::watch_limits(const QueueRecord& record) {
  const Settings& settings = record.settings;
  const bool limited = settings.limits_length() || record.messages.dated() > 0;
  if (!limited && !settings.expires_ms) return;
  DispatchQueue& queue = queue_at(record.id);
  if (settings.expires_ms) {
    const Milliseconds expires(static_cast<std::int64_t>(*settings.expires_ms));
    limits_.unused.set(queue.id, queue.unused_until,
                       now_ + std::max(expires, config_.attach_grace));
  }
  note_offered(queue, record);
  inspect(queue);
}

void Dispatcher::inspect(DispatchQueue& queue) {
  if (std::exchange(queue.inspect, true)) return;
  limits_.inspected.push_back(queue.id);
}

// After serving: who waits is served first, so that a message with a time to live of 0 reaches a
// consumer, and one that somebody takes at once is not one too many.
void Dispatcher::inspect_all(Poll& out) {
  for (QueueId id : std::exchange(limits_.inspected, {})) {
    DispatchQueue* queue = find_queue(id);
    const QueueRecord* record = machine_.find(id);
    if (queue == nullptr) continue;
    queue->inspect = false;
    if (record == nullptr || record->sealed || queue->stopped()) continue;
    if (queue->active) {
      inspect(*queue);
      continue;
    }
    // Somebody waits, for a mark or for what is behind all that goes: serving looks again.
    if (queue->waited_for() && counts(id).ready > 0) continue;
    note_offered(*queue, *record);
    enforce_limits(*queue, *record, out.needs);
  }
}

// Somebody is about to wait: what is too much by now was so before.
void Dispatcher::inspect_before_waiting(DispatchQueue& queue) {
  const QueueRecord* record = machine_.find(queue.id);
  if (!queue.inspect || queue.stopped() || queue.waited_for() || record == nullptr) return;
  limits_.expels_left = std::min(expels_a_poll, expels_under_way - limits_.expelling);
  note_offered(queue, *record);
  enforce_limits(queue, *record, pending_.needs);
}

void Dispatcher::enforce_limits(DispatchQueue& queue, const QueueRecord& record, Needs& needs) {
  if (record.settings.limits_length() && record.settings.overflow == Overflow::drop_head)
    drop_excess(queue, record, needs);
  if (record.messages.dated() == 0)
    return limits_.heads.set(queue.id, queue.head_expires, std::nullopt);
  std::optional<BootTime> next;
  record.messages.for_each_level([&](LevelNumber number, const Level&) {
    ReadyReader ready(queue, record, window_, number);
    const auto head = next_live(queue, ready, needs);
    if (!head || !head->message.deadline) return;
    const BootTime when = clock_.time(head->message.deadline);
    next = next ? std::min(*next, when) : when;
  });
  limits_.heads.set(queue.id, queue.head_expires, next);
}

bool Dispatcher::is_expired(const DispatchQueue& queue, const Message& message) const {
  if (!message.deadline || message.deadline > clock_.stamp(now_)) return false;
  auto level = queue.levels.find(level_of(message.ordinal));
  return level != queue.levels.end() && message.ordinal < level->second.offered;
}

// The next ready message that has not expired.
std::optional<Ready> Dispatcher::next_live(DispatchQueue& queue, ReadyReader& ready, Needs& needs) {
  for (;;) {
    auto next = ready.peek();
    if (!next || !is_expired(queue, next->message)) return next;
    if (!expel(queue, ready, next->message, DeathReason::expired, needs)) return std::nullopt;
  }
}

void Dispatcher::resume_expelling() {
  for (QueueId id : std::exchange(limits_.crowded, {}))
    if (DispatchQueue* queue = find_queue(id)) {
      activate(*queue);
      inspect(*queue);
    }
}

// False: enough for this poll.
bool Dispatcher::expel(DispatchQueue& queue, ReadyReader& ready, const Message& message,
                       DeathReason reason, Needs& needs) {
  if (limits_.expels_left == 0) {
    limits_.crowded.insert(queue.id);
    return false;
  }
  --limits_.expels_left;
  ++limits_.expelling;
  ++queue.expelling;
  ready.take();
  queue.checkouts.insert(message.id,
                         Checkout{CheckoutId{term_, ++counter_}, SessionId(), ConsumerNumber(),
                                  message.ordinal, message.size, message.octets(), true, false});
  if (needs.expels.empty() || needs.expels.back().queue != queue.id ||
      needs.expels.back().reason != reason)
    needs.expels.push_back({queue.id, reason, {}});
  needs.expels.back().messages.push_back(message.id);
  return true;
}

void Dispatcher::drop_excess(DispatchQueue& queue, const QueueRecord& record, Needs& needs) {
  const Settings& settings = record.settings;
  const QueueCounts now = counts(queue.id);
  std::uint64_t messages = now.ready, octets = now.ready_bytes;
  ReadyReader ready(queue, record, window_);
#ifdef WARREN_MUTATION_DROP_HELD
  if (settings.max_length && messages > *settings.max_length)
    record.messages.for_each([&](const Message& message) {
      needs.expels.push_back({queue.id, DeathReason::maxlen, {message.id}});
      return false;
    });
  return;
#endif
  while ((settings.max_length && messages > *settings.max_length) ||
         (settings.max_octets && octets > *settings.max_octets)) {
    const auto next = ready.peek();
    if (!next) return;
    const DeathReason reason =
        is_expired(queue, next->message) ? DeathReason::expired : DeathReason::maxlen;
    if (!expel(queue, ready, next->message, reason, needs)) return;
    --messages;
    octets -= next->message.size;
  }
}

bool Dispatcher::has_room(QueueId id, const Settings& settings, Load coming,
                          std::uint64_t size) const {
  if (!settings.limits_length() || settings.overflow == Overflow::drop_head) return true;
  QueueCounts now = counts(id);
  const DeadLetters::Source* dead = machine_.dead_letters().find(id);
  if (dead != nullptr && dead->route.retained) {
    now.ready += dead->waiting;
    now.ready_bytes += dead->octets;
  }
  // What is delayed, or waits for its next delivery, cannot be refused any more when it is ready.
  if (const QueueRecord* record = machine_.find(id)) {
    now.ready += now.delayed;
    now.ready_bytes += record->delayed.octets();
    if (const DispatchQueue* queue = find_queue(id)) now.ready_bytes += queue->withheld_octets;
  }
  return now.ready + coming.messages < settings.max_length.value_or(UINT64_MAX) &&
         now.ready_bytes + coming.octets + size <= settings.max_octets.value_or(UINT64_MAX);
}

void Dispatcher::on_used(QueueId id, BootTime now) {
  const QueueRecord* record = machine_.find(id);
  if (!leading() || record == nullptr || record->sealed || !record->settings.expires_ms) return;
  DispatchQueue& queue = queue_at(id);
  queue.expired = false;
  const Milliseconds expires(static_cast<std::int64_t>(*record->settings.expires_ms));
  limits_.unused.set(queue.id, queue.unused_until,
                     queue.consumers.empty() ? std::optional(now + expires) : std::nullopt);
}

void Dispatcher::tick_limits() {
  while (auto due = limits_.heads.due(now_)) {
    DispatchQueue& queue = queue_at(*due);
    limits_.heads.set(queue.id, queue.head_expires, std::nullopt);
    inspect(queue);
  }
  while (auto due = limits_.unused.due(now_)) {
    DispatchQueue& queue = queue_at(*due);
    const bool used = !queue.consumers.empty() || !queue.waiting.empty() || queue.stopped();
    if (!used && !std::exchange(queue.expired, true)) pending_.expired.push_back(queue.id);
    // Whatever stands against it now, it is tried again.
    limits_.unused.set(queue.id, queue.unused_until, now_ + config_.attach_grace);
  }
}

}  // namespace warren::queue
