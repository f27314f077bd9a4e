// DeadLetterFeed: which of a group's dead letters go next, while this node leads the group: in
// order for each queue, the queues in turn, so many at a time; one that could not go, again after a
// pause, while those behind it go on. Owned by a QueueHost; pure: time is an argument.
// docs/decisions/0008-dead-letters.md.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/ids.h"
#include "broker/queue/dead_letters.h"
#include "broker/replica/command_codec.h"
#include "broker/replica/dead_letter_job.h"

namespace warren::replica {

struct DeadLetterLimits {
  std::size_t under_way = 1024;      // of the group
  std::size_t under_way_queue = 64;  // of one queue: one that cannot go on leaves room for others
  std::size_t tried_queue = 1024;    // of one queue, given in vain: beyond, those behind them wait
  std::size_t octets = 8u << 20;     // of bodies, of the group; one letter more may begin below it
  std::size_t octets_queue = 256u << 10;  // the same, of one queue
  std::size_t octets_letter = 1u << 20;   // more of a body goes in parts, one at a time
  Milliseconds pause{1000};               // of a letter that could not go
};

class DeadLetterFeed {
 public:
  // Leads from now on: all that the machine has is due. `letters` outlives the feed.
  DeadLetterFeed(const queue::DeadLetters& letters, DeadLetterLimits limits);

  void on_buried(std::span<const QueueId> queues);
  struct Next {
    QueueId queue;
    queue::DeadLetter letter;
    std::vector<QueueId> reached;  // by earlier tries
  };
  // Is under way from now on.
  std::optional<Next> take(BootTime now);
  void on_answer(const DeadLetterAnswer& answer, BootTime now);

  // take() may have something.
  bool has_due(BootTime now) const {
    return has_room() && (!ready_.empty() || (!paused_.empty() && paused_.begin()->first <= now));
  }
  // For the next entry; nothing is there afterwards.
  std::vector<DeadLetterDone> take_done();
  bool has_done() const { return !done_.empty(); }
  // When the next pause is over.
  std::optional<BootTime> next_deadline() const;
  std::size_t under_way() const { return under_way_.size(); }

 private:
  struct Queue {
    queue::DeadLetterNumber next{1};  // not given before
    // Given in vain; those of `due` may go again.
    std::map<queue::DeadLetterNumber, std::vector<QueueId>> tried;
    std::set<queue::DeadLetterNumber> due;
    std::size_t under_way = 0;
    std::size_t octets = 0;  // of those
    bool ready = false;      // in ready_
  };
  struct UnderWay {
    QueueId queue;
    std::size_t octets = 0;
  };

  bool has_room() const {
    return under_way_.size() < limits_.under_way && octets_ < limits_.octets;
  }
  void make_ready(QueueId id, Queue& queue);
  void end_pauses(BootTime now);
  std::optional<Next> take_from(QueueId id, Queue& queue);
  std::optional<Next> next_of(QueueId id, Queue& queue);

  const queue::DeadLetters& letters_;
  const DeadLetterLimits limits_;
  std::map<QueueId, Queue> queues_;
  std::deque<QueueId> ready_;  // may have something that can go
  std::set<std::pair<BootTime, std::pair<QueueId, queue::DeadLetterNumber>>> paused_;
  std::map<queue::DeadLetterNumber, UnderWay> under_way_;
  std::size_t octets_ = 0;
  queue::DeadLetterNumber given_;  // the highest ever
  std::vector<DeadLetterDone> done_;
};

}  // namespace warren::replica
