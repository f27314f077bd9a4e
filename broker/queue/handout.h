// What the dispatcher asks of its host: deliveries to make, answers to give, and what must be
// committed before more can be handed out. Pure values: any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/ids.h"
#include "broker/queue/client_command.h"
#include "broker/queue/delivery.h"
#include "broker/queue/machine.h"

namespace warren::queue {

// One message to one consumer, or the answer to a get (consumer none). The host adds the content.
struct Handout {
  SessionId session;
  ConsumerNumber consumer;
  QueueId queue;
  Held held;
  Ordinal ordinal;
  std::uint32_t size = 0;  // octets of the body
  bool redelivered = false;
  std::uint32_t delivery_count = 0;  // failed deliveries so far
  std::optional<Ordinal> offset;     // of a stream: there is no checkout
};

enum class ConsumeVerdict : std::uint8_t {
  ok = 0,
  queue_gone = 1,     // 404
  exclusive_use = 2,  // 403 "queue 'q' in vhost '/' in exclusive use"
};

struct ConsumeAnswer {
  SessionId session;
  ConsumerNumber number;
  ConsumeVerdict verdict = ConsumeVerdict::ok;
  std::optional<Ordinal> next;  // of a stream: where it begins
};

enum class GetVerdict : std::uint8_t {
  message = 0,
  empty = 1,
  queue_gone = 2,
  locked = 3,  // 405: only its active consumer may have messages
};

struct GetAnswer {
  SessionId session;
  GetRequest request;
  GetVerdict verdict = GetVerdict::empty;
  std::optional<Handout> handout;  // with GetVerdict::message
  std::uint64_t ready_left = 0;    // after this one
};

struct CancelNotice {
  SessionId session;
  ConsumerNumber number;
  QueueId queue;
};

struct MarkNeed {
  QueueId queue;
  LevelNumber level;
  Ordinal below;
};

struct TouchNeed {
  SessionId session;
  QueueId queue;
};

// Ready messages that are to go: they have expired, or are too many. Nobody is handed them any
// more.
struct ExpelNeed {
  QueueId queue;
  DeathReason reason = DeathReason::expired;
  std::vector<MessageId> messages;
};

// The session was away for longer than its grace: what it holds of the queue by checkouts up to
// `through` goes back once this is committed, so that no later leader takes it for its own.
struct LapseNeed {
  SessionId session;
  QueueId queue;
  CheckoutId through;
};

// The consumers of a stream that have this tag are done with everything below `next`.
struct ReadNeed {
  QueueId queue;
  std::string tag;
  Ordinal next;
};

// To be committed, each once: the dispatcher does not repeat itself within a term.
struct Needs {
  std::vector<QueueId> consumed;  // their first consumer waits for it
  std::vector<MarkNeed> marks;
  std::vector<TouchNeed> touches;
  std::vector<TouchNeed> untouches;  // no hurry: with whatever is proposed next
  std::vector<LapseNeed> lapses;
  std::vector<ExpelNeed> expels;
  std::vector<ReadNeed> reads;
  bool empty() const {
    return consumed.empty() && marks.empty() && touches.empty() && untouches.empty() &&
           lapses.empty() && expels.empty() && reads.empty();
  }
  void clear() {
    consumed.clear(), marks.clear(), touches.clear(), untouches.clear(), lapses.clear();
    expels.clear(), reads.clear();
  }
};

// In the order in which the host should act: answers, handouts, notices.
struct Poll {
  std::vector<ConsumeAnswer> consumes;
  std::vector<GetAnswer> gets;
  std::vector<Handout> handouts;
  std::vector<CancelNotice> cancelled;  // by the leader: the queue is going
  std::vector<QueueId> consumers_gone;  // had a consumer, has none now (auto_delete)
  std::vector<QueueId> expired;         // unused for as long as x-expires says
  Needs needs;
  bool more = false;  // the bound was met: poll again

  void clear() {
    consumes.clear(), gets.clear(), handouts.clear(), cancelled.clear(), consumers_gone.clear();
    expired.clear();
    needs.clear();
    more = false;
  }
};

// Messages on their way into a queue.
struct Load {
  std::uint64_t messages = 0;
  std::uint64_t octets = 0;  // of bodies
};

// What rides in an enqueue's own entry so that waiting consumers get it as soon as it commits.
struct EnqueuePlan {
  std::optional<MarkNeed> mark;
  std::vector<TouchNeed> touches;
};

}  // namespace warren::queue
