// Withheld: deliveries that came before the channel may hand them out, by what holds them back: its
// shared prefetch, or the socket alone. So neither kind waits behind the other, a consumer's own
// stay in order, and whatever may go is found at once. Owned by the channel; pure: its reactor.
#pragma once

#include <array>
#include <deque>
#include <optional>
#include <utility>

#include "broker/queue/delivery.h"

namespace warren::frontend {

class Withheld {
 public:
  bool empty() const { return kinds_[0].empty() && kinds_[1].empty(); }
  // Of consumers that the shared prefetch counts, or of the others.
  bool empty(bool counted) const { return kinds_[counted].empty(); }
  void add(bool counted, queue::Delivery delivery) {
    kinds_[counted].push_back(std::move(delivery));
  }

  // The next that may go: may_go(counted). The two kinds in turn, or one could fill the socket for
  // ever.
  template <typename MayGo>
  std::optional<queue::Delivery> take(MayGo&& may_go) {
    for (int tried = 0; tried < 2; ++tried) {
      turn_ = !turn_;
      std::deque<queue::Delivery>& kind = kinds_[turn_];
      if (kind.empty() || !may_go(turn_)) continue;
      queue::Delivery delivery = std::move(kind.front());
      kind.pop_front();
      return delivery;
    }
    return std::nullopt;
  }

  // Takes them away, in order: each(const queue::Delivery&).
  template <typename Each>
  void take_all(Each&& each) {
    for (std::deque<queue::Delivery>& kind : kinds_)
      for (const queue::Delivery& delivery : std::exchange(kind, {}))
        each(delivery);
  }
  template <typename Each>
  void take_all_of(ConsumerNumber consumer, Each&& each) {
    for (std::deque<queue::Delivery>& kind : kinds_)
      std::erase_if(kind, [&](const queue::Delivery& delivery) {
        if (delivery.consumer != consumer) return false;
        each(delivery);
        return true;
      });
  }

 private:
  std::array<std::deque<queue::Delivery>, 2> kinds_;  // by `counted`
  bool turn_ = false;
};

}  // namespace warren::frontend
