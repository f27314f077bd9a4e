// UnackedTable: what one channel has handed out and not yet seen settled, by delivery tag. Owned by
// the channel; pure: its reactor. Finding the tag of an ack is O(1) while tags are dense and
// O(log n) otherwise; settled entries never outnumber live ones for long.
#pragma once

#include <algorithm>
#include <deque>
#include <set>
#include <span>

#include "broker/base/ids.h"
#include "broker/queue/client_command.h"

namespace warren::frontend {

struct Handed {
  DeliveryTag tag;
  GroupId group;
  QueueId queue;
  queue::Held held;
  ConsumerNumber consumer;  // none: a get
  bool refused = false;     // somebody else's by now: its settle is dropped
  bool live = true;
};

// An automatic ack, due when the socket has taken the output up to `sent_at`.
struct AutoAck {
  std::uint64_t sent_at;
  GroupId group;
  QueueId queue;
  queue::Held held;
};

class UnackedTable {
 public:
  // Live entries.
  std::size_t size() const { return live_; }
  // REQUIRES: tags ascend.
  void add(const Handed& handed);

  // Hands each entry that the tag names to `each`, oldest first, and forgets it. False: there is no
  // such tag, and nothing was done. Tag 0 with `multiple` means all, even none.
  template <typename Each>
  bool take(DeliveryTag tag, bool multiple, Each&& each) {
    if (multiple && tag == DeliveryTag{0}) {
      take_all(each);
      return true;
    }
    Handed* named = find(tag);
    if (named == nullptr) return false;
    if (!multiple) {
      each(*named);
      end(*named);
    } else {
      while (!entries_.empty() && entries_.front().tag <= tag) {
        if (entries_.front().live) {
          each(entries_.front());
          --live_;
        }
        entries_.pop_front();
      }
    }
    tidy();
    return true;
  }
  template <typename Each>
  void take_all(Each&& each) {
    for (const Handed& entry : entries_)
      if (entry.live) each(entry);
    entries_.clear();
    live_ = 0;
  }

  // The cluster gave these to somebody else.
  void refuse(QueueId queue, std::span<const queue::Held> refused);

 private:
  Handed* find(DeliveryTag tag);
  void end(Handed& entry) {
    entry.live = false;
    --live_;
  }
  void tidy();

  std::deque<Handed> entries_;  // by tag
  std::size_t live_ = 0;
};

}  // namespace warren::frontend
