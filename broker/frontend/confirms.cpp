#include "broker/frontend/confirms.h"

#include <algorithm>

#include "broker/base/check.h"

namespace warren::frontend {

std::uint64_t Confirms::next() {
  slots_.push_back(Slot{});
  ++unanswered_;
  return first_ + slots_.size() - 1;
}

void Confirms::expect(std::uint64_t tag, std::uint32_t parts) {
  CHECK(parts > 0 && tag >= first_ && tag - first_ < slots_.size(), "publish {}", tag);
  slots_[tag - first_].waiting = parts;
}

void Confirms::resolve(std::uint64_t tag, bool ack) {
  if (tag < first_ || tag - first_ >= slots_.size()) return;
  Slot& slot = slots_[tag - first_];
  if (slot.waiting == 0) return;
  slot.nacked = slot.nacked || !ack;
  if (--slot.waiting == 0) resolved_.push_back(tag);
}

void Confirms::take_answers(std::vector<Answer>& answers) {
  // From the oldest on, a run of acks is one answer: everything up to its tag has been answered.
  std::uint64_t run = 0;
  std::uint64_t last = 0;
  auto end_run = [&] {
    if (run > 0) answers.push_back({last, run > 1, true});
    run = 0;
  };
  while (!slots_.empty() && slots_.front().waiting == 0) {
    Slot slot = slots_.front();
    if (!slot.answered && slot.nacked) end_run();
    slots_.pop_front();
    ++first_;
    if (slot.answered) continue;
    --unanswered_;
    if (slot.nacked) {
      answers.push_back({first_ - 1, false, false});
    } else {
      last = first_ - 1;
      ++run;
    }
  }
  end_run();
  std::sort(resolved_.begin(), resolved_.end());
  for (std::uint64_t tag : resolved_) {
    if (tag < first_) continue;
    Slot& slot = slots_[tag - first_];
    slot.answered = true;
    --unanswered_;
    answers.push_back({tag, false, !slot.nacked});
  }
  resolved_.clear();
}

}  // namespace warren::frontend
