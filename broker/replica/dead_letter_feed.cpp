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
  if (queue.paused_until || std::exchange(queue.ready, true)) return;
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
  while (!ready_.empty() && under_way_.size() < limits_.under_way && octets_ < limits_.octets) {
    const QueueId id = ready_.front();
    ready_.pop_front();
    Queue& queue = queues_.at(id);
    queue.ready = false;
    const auto letter = take_from(id, queue);
    if (!letter) continue;
    make_ready(id, queue);
    return Next{id, *letter};
  }
  return std::nullopt;
}

// Nothing: it has no more, or as much under way as it may.
std::optional<queue::DeadLetter> DeadLetterFeed::take_from(QueueId id, Queue& queue) {
  if (queue.under_way >= limits_.under_way_queue) return std::nullopt;
  const queue::DeadLetter* letter = nullptr;
  if (!queue.again.empty())
    letter = letters_.next(id, queue.again.extract(queue.again.begin()).value());
  else if ((letter = letters_.next(id, queue.next)) != nullptr)
    queue.next = letter->number.next();
  if (letter == nullptr) {
    if (queue.under_way == 0) queues_.erase(id);
    return std::nullopt;
  }
  given_ = std::max(given_, letter->number);
  ++queue.under_way;
  under_way_[letter->number] = {id, 0};
  return *letter;
}

void DeadLetterFeed::weigh(queue::DeadLetterNumber number, std::size_t octets) {
  auto at = under_way_.find(number);
  if (at == under_way_.end()) return;
  octets_ += octets - std::exchange(at->second.octets, octets);
}

void DeadLetterFeed::on_answer(const DeadLetterAnswer& answer, BootTime now) {
  auto at = under_way_.find(answer.number);
  if (at == under_way_.end() || at->second.queue != answer.queue) return;
  octets_ -= at->second.octets;
  under_way_.erase(at);
  Queue& queue = queues_.at(answer.queue);
  --queue.under_way;
  if (answer.done) {
    done_.push_back({answer.queue, answer.number});
    return make_ready(answer.queue, queue);
  }
  queue.again.insert(answer.number);
  if (queue.paused_until) return;
  queue.paused_until = now + limits_.pause;
  paused_.emplace(*queue.paused_until, answer.queue);
}

void DeadLetterFeed::end_pauses(BootTime now) {
  while (!paused_.empty() && paused_.begin()->first <= now) {
    const QueueId id = paused_.extract(paused_.begin()).value().second;
    Queue& queue = queues_.at(id);
    queue.paused_until.reset();
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
