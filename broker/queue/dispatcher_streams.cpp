// Consumers of streams: each reads for itself, at its own pace. Nothing is held, returned or
// redelivered, so there are no checkouts, marks and touch bits here: where a consumer stands is its
// own node's knowledge, and comes back with its claim.
#include <algorithm>

#include "broker/queue/dispatch_queue.h"
#include "broker/queue/dispatcher.h"

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
std::string_view Dispatcher::reader_of(const QueueRecord& record, const Consumer& consumer) {
  return record.settings.single_active ? std::string_view() : std::string_view(consumer.tag);
}

bool Dispatcher::is_tracked(const QueueRecord& record, const Consumer& consumer) {
  return record.settings.single_active || (consumer.reading && consumer.reading->tracked);
}

std::optional<Ordinal> Dispatcher::read_through(const DispatchQueue& queue,
                                                const QueueRecord& record,
                                                std::string_view reader) const {
  const auto known = queue.readers.find(reader);
  if (known != queue.readers.end()) return known->second.next;
  return record.stream->read_through(reader);
}

// A claim that follows says better.
void Dispatcher::begin_reading(DispatchQueue& queue, ConsumerState& state) {
  const QueueRecord* record = machine_.find(queue.id);
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
void Dispatcher::note_beginning(DispatchQueue& queue, const ConsumerState& state) {
  const QueueRecord* record = machine_.find(queue.id);
  if (record != nullptr && record->stream && !record->settings.single_active)
    note_read(queue, *record, state.consumer, state.cursor->next());
}

void Dispatcher::resume_reading(DispatchQueue& queue, ConsumerState& state,
                                const StreamClaim& claim) {
  const QueueRecord* record = machine_.find(queue.id);
  if (!state.cursor || record == nullptr) return;
#ifndef WARREN_MUTATION_FORGET_READER
  state.cursor->seek(claim.next);
#endif
  state.cursor->begun = claim.begun;
  state.cursor->acknowledged = claim.acknowledged;
  state.cursor->delivered = claim.acknowledged + claim.unacknowledged;
  queue.consumers.resume(state, claim.unacknowledged, config_);
  if (claim.begun || !record->settings.single_active)
    note_read(queue, *record, state.consumer, claim.read_through);
  activate(queue);
}

// Of a stream; nulls: it is gone.
std::pair<DispatchQueue*, ConsumerState*> Dispatcher::find_reader(SessionId session,
                                                                  ConsumerNumber number) const {
  auto books = sessions_.find(session);
  if (books == sessions_.end()) return {};
  auto at = books->second->consumers.find(number);
  if (at == books->second->consumers.end()) return {};
  DispatchQueue* queue = find_queue(at->second);
  ConsumerState* state = queue->consumers.find(session, number);
  if (!state->cursor) return {};
  return {queue, state};
}

void Dispatcher::acknowledge(SessionId session, ConsumerNumber number, std::uint64_t acknowledged,
                             Ordinal through) {
  const auto [queue, state] = find_reader(session, number);
  if (state == nullptr || acknowledged <= state->cursor->acknowledged) return;
  const std::uint64_t more =
      acknowledged - std::exchange(state->cursor->acknowledged, acknowledged);
  queue->consumers.acknowledged(*state, more, config_);
  if (const QueueRecord* record = machine_.find(queue->id))
    note_read(*queue, *record, state->consumer, through);
  activate(*queue);
}

// By one that is cancelled, of what it was delivered before.
void Dispatcher::acknowledge_late(const Consumer& consumer, Ordinal through) {
  const QueueRecord* record = machine_.find(consumer.queue);
  if (record != nullptr && record->stream && !record->sealed)
    note_read(queue_at(consumer.queue), *record, consumer, through);
}

std::uint64_t Dispatcher::number_delivery(SessionId session, ConsumerNumber number) {
  const auto [queue, state] = find_reader(session, number);
  if (state == nullptr) return 0;
  ++state->cursor->untaken;
  return ++state->cursor->delivered;
}

// It was read, and is not delivered: it is gone by now, or is not what the consumer wants to see.
void Dispatcher::pass_over(SessionId session, ConsumerNumber number) {
  const auto [queue, state] = find_reader(session, number);
  if (state == nullptr) return;
  queue->consumers.pass_over(*state, config_);
  activate(*queue);
}

const StreamReading* Dispatcher::reading_of(SessionId session, ConsumerNumber number) const {
  const auto [queue, state] = find_reader(session, number);
  return state != nullptr && state->consumer.reading ? &*state->consumer.reading : nullptr;
}

// Not each at once: what is lost with a leader meanwhile is read twice, and no more.
void Dispatcher::note_read(DispatchQueue& queue, const QueueRecord& record,
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
  unsaved_.insert(queue.id);
  if (!save_at_) save_at_ = now_ + config_.save_reading_after;
}

// What is committed needs no place here, or was dropped from the record on purpose.
void Dispatcher::forget_readers(DispatchQueue& queue, const QueueRecord& record) {
  if (queue.readers.size() < StreamBook::most_readers) return;
  std::erase_if(queue.readers, [&](const auto& item) {
    const auto known = record.stream->read_through(item.first);
    return !item.second.unsaved && (!known || *known >= item.second.next);
  });
}

// Another one of a group of readers goes on where that has come to, unless it has come further
// itself and holds what the group has not acknowledged.
void Dispatcher::take_over(DispatchQueue& queue, const QueueRecord& record, ConsumerState& state) {
  StreamCursor& cursor = *state.cursor;
  const bool begun = std::exchange(cursor.begun, true);
  const std::pair reader(state.session, state.consumer.number);
  if (std::exchange(queue.active_reader, reader) == reader && begun) return;
  const auto next = read_through(queue, record, {});
  if (next && (!begun || *next > cursor.next())) cursor.seek(*next);
  if (!next) note_read(queue, record, state.consumer, cursor.next());
}

void Dispatcher::save_reading(DispatchQueue& queue) {
  for (auto& [tag, reader] : queue.readers)
    if (std::exchange(reader.unsaved, false))
      pending_.needs.reads.push_back({queue.id, tag, reader.next});
}

void Dispatcher::tick_streams() {
  if (!save_at_ || *save_at_ > now_) return;
  save_at_.reset();
  for (QueueId id : std::exchange(unsaved_, {}))
    if (DispatchQueue* queue = find_queue(id)) save_reading(*queue);
}

std::size_t Dispatcher::serve_stream(DispatchQueue& queue, const QueueRecord& record,
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
        ask_touches(queue, out.needs.touches);
        break;
      }
      take_over(queue, record, *state);
    }
    cursor.begun = true;
    const Message* message = cursor.peek(record.messages, record.stream->first());
    if (message == nullptr) {
      queue.consumers.wait_for_more(*state, config_);
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
    queue.consumers.served(*state, octets, config_);
    if (state->flow->octets >= config_.session_octets)
      weigh(*sessions_.at(state->session), state->session);
    ++made;
  }
  return made;
}

}  // namespace warren::queue
