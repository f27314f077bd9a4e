// Dead letters on their way out of the group: read, given to whoever publishes them, and done.
#include <utility>

#include "broker/replica/queue_host_stream.h"

namespace warren::replica {

void QueueHost::read_letters(BootTime now) {
  if (!surely_leads(now)) return;
  // The other half is for consumers.
  const std::size_t reads = config_.reads / 2;
  auto may = [&] { return letters_.size() < reads && wanted_.size() < reads; };
  while (may()) {
    auto next = feed_.take(now);
    if (!next) break;
    auto wanted = want(next->letter.message.entry);
    letters_.push_back({std::move(*next), std::move(wanted)});
  }
  if (!to_read_.empty()) ports_.read_entries(std::exchange(to_read_, {}));
  give_letters(now);
  // What was given makes room for the next.
  more_ = more_ || (may() && feed_.has_due(now));
}

void QueueHost::give_letters(BootTime now) {
  std::vector<DeadLetterJob> jobs;
  while (!letters_.empty() && letters_.front().wanted->arrived) {
    PendingLetter pending = std::move(letters_.front());
    letters_.pop_front();
    const auto& [queue, letter, reached] = pending.next;
    const queue::DeadLetters& all = state_.machine().dead_letters();
    const queue::DeadLetter* there = all.next(queue, letter.number);
    const bool purged = there == nullptr || there->number != letter.number;
    const auto& contents = pending.wanted->contents;
    const std::uint32_t slot = letter.message.slot.value;
    // Its letter keeps it alive: should its octets be out of reach all the same, it stays. Purged
    // while it was read, it is not looked for again.
    if (purged || !contents || slot >= contents->messages.size()) {
      feed_.on_answer({queue, letter.number, false, reached}, now);
      continue;
    }
    DeadLetterJob job;
    job.queue = queue;
    job.number = letter.number;
    job.route = all.find(queue)->route;
    job.reason = letter.reason;
    job.died = letter.died;
    // By itself: it may wait, and must not keep the whole of its entry.
    job.content = queue::own_copy(contents->messages[slot]);
    if (const auto* parts = state_.machine().large_bodies().parts_of(letter.message))
      job.parts = *parts;
    job.reached = reached;
    jobs.push_back(std::move(job));
  }
  if (!jobs.empty()) ports_.on_dead_letters(std::move(jobs));
}

void QueueHost::on_dead_letter_answers(std::span<const DeadLetterAnswer> answers, BootTime now) {
  for (const DeadLetterAnswer& answer : answers)
    feed_.on_answer(answer, now);
}

}  // namespace warren::replica
