#include "broker/queue/dispatcher_readers.h"

#include <algorithm>

namespace warren::queue {

namespace {

constexpr LevelNumber only_level;
constexpr Ordinal last_offset = first_of(LevelNumber(1)).previous();

Ordinal starting_point(const QueueRecord& record, const StreamReading& reading) {
  const Ordinal end = record.messages.next(only_level);
  switch (reading.from) {
    case StreamPoint::first:
      return Ordinal(0);
    case StreamPoint::last:
      return record.messages.empty() ? end : end.previous();
    case StreamPoint::next:
      return end;
    case StreamPoint::offset:
      return Ordinal(std::min(reading.at, last_offset.value));
    case StreamPoint::time:
      return record.stream->since(Stamp(reading.at)).value_or(end);
  }
  return end;
}

}  // namespace

// All consumers of a stream with a single active one are one reader; others are told apart by tag.
std::string_view Dispatcher::Readers::reader_of(const QueueRecord& record,
                                                const Consumer& consumer) {
  return record.settings.single_active ? std::string_view() : std::string_view(consumer.tag);
}

bool Dispatcher::Readers::is_tracked(const QueueRecord& record, const Consumer& consumer) {
  return record.settings.single_active || (consumer.reading && consumer.reading->tracked);
}

std::optional<Ordinal> Dispatcher::Readers::read_through(const DispatchQueue& queue,
                                                         const QueueRecord& record,
                                                         std::string_view reader) const {
  const auto known = queue.readers.find(reader);
  if (known != queue.readers.end()) return known->second.next;
  return record.stream->read_through(reader);
}

void Dispatcher::Readers::begin(DispatchQueue& queue, ConsumerState& state) {
  const QueueRecord* record = of_.machine_.find(queue.id);
  if (record == nullptr || !record->stream) return;
  state.cursor = std::make_unique<StreamCursor>();
  const StreamReading reading = state.consumer.reading.value_or(StreamReading());
  std::optional<Ordinal> next;
  if (is_tracked(*record, state.consumer) && !record->settings.single_active)
    next = read_through(queue, *record, reader_of(*record, state.consumer));
  state.cursor->seek(next.value_or(starting_point(*record, reading)));
}

// Where it begins is committed though it has acknowledged nothing: if it dies now, whoever comes
// after it must not begin elsewhere.
void Dispatcher::Readers::note_beginning(DispatchQueue& queue, const ConsumerState& state) {
  const QueueRecord* record = of_.machine_.find(queue.id);
  if (record != nullptr && record->stream && !record->settings.single_active)
    note_read(queue, *record, state.consumer, state.cursor->next());
}

void Dispatcher::Readers::resume(DispatchQueue& queue, ConsumerState& state,
                                 const StreamClaim& claim) {
  const QueueRecord* record = of_.machine_.find(queue.id);
  if (!state.cursor || record == nullptr) return;
#ifndef WARREN_MUTATION_FORGET_READER
  state.cursor->seek(claim.next);
#endif
  state.cursor->begun = claim.begun;
  state.cursor->acknowledged = claim.acknowledged;
  state.cursor->delivered = claim.acknowledged + claim.unacknowledged;
  queue.consumers.resume(state, claim.unacknowledged, of_.config_);
  if (claim.begun || !record->settings.single_active)
    note_read(queue, *record, state.consumer, claim.read_through);
  of_.activate(queue);
}

// Of a stream; nulls: it is gone.
std::pair<DispatchQueue*, ConsumerState*> Dispatcher::Readers::find(SessionId session,
                                                                    ConsumerNumber number) const {
  auto books = of_.sessions_.find(session);
  if (books == of_.sessions_.end()) return {};
  auto at = books->second->consumers.find(number);
  if (at == books->second->consumers.end()) return {};
  DispatchQueue* queue = of_.find_queue(at->second);
  ConsumerState* state = queue->consumers.find(session, number);
  if (!state->cursor) return {};
  return {queue, state};
}

void Dispatcher::Readers::acknowledge(SessionId session, ConsumerNumber number,
                                      std::uint64_t acknowledged, Ordinal through) {
  const auto [queue, state] = find(session, number);
  if (state == nullptr || acknowledged <= state->cursor->acknowledged) return;
  const std::uint64_t more =
      acknowledged - std::exchange(state->cursor->acknowledged, acknowledged);
  queue->consumers.acknowledged(*state, more, of_.config_);
  if (const QueueRecord* record = of_.machine_.find(queue->id))
    note_read(*queue, *record, state->consumer, through);
  of_.activate(*queue);
}

// By one that is cancelled, of what it was delivered before.
void Dispatcher::Readers::acknowledge_late(const Consumer& consumer, Ordinal through) {
  const QueueRecord* record = of_.machine_.find(consumer.queue);
  if (record != nullptr && record->stream && !record->sealed)
    note_read(of_.queue_at(consumer.queue), *record, consumer, through);
}

std::uint64_t Dispatcher::Readers::number_delivery(SessionId session, ConsumerNumber number) {
  const auto [queue, state] = find(session, number);
  if (state == nullptr) return 0;
  ++state->cursor->untaken;
  return ++state->cursor->delivered;
}

// It was read, and is not delivered: it is gone by now, or is not what the consumer wants to see.
void Dispatcher::Readers::pass_over(SessionId session, ConsumerNumber number) {
  const auto [queue, state] = find(session, number);
  if (state == nullptr) return;
  queue->consumers.pass_over(*state, of_.config_);
  of_.activate(*queue);
}

const StreamReading* Dispatcher::Readers::reading_of(SessionId session,
                                                     ConsumerNumber number) const {
  const auto [queue, state] = find(session, number);
  return state != nullptr && state->consumer.reading ? &*state->consumer.reading : nullptr;
}

// Not each at once: what is lost with a leader meanwhile is read twice, and no more.
void Dispatcher::Readers::note_read(DispatchQueue& queue, const QueueRecord& record,
                                    const Consumer& consumer, Ordinal next) {
  if (!is_tracked(record, consumer)) return;
  const std::string_view reader = reader_of(record, consumer);
  const auto known = read_through(queue, record, reader);
  if (known && *known >= next) return;
  auto mine_at = queue.readers.find(reader);
  if (mine_at == queue.readers.end()) {
    forget_readers(queue, record);
    mine_at = queue.readers.emplace(reader, DispatchQueue::Reader()).first;
  }
  DispatchQueue::Reader& mine = mine_at->second;
  mine.next = next;
  if (std::exchange(mine.unsaved, true)) return;
  of_.unsaved_.queues.insert(queue.id);
  if (!of_.unsaved_.save_at) of_.unsaved_.save_at = of_.now_ + of_.config_.save_reading_after;
}

// What is committed needs no place here, or was dropped from the record on purpose.
void Dispatcher::Readers::forget_readers(DispatchQueue& queue, const QueueRecord& record) {
  if (queue.readers.size() < StreamBook::most_readers) return;
  std::erase_if(queue.readers, [&](const auto& item) {
    const auto known = record.stream->read_through(item.first);
    return !item.second.unsaved && (!known || *known >= item.second.next);
  });
}

// Another one of a group of readers goes on where that has come to, unless it has come further
// itself and holds what the group has not acknowledged.
void Dispatcher::Readers::take_over(DispatchQueue& queue, const QueueRecord& record,
                                    ConsumerState& state) {
  StreamCursor& cursor = *state.cursor;
  const bool begun = std::exchange(cursor.begun, true);
  const std::pair reader(state.session, state.consumer.number);
  if (std::exchange(queue.active_reader, reader) == reader && begun) return;
  const auto next = read_through(queue, record, {});
  if (next && (!begun || *next > cursor.next())) cursor.seek(*next);
  if (!next) note_read(queue, record, state.consumer, cursor.next());
}

void Dispatcher::Readers::save(DispatchQueue& queue) {
  for (auto& [tag, reader] : queue.readers)
    if (std::exchange(reader.unsaved, false))
      of_.pending_.needs.reads.push_back({queue.id, tag, reader.next});
}

void Dispatcher::Readers::tick() {
  if (!of_.unsaved_.save_at || *of_.unsaved_.save_at > of_.now_) return;
  of_.unsaved_.save_at.reset();
  for (QueueId id : std::exchange(of_.unsaved_.queues, {}))
    if (DispatchQueue* queue = of_.find_queue(id)) save(*queue);
}

std::size_t Dispatcher::Readers::serve(DispatchQueue& queue, const QueueRecord& record,
                                       std::size_t limit, Poll& out) {
  for (const auto& [session, request] : std::exchange(queue.gets, {}))
    out.gets.push_back({session, request, GetVerdict::empty, std::nullopt, 0});
  std::size_t made = 0;
  while (made < limit) {
    ConsumerState* state = queue.consumers.front();
    if (state == nullptr) break;
    StreamCursor& cursor = *state->cursor;
    if (record.settings.single_active) {
      // A new leader waits for the one that has the bit before it lets another begin.
      if (!state->touched) {
        of_.ask_touches(queue, out.needs.touches);
        break;
      }
      take_over(queue, record, *state);
    }
    cursor.begun = true;
    const Message* message = cursor.peek(record.messages, record.stream->first());
    if (message == nullptr) {
      queue.consumers.wait_for_more(*state, of_.config_);
      continue;
    }
    Handout handout;
    handout.session = state->session;
    handout.consumer = state->consumer.number;
    handout.queue = queue.id;
    handout.held.message = message->id;
    handout.ordinal = message->ordinal;
    handout.offset = message->ordinal;
    handout.size = message->size;
    out.handouts.push_back(handout);
    const std::uint32_t octets = message->octets();
    cursor.take();
    queue.consumers.served(*state, octets, of_.config_);
    if (state->flow->octets >= of_.config_.session_octets)
      of_.weigh(*of_.sessions_.at(state->session), state->session);
    ++made;
  }
  return made;
}

}  // namespace warren::queue
