// The consumers of streams: the part of a Dispatcher that serves them, on its books. Each reads for
// itself, at its own pace. Nothing is held, returned or redelivered, so there are no checkouts and
// no marks here: where a consumer stands is its own node's knowledge, and comes back with its
// claim. Made for a call; lives as long as the dispatcher at most. docs/decisions/0011-streams.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "broker/queue/dispatch_queue.h"
#include "broker/queue/dispatcher.h"

namespace warren::queue {

class Dispatcher::Readers {
 public:
  explicit Readers(Dispatcher& dispatcher) : of_(dispatcher) {}

  // --- For the host.
  // It has acknowledged so many messages in all, and everything below `through`.
  void acknowledge(SessionId session, ConsumerNumber number, std::uint64_t acknowledged,
                   Ordinal through);
  // One that is cancelled, of what it was delivered before.
  void acknowledge_late(const Consumer& consumer, Ordinal through);
  // The number of the next delivery to it: what is lost on the way shows. 0: it is gone.
  std::uint64_t number_delivery(SessionId session, ConsumerNumber number);
  // What was handed out to it is not delivered.
  void pass_over(SessionId session, ConsumerNumber number);
  // Null: it is gone, or reads no stream. Valid until it goes.
  const StreamReading* reading_of(SessionId session, ConsumerNumber number) const;

  // --- For the dispatcher.
  // A claim that follows says better.
  void begin(DispatchQueue& queue, ConsumerState& state);
  void note_beginning(DispatchQueue& queue, const ConsumerState& state);
  void resume(DispatchQueue& queue, ConsumerState& state, const StreamClaim& claim);
  void save(DispatchQueue& queue);
  void tick();
  std::size_t serve(DispatchQueue& queue, const QueueRecord& record, std::size_t limit, Poll& out);

 private:
  std::pair<DispatchQueue*, ConsumerState*> find(SessionId session, ConsumerNumber number) const;
  static std::string_view reader_of(const QueueRecord& record, const Consumer& consumer);
  static bool is_tracked(const QueueRecord& record, const Consumer& consumer);
  std::optional<Ordinal> read_through(const DispatchQueue& queue, const QueueRecord& record,
                                      std::string_view reader) const;
  void note_read(DispatchQueue& queue, const QueueRecord& record, const Consumer& consumer,
                 Ordinal next);
  void forget_readers(DispatchQueue& queue, const QueueRecord& record);
  void take_over(DispatchQueue& queue, const QueueRecord& record, ConsumerState& state);

  Dispatcher& of_;
};

inline Dispatcher::Readers Dispatcher::readers() {
  return Readers(*this);
}

}  // namespace warren::queue
