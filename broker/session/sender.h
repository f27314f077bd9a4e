// Sender: numbers the batches of one session, keeps each until its outcome is known, and sends it
// again, in order, to whoever leads. The front end's side. At most `window` batches are undecided;
// what comes meanwhile waits in its owner's next batch. Pure: any thread, one at a time.
// Architecture §8.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/ids.h"
#include "broker/session/messages.h"

namespace warren::session {

// What became of a batch. No octets: the session ended before it was applied.
struct Decided {
  BatchNumber number;
  std::optional<std::string> octets;
  bool operator==(const Decided&) const = default;
};

class Sender {
 public:
  explicit Sender(std::uint64_t window = default_window);

  bool full() const { return retained_.size() >= window_; }
  // REQUIRES: not full().
  BatchNumber submit(Bytes payload);

  // The next batch to send; nothing when all are sent. Sent ones stay until decided.
  std::optional<Batch> next_to_send();
  void stop_sending();  // the stream is gone; on_opened starts again

  // False from the following three: the host broke the protocol; open another stream.
  bool on_opened(const Opened& opened);
  bool on_rewind(BatchNumber expected);
  // Appends what is newly decided; outcomes known already are skipped.
  bool on_outcomes(std::vector<BatchOutcome> outcomes, std::vector<Decided>& decided);
  // Decides everything that is left.
  void on_ended(const Ended& ended, std::vector<Decided>& decided);

  // All outcomes up to here are known: what Open and Batch tell the host.
  BatchNumber released() const { return released_; }
  BatchNumber last_submitted() const { return BatchNumber(released_.value + retained_.size()); }
  BatchNumber last_sent() const { return next_.previous(); }
  bool idle() const { return retained_.empty(); }
  std::uint64_t retained_bytes() const { return retained_bytes_; }

 private:
  void decide_first(std::optional<std::string> octets, std::vector<Decided>& decided);

  std::uint64_t window_;
  BatchNumber released_;        // everything up to here is decided
  std::deque<Bytes> retained_;  // released_ + 1, …
  std::uint64_t retained_bytes_ = 0;
  BatchNumber next_{1};  // next to send
  bool sending_ = false;
};

}  // namespace warren::session
