#include "broker/session/sender.h"

#include <utility>

#include "broker/base/check.h"

namespace warren::session {

Sender::Sender(std::uint64_t window) : window_(window) {
  CHECK(window > 0);
}

BatchNumber Sender::submit(Bytes payload) {
  CHECK(!full(), "{} batches are undecided", retained_.size());
  retained_bytes_ += payload.size();
  retained_.push_back(std::move(payload));
  return last_submitted();
}

std::optional<Batch> Sender::next_to_send() {
  if (!sending_ || next_ > last_submitted()) return std::nullopt;
  CHECK(next_ > released_, "batch {} is decided", next_);
  Batch batch{next_, released_, retained_[next_.value - released_.value - 1]};
  ++next_;
  return batch;
}

void Sender::stop_sending() {
  sending_ = false;
}

bool Sender::on_opened(const Opened& opened) {
  // A leader that knows less than what was decided, or more than what was submitted, is none.
  if (opened.applied < released_ || opened.expected <= opened.applied) return false;
  if (opened.expected > last_submitted().next()) return false;
  next_ = opened.expected;
  sending_ = true;
  return true;
}

bool Sender::on_rewind(BatchNumber expected) {
  if (expected <= released_ || expected > last_submitted().next()) return false;
  if (expected < next_) next_ = expected;
  return true;
}

bool Sender::on_outcomes(std::vector<BatchOutcome> outcomes, std::vector<Decided>& decided) {
  for (BatchOutcome& outcome : outcomes) {
    if (outcome.number <= released_) continue;
    if (outcome.number != released_.next() || retained_.empty()) return false;
    decide_first(std::move(outcome.octets), decided);
  }
  return true;
}

void Sender::on_ended(const Ended& ended, std::vector<Decided>& decided) {
  auto known = ended.outcomes.begin();
  while (!retained_.empty()) {
    const BatchNumber number = released_.next();
    while (known != ended.outcomes.end() && known->number < number)
      ++known;
    const bool applied = known != ended.outcomes.end() && known->number == number;
    decide_first(applied ? std::optional(known->octets) : std::nullopt, decided);
  }
  sending_ = false;
}

void Sender::decide_first(std::optional<std::string> octets, std::vector<Decided>& decided) {
  retained_bytes_ -= retained_.front().size();
  retained_.pop_front();
  ++released_;
  // Applied although this stream has not sent it: an earlier one had.
  if (next_ <= released_) next_ = released_.next();
  decided.push_back({released_, std::move(octets)});
}

}  // namespace warren::session
