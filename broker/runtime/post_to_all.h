// Tells something to several reactors, and then, once each has heard it, says so. What is told by
// one thread, one after the other, is said in that order too.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>

#include "broker/runtime/reactor.h"

namespace warren::runtime {

// `task(i)` runs on the i-th; `then` on whichever was last, or here if there is none.
inline void post_to_all(std::span<Reactor* const> reactors,
                        const std::function<void(std::size_t)>& task,
                        const std::function<void()>& then) {
  if (reactors.empty()) return then();
  auto left = std::make_shared<std::atomic<std::size_t>>(reactors.size());
  for (std::size_t i = 0; i < reactors.size(); ++i)
    reactors[i]->post([task, then, left, i] {
      task(i);
      if (left->fetch_sub(1) == 1) then();
    });
}

}  // namespace warren::runtime
