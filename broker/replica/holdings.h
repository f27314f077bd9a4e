// Holdings: what a node's channels hold of one group's messages, as the front end knows it: claimed
// at each attach, under the checkout that the present leader knows. A channel goes on naming a
// message by the checkout that it was delivered under. Owned by GroupClient; pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "broker/base/ids.h"
#include "broker/queue/client_command.h"
#include "broker/queue/delivery.h"

namespace warren::replica {

class Holdings {
 public:
  void add(QueueId queue, const queue::Held& held, std::uint64_t channel, ConsumerNumber consumer);
  // The holding ends: what to settle, as the leader knows it. Nothing: not held (any more).
  std::optional<queue::Held> take(QueueId queue, const queue::Held& held);
  // A channel's, by queue, as the channel knows them; they stay.
  std::map<QueueId, std::vector<queue::Held>> of_channel(std::uint64_t channel) const;

  struct Claimed {
    QueueId queue;
    ConsumerNumber consumer;
    std::vector<queue::Held> held;  // as the leader knows them
  };
  // By queue, then consumer; each list in order.
  std::vector<Claimed> claimed() const;

  struct Refused {
    std::uint64_t channel = 0;
    QueueId queue;
    std::vector<queue::Held> held;  // as the channel knows them
  };
  // The leader's answer to the claims.
  void renew(std::span<const queue::ClaimReply::Renewed> renewed);
  // Drops them; whom to tell, by channel and queue.
  std::vector<Refused> refuse(const std::vector<queue::Held>& refused);

  std::size_t size() const { return held_.size(); }
  bool empty() const { return held_.empty(); }

 private:
  struct Key {
    QueueId queue;
    queue::Held held;  // as the channel knows it
    auto operator<=>(const Key&) const = default;
  };
  struct Holding {
    std::uint64_t channel = 0;
    ConsumerNumber consumer;  // none: of a get
    CheckoutId now;           // as the leader knows it
  };
  std::map<Key, Holding> held_;
};

}  // namespace warren::replica
