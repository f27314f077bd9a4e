// HostStream: the leader's end of one session's stream. Accepts batches in order, each once a term;
// holds the attach back until the batches before it are applied; numbers nothing and keeps no
// outcome (Ledger does). Volatile: made by a leader when a session first opens, gone with its term.
// Owned by the group's leader side; pure: any thread, one at a time. Architecture §8.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/ids.h"
#include "broker/session/ledger.h"
#include "broker/session/messages.h"

namespace warren::session {

// What the leader does after some inputs, in this order.
struct HostReady {
  StreamEpoch epoch;
  bool opened = false;             // a new stream: the deliveries of the one before are void
  std::vector<Batch> batches;      // accepted: propose them in this order, `released` included
  std::optional<Bytes> attach;     // the claims: process them, then call attached() with `epoch`
  std::vector<Request> requests;   // process, then call reply(). Only after an attach
  std::vector<ToClient> messages;  // send in order
};

class HostStream {
 public:
  // `limit_requests` bounds those that wait for a batch.
  // REQUIRES: the leader has applied the no-op of its term, so that the ledger knows every batch
  // that former leaders committed.
  HostStream(SessionId session, Term term, const Ledger& ledger,
             std::uint64_t window = default_window, std::size_t limit_requests = 65536);

  // `ledger` is the group's, as applied.
  void on_message(ToHost message, const Ledger& ledger);

  // The machine applied one of the session's batches and recorded this outcome.
  void on_applied(BatchNumber number, const std::string& outcome);
  void on_ended(const Ledger& ledger);  // the machine ended the session
  void on_not_leader(NodeId hint);      // the last message of this object
  void on_stream_lost();                // the transport broke; deliveries stop, batches go on

  // Answers, named by the epoch of the HostReady that asked; dropped when that stream is gone.
  void attached(StreamEpoch epoch, Bytes reply);
  void reply(StreamEpoch epoch, RequestId id, Bytes payload);
  bool send_event(Bytes payload);  // on the present stream; false: not flowing, nothing was sent

  bool flowing() const { return phase_ == Phase::flowing; }
  StreamEpoch epoch() const { return epoch_; }
  SessionId session() const { return session_; }
  BatchNumber applied() const { return applied_; }
  BatchNumber accepted() const { return accepted_; }

  bool has_ready() const;
  HostReady take_ready();

 private:
  // attaching: from Open until attached().
  enum class Phase : std::uint8_t { closed, attaching, flowing };

  void on_open(StreamEpoch epoch, const Open& open, const Ledger& ledger);
  void on_body(Batch batch, const Ledger& ledger);
  void on_body(Attach attach);
  void on_body(Request request);
  void rewind();
  void release_waiting();
  void send(ClientBody body);

  const SessionId session_;
  const Term term_;
  const std::uint64_t window_;
  const std::size_t limit_requests_;
  Phase phase_ = Phase::closed;
  StreamEpoch epoch_;
  BatchNumber applied_;
  BatchNumber accepted_;          // proposed in this term, or applied
  bool rewound_ = false;          // told once; until a batch fits
  std::optional<Attach> attach_;  // waits for its batch
  std::deque<Request> requests_;  // wait for their batch or the attach
  HostReady ready_;
};

}  // namespace warren::session
