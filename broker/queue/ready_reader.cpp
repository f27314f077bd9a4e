#include "broker/queue/ready_reader.h"

#include <algorithm>

#include "broker/base/check.h"

namespace warren::queue {

namespace {

constexpr std::size_t largest_step = 128;

}  // namespace

std::optional<Ready> ReadyReader::peek() {
  at_returned_ = false;
  const auto first = queue_.returned.lower_bound(first_of(begin_));
  if (first == queue_.returned.end() || level_of(*first).value >= end_) return peek_fresh(end_);
  const Ordinal returned = *first;
  if (auto fresh = peek_fresh(level_of(returned).value)) return fresh;
  auto message = record_.messages.find(returned);
  CHECK(message, "queue {}: ordinal {} came back and is not there", queue_.id, returned);
  at_returned_ = true;
  return Ready{*message, true};
}

// Of the first so many levels.
std::optional<Ready> ReadyReader::peek_fresh(unsigned levels) {
  while (!exhausted_ && level_.value < levels) {
    LevelCursor& level = queue_.level(level_, &record_);
    while (at_ < window_.size() || fill(level)) {
      const Message& message = window_[at_];
      const Checkout* checkout =
          queue_.checkouts.ahead() == 0 ? nullptr : queue_.checkouts.find(message.id);
      const bool withheld = !queue_.withheld.empty() && queue_.withheld.contains(message.ordinal);
      if (checkout == nullptr && !withheld) return Ready{message, false};
      if (checkout != nullptr) queue_.checkouts.pass(message.id);
      level.cursor = message.ordinal.next();
      ++at_;
    }
    auto next = record_.messages.level_from(level_.value + 1u);
    exhausted_ = !next;
    if (next) level_ = *next;
    step_ = 4;
  }
  return std::nullopt;
}

bool ReadyReader::fill(LevelCursor& level) {
  window_.clear();
  at_ = 0;
  record_.messages.read(level.cursor, step_, window_);
  step_ = std::min(step_ * 4, largest_step);
  if (window_.empty()) level.cursor = std::max(level.cursor, record_.messages.next(level_));
  return !window_.empty();
}

void ReadyReader::take() {
  if (at_returned_) {
    queue_.returned.erase(queue_.returned.lower_bound(first_of(begin_)));
    return;
  }
  CHECK(at_ < window_.size(), "queue {}: nothing is ready", queue_.id);
  queue_.level(level_, &record_).cursor = window_[at_].ordinal.next();
  ++at_;
}

}  // namespace warren::queue
