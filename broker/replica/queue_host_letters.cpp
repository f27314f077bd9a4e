// Dead letters on their way out of the group: read, given to whoever publishes them, and done.
#include <utility>

#include "broker/replica/queue_host_stream.h"

namespace warren::replica {

namespace {

// Being read: each brings an entry of a MiB or more however small the letter is.
constexpr std::size_t letters_read = 16;

}  // namespace

void QueueHost::read_letters(BootTime now) {
  if (!surely_leads(now)) return;
  while (letters_.size() < letters_read && wanted_.size() < config_.reads) {
    auto next = feed_.take(now);
    if (!next) break;
    letters_.push_back({next->queue, next->letter, want(next->letter.message.entry)});
  }
  if (!to_read_.empty()) ports_.read_entries(std::exchange(to_read_, {}));
  give_letters(now);
  // What was given makes room for the next.
  more_ = more_ || (letters_.size() < letters_read && feed_.has_due(now));
}

void QueueHost::give_letters(BootTime now) {
  std::vector<DeadLetterJob> jobs;
  while (!letters_.empty() && letters_.front().wanted->arrived) {
    const PendingLetter pending = std::move(letters_.front());
    letters_.pop_front();
    const queue::DeadLetters::Source* source = state_.machine().dead_letters().find(pending.queue);
    const auto& contents = pending.wanted->contents;
    const std::uint32_t slot = pending.letter.message.slot.value;
    // It is kept alive by its letter: should its octets be out of reach all the same, it stays.
    if (source == nullptr || !contents || slot >= contents->messages.size()) {
      feed_.on_answer({pending.queue, pending.letter.number, false}, now);
      continue;
    }
    DeadLetterJob job{pending.queue,
                      pending.letter.number,
                      source->route,
                      pending.letter.reason,
                      pending.letter.died,
                      contents->messages[slot],
                      {}};
    if (const auto* parts = state_.machine().large_bodies().parts_of(pending.letter.message))
      job.parts = *parts;
    feed_.weigh(job.number, job.content.size());
    jobs.push_back(std::move(job));
  }
  if (!jobs.empty()) ports_.on_dead_letters(std::move(jobs));
}

void QueueHost::on_dead_letter_answers(std::span<const DeadLetterAnswer> answers, BootTime now) {
  for (const DeadLetterAnswer& answer : answers)
    feed_.on_answer(answer, now);
}

}  // namespace warren::replica
