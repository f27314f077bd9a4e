#include "tests/simulation/timed.h"

#include <fmt/format.h>

#include <algorithm>

namespace warren::simulation {

using namespace std::chrono_literals;

namespace {
constexpr Milliseconds prompt{1500};  // a leader that is there deals with it within
}

BootTime Timed::slack(const Message& message) const {
  // No clock is wrong by more than a hundredth, and a slewed one by a thirty-second more.
  return (world_.now() - *message.committed) / 20 + 500ms + doubt_;
}

void Timed::on_committed(GroupId group, const Key& key, MessageId id) {
  auto at = messages_.find(key);
  if (at == messages_.end() || at->second.committed) return;
  at->second.group = group;
  at->second.id = id;
  at->second.committed = world_.now();
}

bool Timed::on_expired(const Key& key) {
  auto at = messages_.find(key);
  if (at == messages_.end()) return false;
  if (!at->second.over) ended(key, at->second, "expired");
  return true;
}

void Timed::ended(const Key& key, Message& message, const char* what) {
  message.over = true;
  ++world_.tally[fmt::format("{} in an idle group", what)];
  const BootTime due = *message.committed + message.delay + message.ttl;
  if (world_.now() + slack(message) < due)
    world_.violation(fmt::format(
        "queue {}: {}:{} {} {} ms before its time", message.queue, key.publisher, key.sequence,
        what, std::chrono::duration_cast<Milliseconds>(due - world_.now()).count()));
}

void Timed::look(const std::function<std::optional<Led>(GroupId)>& leader) {
  for (auto& [key, message] : messages_) {
    if (message.over || !message.committed) continue;
    const auto led = leader(message.group);
    if (!led || led->state->applied() < message.id.entry) continue;
    const queue::QueueRecord* record = led->state->machine().find(message.queue);
    bool waits = message.delay == 0ms;
    if (record != nullptr)
      record->delayed.for_each([&](const auto& delayed) { waits |= delayed.id == message.id; });
    if (!waits) ended(key, message, "ripe");
    const BootTime due = *message.committed + message.delay + message.ttl;
    const BootTime late = world_.now() - std::max(due, led->since);
    if (waits && late > slack(message) + prompt)
      world_.violation(fmt::format(
          "queue {}: {}:{} was due {} ms ago, and its group is led", message.queue, key.publisher,
          key.sequence, std::chrono::duration_cast<Milliseconds>(world_.now() - due).count()));
  }
}

bool Timed::any_left() const {
  return std::ranges::any_of(
      messages_, [](const auto& one) { return one.second.committed && !one.second.over; });
}

}  // namespace warren::simulation
