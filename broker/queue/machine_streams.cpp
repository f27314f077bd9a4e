// Streams: what comes is kept whoever reads it, until there is too much or it is too old.
#include "broker/queue/machine.h"

namespace warren::queue {

namespace {

// So many go with one that comes, if more are too many: those that a large one drives out, or that
// grew old while nothing came, must not hold up everything else. The rest goes with the next.
constexpr int most_to_go = 4096;

}  // namespace

// Retention is looked at whenever something comes, so that it is a function of the log. The newest
// message stays, whatever its size.
void Machine::retain(QueueRecord& record, Stamp now, Effects& effects) {
  const Retention& retention = *record.settings.stream;
  std::optional<Ordinal> aged;
  if (retention.max_age_ms && now.value > *retention.max_age_ms)
    aged = record.stream->before(Stamp(now.value - *retention.max_age_ms));
  const std::uint64_t most = retention.max_octets.value_or(UINT64_MAX);
  const std::uint64_t most_messages = retention.max_messages.value_or(UINT64_MAX);
  bool went = false;
  for (int left = most_to_go; left > 0 && record.messages.size() > 1; --left) {
    const auto first = record.messages.top().messages.first();
    const bool old = aged && first->ordinal < *aged;
    const bool many = record.messages.size() > most_messages;
    if (!old && !many && record.messages.octets() <= most) break;
    record.messages.erase(first->id);
    release(first->id, effects);
    went = true;
  }
  if (went) record.stream->trim(record.messages.top().messages.first()->ordinal);
}

void Machine::put(QueueRecord& record, LevelNumber level, Message message,
                  std::optional<std::uint64_t> ttl_ms, Stamp now, Effects& effects) {
  if (!record.stream) {
    message.deadline = record.settings.deadline(ttl_ms, now);
    record.messages.append(level, message);
    return;
  }
  const LevelNumber only;
  record.stream->note(record.messages.next(only), now);
  record.messages.append(only, message);
  retain(record, now, effects);
}

void Machine::read_through(QueueId id, std::string_view tag, Ordinal next) {
  QueueRecord* record = at(id);
  if (record == nullptr || !record->stream) return;
  record->stream->read_through(tag, next);
  changed_.insert(id);
}

}  // namespace warren::queue
