// CatalogClient: this node's session with group 0. Sends definitions in order, one to a batch, over
// whatever stream there is; answers each by its outcome, or with 541 when none came within the time
// limit (the definition may still take effect, as with any broker that stops answering). Pure: one
// at a time, on the catalog's reactor. Owned by cluster's keeper, and driven by the simulation.
// When the session has ended, make another. Architecture §8.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/ids.h"
#include "broker/base/result.h"
#include "broker/catalog/command.h"
#include "broker/session/client_stream.h"

namespace warren::replica {

struct CatalogClientReady {
  std::vector<session::ToHost> messages;
  std::optional<NodeId> seek;                  // find the leader; the value is a hint, or none
  bool ended = false;                          // the incarnation is over
  std::vector<std::function<void()>> answers;  // to be called once the state here is consistent
};

class CatalogClient {
 public:
  using Done = std::function<void(Result<catalog::Outcome>)>;

  CatalogClient(SessionId session, Milliseconds time_limit, session::ClientLimits limits = {});

  void define(const catalog::Command& command, Done done, BootTime now);

  void connect(BootTime now) { stream_.connect(now); }
  void disconnect(NodeId hint) { stream_.disconnect(hint); }
  void on_message(session::ToClient message, BootTime now) {
    stream_.on_message(std::move(message), now);
  }
  void tick(BootTime now);  // every 10 to 100 ms
  // This node gives its session up: everybody who waits is answered by the next take_ready().
  void abandon() { stream_.abandon(); }
  session::ClientStream::Phase phase() const { return stream_.phase(); }

  CatalogClientReady take_ready();

 private:
  struct Waiting {
    BootTime deadline;
    Done done;  // empty: answered already, by the time limit
  };

  void send_queued();
  void decide(const session::Decided& decided, CatalogClientReady& ready);
  void end(CatalogClientReady& ready);

  Milliseconds time_limit_;
  session::ClientStream stream_;
  bool ended_ = false;
  std::deque<std::pair<Bytes, Waiting>> queued_;  // while the window is full
  std::map<BatchNumber, Waiting> waiting_;
  std::vector<std::function<void()>> late_;
};

}  // namespace warren::replica
