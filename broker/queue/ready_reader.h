// A queue's ready messages in their order: level by level, and in each what came back first, then
// what its cursor has not reached. Lives for one turn of serving; moves the cursors. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "broker/queue/dispatch_queue.h"
#include "broker/queue/queue_record.h"

namespace warren::queue {

struct Ready {
  Message message;
  bool returned = false;  // was handed out in this term
};

class ReadyReader {
 public:
  // `window` is scratch memory; all must outlive the reader, and the record must not change.
  ReadyReader(DispatchQueue& queue, const QueueRecord& record, std::vector<Message>& window)
      : ReadyReader(queue, record, window, LevelNumber(0), 256) {}
  // Of one level only.
  ReadyReader(DispatchQueue& queue, const QueueRecord& record, std::vector<Message>& window,
              LevelNumber level)
      : ReadyReader(queue, record, window, level, level.value + 1u) {}

  const QueueRecord& record() const { return record_; }
  // The next ready message; nothing: there is none.
  std::optional<Ready> peek();
  // It is being handed out. REQUIRES: peek() returned one, and nothing happened since.
  void take();

 private:
  ReadyReader(DispatchQueue& queue, const QueueRecord& record, std::vector<Message>& window,
              LevelNumber level, unsigned end)
      : queue_(queue), record_(record), window_(window), begin_(level), end_(end), level_(level) {
    window_.clear();
  }
  std::optional<Ready> peek_fresh(unsigned levels);
  bool fill(LevelCursor& level);

  DispatchQueue& queue_;
  const QueueRecord& record_;
  std::vector<Message>& window_;
  const LevelNumber begin_;
  const unsigned end_;  // the first level that is not read
  std::size_t at_ = 0;
  LevelNumber level_;         // of the window; those before it have nothing fresh
  bool exhausted_ = false;    // nor has any after it
  bool at_returned_ = false;  // what peek() found came back
  std::size_t step_ = 4;      // grows: a consumer with prefetch 1 wants one message
};

}  // namespace warren::queue
