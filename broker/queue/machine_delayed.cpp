// Delayed messages: kept aside when they are published, ready when the log's time has come to
// theirs. docs/decisions/0009-delayed-messages.md.
#include <algorithm>

#include "broker/queue/machine.h"

namespace warren::queue {

namespace {

// Millions may be due at once: so many become ready in one entry, among other work, and so many of
// one queue before another has its turn.
constexpr std::size_t ripe_an_entry = 8192;
constexpr std::size_t ripe_a_turn = 256;

}  // namespace

void Machine::delay(QueueRecord& record, const DelayedMessage& message) {
  const auto before = record.delayed.next_due();
  record.delayed.add(message);
  due_.move(record.id, before, record.delayed.next_due());
}

// It stays where it is; the leader hands it out no earlier.
void Machine::delay_retry(QueueRecord& record, const Message& message, bool failed) {
  if (record.settings.retry.kind == RetryKind::disabled) return;
  auto count = record.failed.find(message.ordinal);
  const std::uint32_t deliveries = count == record.failed.end() ? 0 : count->second;
  const std::uint64_t delay = record.settings.retry.delay_ms(failed, deliveries);
  if (delay > 0)
    record.retries[message.ordinal] = now_.next(delay);
  else
    record.retries.erase(message.ordinal);
  changed_.insert(record.id);
}

void Machine::ripen(Stamp stamp, Effects& effects) {
#ifdef WARREN_MUTATION_RIPEN_EARLY
  stamp = stamp.next(5000);
#endif
  for (std::size_t left = ripe_an_entry; left > 0;) {
    const auto id = due_.due(stamp);
    if (!id) return;
    QueueRecord& record = *at(*id);
    const auto before = record.delayed.next_due();
    left -= record.delayed.take_due(
        stamp, std::min(left, ripe_a_turn), [&](const DelayedMessage& message) {
          put(record, message.level, {{}, message.id, message.size, message.properties, {}},
              message.ttl_ms, stamp, effects);
        });
    due_.move(*id, before, record.delayed.next_due());
    changed_.insert(*id);
    effects.grown.push_back(*id);
  }
}

void Machine::drop_delayed(QueueRecord& record, Effects& effects) {
  record.delayed.for_each([&](const DelayedMessage& message) { release(message.id, effects); });
  due_.move(record.id, record.delayed.next_due(), std::nullopt);
  record.delayed.clear();
}

}  // namespace warren::queue
