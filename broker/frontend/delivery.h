// What one channel has handed out. UnackedTable: not yet seen settled, by delivery tag. Owned by
// the channel; pure: its reactor. Finding the tag of an ack is O(1) while tags are dense and
// O(log n) otherwise; settled entries never outnumber live ones for long.
#pragma once

#include <algorithm>
#include <boost/container/flat_map.hpp>
#include <deque>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/ids.h"
#include "broker/queue/client_command.h"

namespace warren::frontend {

struct Handed {
  DeliveryTag tag;
  GroupId group;
  QueueId queue;
  queue::Held held;
  ConsumerNumber consumer;  // none: a get
  BootTime at{0};           // when it was handed to the client
  bool refused = false;     // somebody else's by now: its settle is dropped
  bool live = true;
  std::optional<Ordinal> offset = {};  // read from a stream: nothing is held

  // Within the channel's prefetch.
  bool counts() const { return consumer && !offset; }
};

// An automatic ack, due when the socket has taken the output up to `sent_at`.
struct AutoAck {
  std::uint64_t sent_at;
  GroupId group;
  QueueId queue;
  queue::Held held;
};

// DeliveryReports: what the leaders are to be told of deliveries that the socket took, by and by:
// in pieces well below the dispatcher's windows, smaller ones by the clock. Not of automatic acks.
class DeliveryReports {
 public:
  struct To {
    GroupId group;
    ConsumerNumber consumer;
    auto operator<=>(const To&) const = default;
  };
  static constexpr std::uint64_t piece_octets = 256u << 10;

  // A delivery whose last octet is number `sent_at` of the output. REQUIRES: these ascend.
  void add(To to, std::uint64_t octets, std::uint64_t sent_at) {
    if (on_their_way_.empty() || on_their_way_.back().to != to ||
        on_their_way_.back().octets >= together_octets)
      on_their_way_.push_back({to});
    Run& run = on_their_way_.back();
    run.sent_at = sent_at;
    run.octets += octets;
    ++run.messages;
  }
  // The socket has taken so many octets. report(to, messages) for what is due.
  template <typename Report>
  void on_sent(std::uint64_t sent, Report&& report) {
    for (; !on_their_way_.empty() && on_their_way_.front().sent_at <= sent;
         on_their_way_.pop_front()) {
      const Run& run = on_their_way_.front();
      Untold& untold = untold_[run.to];
      untold.messages += run.messages;
      untold.octets += run.octets;
      if (untold.octets < piece_octets) continue;
      const std::uint64_t messages = untold.messages;
      untold_.erase(run.to);
      report(run.to, messages);
    }
  }
  // What is left of what the socket took.
  template <typename Report>
  void flush(Report&& report) {
    for (const auto& [to, untold] : std::exchange(untold_, {}))
      report(to, untold.messages);
  }

 private:
  static constexpr std::uint64_t together_octets = 64u << 10;
  struct Run {  // to one consumer, side by side
    To to;
    std::uint64_t sent_at = 0, octets = 0, messages = 0;
  };
  struct Untold {
    std::uint64_t messages = 0, octets = 0;
  };
  std::deque<Run> on_their_way_;
  boost::container::flat_map<To, Untold> untold_;
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

  // What was taken is not settled after all: it is found by its tag again.
  void restore(std::vector<Handed> taken);

  // The cluster gave these to somebody else.
  void refuse(QueueId queue, std::span<const queue::Held> refused);
  // The consumer's are given back: each(entry) for those that were not refused before.
  template <typename Each>
  void refuse(ConsumerNumber consumer, Each&& each) {
    for (Handed& entry : entries_) {
      if (!entry.live || entry.refused || entry.consumer != consumer) continue;
      entry.refused = true;
      each(entry);
    }
  }

  // Something will be added that must be acknowledged in so long a time; 0: whenever.
  void expect_within(Milliseconds timeout) {
    if (timeout <= Milliseconds(0) || timeout / looks_a_timeout >= look_period_) return;
    look_period_ = timeout / looks_a_timeout;
    next_look_ = BootTime(0);
  }
  // Now and then, well within the shortest of these: the first entry that is held for longer than
  // timeout_of(entry) allows.
  template <typename TimeoutOf>
  std::optional<Handed> overdue(BootTime now, TimeoutOf&& timeout_of) {
    if (live_ == 0 || now < next_look_) return std::nullopt;
    for (const Handed& entry : entries_) {
      if (!entry.live || entry.refused) continue;
      const Milliseconds timeout = timeout_of(entry);
      if (timeout > Milliseconds(0) && now - entry.at >= timeout) return entry;
    }
    next_look_ = now + look_period_;
    return std::nullopt;
  }

 private:
  Handed* find(DeliveryTag tag);
  void end(Handed& entry) {
    entry.live = false;
    --live_;
  }
  void tidy();

  static constexpr int looks_a_timeout = 4;

  std::deque<Handed> entries_;  // by tag
  std::size_t live_ = 0;
  Milliseconds look_period_{60'000};
  BootTime next_look_{0};
};

}  // namespace warren::frontend
