// Confirms: the publisher confirms of one channel: numbers publishes from 1, gathers their outcomes
// from several groups, and answers with as few basic.ack and basic.nack as the order of outcomes
// allows. Owned by the channel; pure: its reactor. Source: RabbitMQ's confirm.select.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

namespace warren::frontend {

class Confirms {
 public:
  struct Answer {
    std::uint64_t tag = 0;
    bool multiple = false;
    bool ack = true;
    bool operator==(const Answer&) const = default;
  };

  bool selected() const { return selected_; }
  void select() { selected_ = true; }

  // The number of the publish that arrives now; it waits for one outcome.
  std::uint64_t next();
  // The publish goes to `parts` groups and waits for as many outcomes. REQUIRES: parts > 0, called
  // before the first of them.
  void expect(std::uint64_t tag, std::uint32_t parts);
  // One outcome. The publish is nacked if any of its parts is. Unknown numbers are ignored.
  void resolve(std::uint64_t tag, bool ack);

  // Appends the answers that can be given now.
  void take_answers(std::vector<Answer>& answers);
  bool has_answers() const { return !resolved_.empty(); }

  std::uint64_t unanswered() const { return unanswered_; }

 private:
  struct Slot {
    std::uint32_t waiting = 1;
    bool nacked = false;
    bool answered = false;
  };

  bool selected_ = false;
  std::uint64_t first_ = 1;  // the number of slots_.front()
  std::deque<Slot> slots_;
  std::vector<std::uint64_t> resolved_;  // since the last answers
  std::uint64_t unanswered_ = 0;
};

}  // namespace warren::frontend
