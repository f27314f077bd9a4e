// A queue's ready messages in their order: what came back first, then what the cursor has not
// reached. Lives for one turn of serving; moves the queue's cursor. Pure.
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
      : queue_(queue), record_(record), window_(window) {
    window_.clear();
  }

  const QueueRecord& record() const { return record_; }
  // The next ready message; nothing: there is none.
  std::optional<Ready> peek();
  // It is being handed out. REQUIRES: peek() returned one, and nothing happened since.
  void take();

 private:
  bool fill();

  DispatchQueue& queue_;
  const QueueRecord& record_;
  std::vector<Message>& window_;
  std::size_t at_ = 0;
  std::size_t step_ = 4;  // grows: a consumer with prefetch 1 wants one message
};

}  // namespace warren::queue
