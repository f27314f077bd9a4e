#include "broker/queue/invariants.h"

#include <algorithm>
#include <map>

namespace warren::queue {

namespace {

using References = std::map<EntryIndex, std::uint64_t>;

std::string broken_in_messages(const QueueRecord& record, References& references,
                               std::map<MessageId, std::uint64_t>& queues) {
  std::string broken;
  std::uint64_t count = 0, octets = 0, dated = 0;
  Message last;
  record.messages.for_each([&](const Message& message) {
    if (count > 0 && message.ordinal <= last.ordinal)
      broken = fmt::format("queue {}: ordinal {} is out of order", record.id, message.ordinal);
    ++count;
    octets += message.size;
    dated += message.deadline ? 1 : 0;
    if (message.ordinal >= record.messages.next(level_of(message.ordinal)))
      broken =
          fmt::format("queue {}: ordinal {} is above its level's next", record.id, message.ordinal);
    ++references[message.id.entry];
    if (!queues.empty() && queues.contains(message.id)) --queues[message.id];
    last = message;
    return broken.empty();
  });
  if (!broken.empty()) return broken;
  if (count != record.messages.size() || octets != record.messages.octets() ||
      dated != record.messages.dated())
    return fmt::format("queue {}: {} messages of {} octets, {} dated, booked {} of {}, {}",
                       record.id, count, octets, dated, record.messages.size(),
                       record.messages.octets(), record.messages.dated());
  return {};
}

std::string broken_in_delayed(const QueueRecord& record, References& references,
                              std::map<MessageId, std::uint64_t>& queues) {
  std::uint64_t count = 0, octets = 0;
  std::string broken;
  record.delayed.for_each([&](const DelayedMessage& message) {
    ++count;
    octets += message.size;
    ++references[message.id.entry];
    if (!queues.empty() && queues.contains(message.id)) --queues[message.id];
    if (record.messages.find(message.id))
      broken = fmt::format("queue {}: message {}.{} is ready and delayed", record.id,
                           message.id.entry, message.id.slot);
  });
  if (count != record.delayed.size() || octets != record.delayed.octets())
    return fmt::format("queue {}: {} delayed of {} octets, booked {} of {}", record.id, count,
                       octets, record.delayed.size(), record.delayed.octets());
  return broken;
}

std::string broken_in_record(const Machine& machine, const QueueRecord& record) {
  if (machine.was_removed(record.id)) return fmt::format("queue {} is removed", record.id);
  std::string broken;
  record.messages.for_each_level([&](LevelNumber number, const Level& level) {
    const Mark& mark = level.mark;
    if (mark.redelivered_below > mark.committed || mark.redelivered_below > level.next)
      broken = fmt::format("queue {} level {}: redelivered below {} with mark {} and next {}",
                           record.id, number, mark.redelivered_below, mark.committed, level.next);
  });
  if (!broken.empty()) return broken;
  for (auto [ordinal, count] : record.failed)
    if (count == 0 || !record.messages.find(ordinal))
      return fmt::format("queue {}: {} failed deliveries of ordinal {}", record.id, count, ordinal);
  for (auto [ordinal, due] : record.retries)
    if (!record.messages.find(ordinal))
      return fmt::format("queue {}: ordinal {} is to wait and is not there", record.id, ordinal);
  if (!std::is_sorted(record.touched.begin(), record.touched.end()))
    return fmt::format("queue {}: touch bits out of order", record.id);
  return {};
}

std::string broken_in_entries(const Machine& machine, const References& references) {
  if (machine.live_entries().size() != references.size())
    return fmt::format("{} live entries booked, {} named", machine.live_entries().size(),
                       references.size());
  for (auto [entry, count] : references)
    if (machine.live_entries().references(entry) != count)
      return fmt::format("entry {}: {} references booked, {} counted", entry,
                         machine.live_entries().references(entry), count);
  return {};
}

}  // namespace

std::string broken_invariant(const Machine& machine) {
  std::string broken;
  References references;
  std::map<MessageId, std::uint64_t> queues;  // that should have each large message
  machine.large_bodies().for_each_part([&](const BodyPart& part) { ++references[part.at.entry]; });
  machine.large_bodies().for_each_message(
      [&](MessageId message, std::uint64_t count) { queues[message] = count; });
  std::uint64_t letters = 0;
  machine.dead_letters().for_each([&](const DeadLetter& letter) {
    ++letters;
    ++references[letter.message.entry];
    if (auto large = queues.find(letter.message); large != queues.end()) --large->second;
  });
  if (letters != machine.dead_letters().size())
    return fmt::format("{} dead letters, booked {}", letters, machine.dead_letters().size());
  std::uint64_t bits = 0, indexed = 0;
  std::optional<Stamp> first_due;
  machine.for_each_queue([&](const QueueRecord& record) {
    if (broken.empty()) broken = broken_in_record(machine, record);
    if (broken.empty()) broken = broken_in_messages(record, references, queues);
    if (broken.empty()) broken = broken_in_delayed(record, references, queues);
    if (const auto due = record.delayed.next_due())
      first_due = first_due ? std::min(*first_due, *due) : *due;
    bits += record.touched.size();
  });
  if (!broken.empty()) return broken;
  if (machine.next_due() != first_due) return "the next delayed message is booked wrong";
  for (auto [message, missing] : queues)
    if (missing != 0)
      return fmt::format("large message {}.{}: {} queues too many booked", message.entry,
                         message.slot, static_cast<std::int64_t>(missing));
  machine.for_each_touch([&](SessionId session, QueueId id) {
    ++indexed;
    if (!machine.touched(session, id)) broken = fmt::format("queue {}: no such touch bit", id);
  });
  if (bits != indexed) return fmt::format("{} touch bits, {} indexed", bits, indexed);
  if (!broken.empty()) return broken;
  return broken_in_entries(machine, references);
}

}  // namespace warren::queue
