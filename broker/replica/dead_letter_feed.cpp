#include "broker/replica/dead_letter_feed.h"

#include <algorithm>
#include <utility>

namespace warren::replica {

DeadLetterFeed::DeadLetterFeed(const queue::DeadLetters& letters, DeadLetterLimits limits)
    : letters_(letters), limits_(limits) {
#ifndef WARREN_MUTATION_FORGET_DEAD_LETTERS
  letters.for_each_queue([this](QueueId id, const auto&) { make_ready(id, queues_[id]); });
#endif
}

void DeadLetterFeed::make_ready(QueueId id, Queue& queue) {
  if (std::exchange(queue.ready, true)) return;
  ready_.push_back(id);
}

// A queue that is not known here has only what it just got: above all that was ever given.
void DeadLetterFeed::on_buried(std::span<const QueueId> queues) {
  for (QueueId id : queues) {
    auto [at, fresh] = queues_.try_emplace(id);
    if (fresh) at->second.next = given_.next();
    make_ready(id, at->second);
  }
}

std::optional<DeadLetterFeed::Next> DeadLetterFeed::take(BootTime now) {
  end_pauses(now);
  while (!ready_.empty() && has_room()) {
    const QueueId id = ready_.front();
    ready_.pop_front();
    Queue& queue = queues_.at(id);
    queue.ready = false;
    auto next = take_from(id, queue);
    if (!next) continue;
    make_ready(id, queue);
    return next;
  }
  return std::nullopt;
}

// Nothing: it has no more, or as much under way as it may.
std::optional<DeadLetterFeed::Next> DeadLetterFeed::take_from(QueueId id, Queue& queue) {
  if (queue.under_way >= limits_.under_way_queue || queue.octets >= limits_.octets_queue)
    return std::nullopt;
  auto next = next_of(id, queue);
  if (!next) {
    if (queue.under_way == 0 && queue.tried.empty()) queues_.erase(id);
    return std::nullopt;
  }
  ++queue.under_way;
  const std::size_t octets = std::min<std::size_t>(next->letter.size, limits_.octets_letter);
  under_way_[next->letter.number] = {id, octets};
  octets_ += octets;
  queue.octets += octets;
  return next;
}

std::optional<DeadLetterFeed::Next> DeadLetterFeed::next_of(QueueId id, Queue& queue) {
  while (!queue.due.empty()) {
    const queue::DeadLetterNumber number = queue.due.extract(queue.due.begin()).value();
    auto tried = queue.tried.extract(number);
    const queue::DeadLetter* letter = letters_.next(id, number);
    // A purge may have taken it.
    if (letter != nullptr && letter->number == number)
      return Next{id, *letter, std::move(tried.mapped())};
  }
  if (queue.tried.size() >= limits_.tried_queue) return std::nullopt;
  const queue::DeadLetter* letter = letters_.next(id, queue.next);
  if (letter == nullptr) return std::nullopt;
  queue.next = letter->number.next();
  given_ = std::max(given_, letter->number);
  return Next{id, *letter, {}};
}

void DeadLetterFeed::on_answer(const DeadLetterAnswer& answer, BootTime now) {
  auto at = under_way_.find(answer.number);
  if (at == under_way_.end() || at->second.queue != answer.queue) return;
  Queue& queue = queues_.at(answer.queue);
  octets_ -= at->second.octets;
  queue.octets -= at->second.octets;
  under_way_.erase(at);
  --queue.under_way;
  if (answer.done) {
    done_.push_back({answer.queue, answer.number});
  } else {
    queue.tried[answer.number] = answer.reached;
    paused_.emplace(now + limits_.pause, std::pair(answer.queue, answer.number));
  }
  make_ready(answer.queue, queue);
}

void DeadLetterFeed::end_pauses(BootTime now) {
  while (!paused_.empty() && paused_.begin()->first <= now) {
    const auto [id, number] = paused_.extract(paused_.begin()).value().second;
    Queue& queue = queues_.at(id);
    queue.due.insert(number);
    make_ready(id, queue);
  }
}

std::vector<DeadLetterDone> DeadLetterFeed::take_done() {
  return std::exchange(done_, {});
}

std::optional<BootTime> DeadLetterFeed::next_deadline() const {
  if (paused_.empty()) return std::nullopt;
  return paused_.begin()->first;
}

}  // namespace warren::replica
