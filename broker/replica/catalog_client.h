// CatalogClient: a node's session with group 0: definitions asked for by this node's clients, in
// order, each with its outcome. Re-sends across leaders as GroupClient does. Owned by cluster, on
// one reactor; pure. When the session ends, make another. Architecture §8.
#pragma once

#include <deque>
#include <functional>
#include <utility>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/ids.h"
#include "broker/base/result.h"
#include "broker/catalog/command.h"
#include "broker/session/client_stream.h"

namespace warren::replica {

// Told from inside turn() only.
class CatalogClientSink {
 public:
  virtual ~CatalogClientSink() = default;
  virtual void send(session::ToHost message) = 0;
  virtual void seek_leader(NodeId hint) = 0;
  virtual void on_session_ended() = 0;
};

class CatalogClient {
 public:
  CatalogClient(SessionId session, Milliseconds timeout, CatalogClientSink& sink,
                session::ClientLimits limits = {});

  // The outcome, or 541 when it was not decided in time (it may still be, later).
  void define(catalog::Command command, std::function<void(Result<catalog::Outcome>)> done,
              BootTime now);

  void connect(BootTime now);
  void disconnect(NodeId hint);
  void on_message(session::ToClient message, BootTime now);
  void turn(BootTime now);  // after inputs, and every 10 to 100 ms

  session::ClientStream::Phase phase() const { return stream_.phase(); }
  bool idle() const { return asked_.empty(); }

 private:
  struct Asked {
    Bytes payload;
    BootTime deadline{};
    std::function<void(Result<catalog::Outcome>)> done;  // empty: told already
  };

  void drain();
  void decide(std::function<void(Result<catalog::Outcome>)> done, Result<catalog::Outcome> result);

  CatalogClientSink& sink_;
  const Milliseconds timeout_;
  session::ClientStream stream_;
  std::deque<Asked> asked_;  // in order; the first `sent_` are batches
  std::size_t sent_ = 0;
  bool ended_ = false;
  std::vector<std::function<void()>> to_tell_;
};

}  // namespace warren::replica
