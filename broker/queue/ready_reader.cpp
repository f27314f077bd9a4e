#include "broker/queue/ready_reader.h"

#include <algorithm>

#include "broker/base/check.h"

namespace warren::queue {

namespace {

constexpr std::size_t largest_step = 128;

}  // namespace

std::optional<Ready> ReadyReader::peek() {
  if (!queue_.returned.empty()) {
    auto message = record_.messages.find(*queue_.returned.begin());
    CHECK(message, "queue {}: ordinal {} came back and is not there", queue_.id,
          *queue_.returned.begin());
    return Ready{*message, true};
  }
  while (at_ < window_.size() || fill()) {
    const Message& message = window_[at_];
    const Checkout* checkout =
        queue_.checkouts.ahead() == 0 ? nullptr : queue_.checkouts.find(message.id);
    if (checkout == nullptr) return Ready{message, false};
    queue_.checkouts.pass(message.id);
    queue_.cursor = message.ordinal.next();
    ++at_;
  }
  return std::nullopt;
}

bool ReadyReader::fill() {
  window_.clear();
  at_ = 0;
  record_.messages.read(queue_.cursor, step_, window_);
  step_ = std::min(step_ * 4, largest_step);
  if (window_.empty()) queue_.cursor = std::max(queue_.cursor, record_.next);
  return !window_.empty();
}

void ReadyReader::take() {
  if (!queue_.returned.empty()) {
    queue_.returned.erase(queue_.returned.begin());
    return;
  }
  CHECK(at_ < window_.size(), "queue {}: nothing is ready", queue_.id);
  queue_.cursor = window_[at_].ordinal.next();
  ++at_;
}

}  // namespace warren::queue
