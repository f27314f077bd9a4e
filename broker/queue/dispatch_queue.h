// The dispatcher's books of one queue and of one session. Plain data behind dispatcher.h; included
// by the dispatcher's own sources only.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "broker/base/clock.h"
#include "broker/base/ids.h"
#include "broker/queue/checkouts.h"
#include "broker/queue/consumers.h"
#include "broker/queue/delivery.h"
#include "broker/queue/message_levels.h"
#include "broker/queue/queue_record.h"

namespace warren::queue {

struct TouchState {
  bool committed = false;
  bool asked = false;
  bool candidate = false;  // may be cleared when the session has held nothing for a while
  CheckoutId lapsing;      // asked for in this term, or none
};

// A backlog that expires all at once goes in many entries, among other work: so many are chosen in
// one poll, and so many are under way.
constexpr std::size_t expels_a_poll = 4096;
constexpr std::size_t expels_under_way = 16384;

// How far one level was handed out. Below the cursor everything is checked out or came back.
struct LevelCursor {
  Ordinal cursor;       // what stands at or above was not handed out in this term
                        // (but may be claimed: Checkout::ahead)
  Ordinal mark_asked;   // asked for or committed
  Ordinal planned_end;  // above every message that is proposed
  // What stands below has had its chance of a consumer: before that no message expires, or one
  // with a time to live of 0 would never be delivered.
  Ordinal offered;

  LevelCursor(LevelNumber level, Ordinal mark_committed)
      : cursor(first_of(level)), mark_asked(mark_committed), planned_end(cursor), offered(cursor) {}
};

struct Withheld {
  Stamp due;
  std::uint32_t size = 0;  // octets of the body
};

struct DispatchQueue {
  struct Get {
    SessionId session;
    GetRequest request;
  };
  struct Waiting {
    SessionId session;
    Consumer consumer;
  };
  struct Reader {  // of a stream
    Ordinal next;
    bool unsaved = false;
  };

  QueueId id;
  Consumers consumers;
  Checkouts checkouts;
  // Ready again after they were handed out in this term; all below their level's cursor.
  std::set<Ordinal> returned;
  // Came back, and are not ready again before their time: no cursor stops at one.
  std::map<Ordinal, Withheld> withheld;
  std::set<std::pair<Stamp, Ordinal>> withheld_until;
  std::uint64_t withheld_octets = 0;
  std::map<LevelNumber, LevelCursor> levels;  // by need
  std::map<SessionId, TouchState> touches;
  std::deque<Get> gets;
  std::deque<Waiting> waiting;     // new consumers that may not be admitted yet
  std::deque<SessionId> freezers;  // who proposed the purges and seals that are not yet applied
  std::set<SessionId> awaited;     // sessions that a new leader waits for
  std::optional<BootTime> head_expires;                // as the dispatcher's deadlines have it
  std::optional<BootTime> unused_until;                // x-expires; likewise
  std::optional<BootTime> retries_at;                  // likewise
  std::map<std::string, Reader, std::less<>> readers;  // newer than the record's
  std::optional<std::pair<SessionId, ConsumerNumber>> active_reader;  // of a group of readers
  bool consumed_asked = false;
  bool inspect = false;       // its limits are to be looked at
  bool expired = false;       // x-expires: the host is about to hear of it
  std::size_t expelling = 0;  // chosen to go, and not gone yet
  bool on_hold = false;
  bool active = false;  // stands in the dispatcher's list

  bool stopped() const { return on_hold || !freezers.empty(); }
  bool waited_for() const { return consumers.anyone_waits() || !gets.empty(); }
  // A level that was not looked at yet begins with what the record says; null: there is none.
  LevelCursor& level(LevelNumber number, const QueueRecord* record) {
    auto it = levels.find(number);
    if (it != levels.end()) return it->second;
    Ordinal committed =
        record == nullptr ? first_of(number) : record->messages.mark(number).committed;
    return levels.try_emplace(number, number, committed).first->second;
  }
  Ordinal cursor(LevelNumber number) const {
    auto it = levels.find(number);
    return it == levels.end() ? first_of(number) : it->second.cursor;
  }
  bool passed(Ordinal ordinal) const { return ordinal < cursor(level_of(ordinal)); }
};

struct DispatchSession {
  bool attached = false;
  BootTime attached_at{};
  std::optional<BootTime> grace_until;  // of a lost stream whose holdings are kept
  std::map<ConsumerNumber, QueueId> consumers;
  std::set<QueueId> queues;  // where it has, or had, anything
  SessionFlow flow;
};

}  // namespace warren::queue
