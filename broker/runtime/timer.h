// Timer: one shot or repeated, on one reactor. Lives on that reactor; destroying or cancelling it
// guarantees that its task does not run any more.
#pragma once

#include <memory>

#include "broker/base/clock.h"
#include "broker/runtime/reactor.h"

namespace warren::runtime {

class Timer {
 public:
  explicit Timer(Reactor& reactor);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Replaces whatever was started before.
  void start(Milliseconds after, Task task);
  // First after one period. A turn that comes late skips what it missed.
  void start_every(Milliseconds period, Task task);
  void cancel();
  bool is_active() const;

 private:
  struct State;
  static void arm(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;
};

}  // namespace warren::runtime
