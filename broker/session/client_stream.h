// ClientStream: the front end's end of a session's stream to a group's leader. Opens it, sends what
// is undecided, attaches, and only then lets requests and deliveries flow; does so again, under a
// new epoch, after every reset and change of leader. It does not find leaders: it asks its owner
// to (SeekLeader), who calls connect() with a path at hand. Owned by one session of one group;
// pure: any thread, one at a time. Architecture §8.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <variant>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/clock.h"
#include "broker/base/ids.h"
#include "broker/session/messages.h"
#include "broker/session/sender.h"

namespace warren::session {

// The path is of no use any more; call connect() when another is there (or the same one again).
struct SeekLeader {
  NodeId hint;  // none: unknown
};
// The claims were processed; what `payload` refuses is lost. Deliveries follow.
struct Attached {
  Bytes payload;
};
// The session is over and every batch decided; a new incarnation is needed.
struct SessionEnded {};

// What the owner is told, in order.
using Happening = std::variant<Decided, Attached, Reply, Event, SeekLeader, SessionEnded>;

struct ClientReady {
  std::vector<ToHost> messages;  // for the path given by the latest connect()
  std::vector<Happening> happenings;
};

struct ClientLimits {
  std::uint64_t window = default_window;
  std::size_t requests = 65536;  // unanswered at once
  Milliseconds patience{1000};   // without a word while opening or attaching: seek a leader
};

class ClientStream {
 public:
  enum class Phase : std::uint8_t { disconnected, opening, attaching, flowing, ended };
  enum class RequestOrder : std::uint8_t { at_once, after_batches };

  // `claims` is asked when the attach is sent: what the consumers hold at that time. `host`:
  // Open's.
  ClientStream(SessionId session, ClientLimits limits, std::function<Bytes()> claims,
               Incarnation host = {});

  // Batches. A full stream takes no more: keep commands for a later batch.
  bool full() const { return sender_.full() || phase_ == Phase::ended; }
  BatchNumber submit(Bytes payload);  // REQUIRES: not full()

  // Sent when flowing, and again after each attach until answered or forgotten. after_batches: only
  // processed when what was submitted before it is applied. REQUIRES: below the limit.
  RequestId request(Bytes payload, RequestOrder order);
  bool may_request() const { return requests_.size() < limits_.requests; }
  void forget(RequestId id);  // its deadline passed; a late reply is dropped

  // The path. connect() opens a new stream whatever the phase was.
  void connect(BootTime now);
  void disconnect(NodeId hint);  // it broke, or its end leads no more
  void on_message(ToClient message, BootTime now);
  void tick(BootTime now);  // watches `patience`
  // The group is gone with its node: nothing undecided can be known any more. As if it had said so.
  void abandon();

  bool has_ready() const { return !ready_.messages.empty() || !ready_.happenings.empty(); }
  ClientReady take_ready();

  Phase phase() const { return phase_; }
  StreamEpoch epoch() const { return epoch_; }
  const Sender& sender() const { return sender_; }

 private:
  struct Pending {
    BatchNumber after;
    Bytes payload;
  };

  void on_body(Opened opened);
  void on_body(Outcomes outcomes);
  void on_body(Rewind rewind);
  void on_body(AttachReply reply);
  void on_body(Reply reply);
  void on_body(Event event);
  void on_body(NotLeader not_leader);
  void on_body(Ended ended);

  void send(HostBody body);
  void send_batches();
  void send_request(RequestId id, const Pending& pending);
  void report(std::vector<Decided> decided);
  void seek(NodeId hint);

  const SessionId session_;
  const ClientLimits limits_;
  const std::function<Bytes()> claims_;
  const Incarnation host_;
  Sender sender_;
  Phase phase_ = Phase::disconnected;
  StreamEpoch epoch_;
  Term term_;  // the newest leader's that opened a stream
  BootTime heard_{};
  RequestId last_request_;
  std::map<RequestId, Pending> requests_;
  ClientReady ready_;
};

}  // namespace warren::session
