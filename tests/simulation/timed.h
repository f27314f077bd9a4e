// Timed: messages that are to become ready, or to expire, in a while of the world's own time,
// which no node knows. Told what is committed and what expired; looks at the leaders' states for
// what ripened. A violation: one before its time, or long after it though its group was led.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "broker/base/clock.h"
#include "broker/base/ids.h"
#include "broker/replica/queue_state.h"
#include "tests/simulation/key.h"
#include "tests/simulation/world.h"

namespace warren::simulation {

class Timed {
 public:
  explicit Timed(World& world) : world_(world) {}

  // One of the two is 0.
  void on_published(const Key& key, QueueId queue, Milliseconds delay, Milliseconds ttl) {
    messages_[key] = {queue, GroupId(), delay, ttl, std::nullopt, {}, false};
  }
  void on_committed(GroupId group, const Key& key, MessageId message);
  // False: it is none of these.
  bool on_expired(const Key& key);
  // Only the members' wall clocks could tell what time it is.
  void on_all_rebooted() { doubt_ = std::chrono::seconds(6); }

  // `leader`: of the group, and since when; the state of it.
  struct Led {
    const replica::QueueState* state = nullptr;
    BootTime since{};
  };
  void look(const std::function<std::optional<Led>(GroupId)>& leader);
  bool any_left() const;

 private:
  struct Message {
    QueueId queue;
    GroupId group;
    Milliseconds delay;
    Milliseconds ttl;
    std::optional<BootTime> committed;  // when first anybody applied it
    MessageId id;
    bool over = false;
  };
  void ended(const Key& key, Message& message, const char* what);
  // What clocks of different speed may differ by since it was committed.
  BootTime slack(const Message& message) const;

  World& world_;
  std::map<Key, Message> messages_;
  Milliseconds doubt_{0};
};

}  // namespace warren::simulation
