// CatalogHost: the leader's side of group 0: accepts the sessions' batches and the leader's own
// commands, one entry each, and answers with what was applied. Exists while this replica leads.
// Owned by GroupSet, on group 0's reactor; pure. Architecture §5, §8.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "broker/base/clock.h"
#include "broker/replica/catalog_state.h"
#include "broker/session/host_stream.h"
#include "raft/ready.h"

namespace warren::replica {

class CatalogHostPorts {
 public:
  virtual ~CatalogHostPorts() = default;
  virtual raft::ProposeResult propose(std::shared_ptr<const std::string> entry) = 0;
  virtual void send(session::ToClient message) = 0;
  // One for each CatalogHost::command(); nothing: the term ended before it was known.
  virtual void on_own_outcome(std::uint64_t token, const catalog::Outcome* outcome) = 0;
};

class CatalogHost {
 public:
  CatalogHost(const CatalogState& state, CatalogHostPorts& ports, Stamp begin, BootTime now);
  ~CatalogHost();
  void end(NodeId hint);

  void on_message(session::ToHost message);
  void on_streams_lost(NodeId node);
  void on_applied(const CatalogApplied& applied);
  // A command of the leader's own; `token` names it in on_own_outcome.
  void command(catalog::Command command, std::uint64_t token);
  bool turn(BootTime now);  // true: more is due
  std::size_t streams() const { return streams_.size(); }

 private:
  struct Queued {
    SessionId session;
    session::Batch batch;
    std::optional<catalog::Command> own;
    std::uint64_t token = 0;
  };

  void pump(session::HostStream& stream);
  void drop_ended();
  Stamp stamp(BootTime now);
  std::shared_ptr<const std::string> entry_of(const Queued& queued, BootTime now);

  const CatalogState& state_;
  CatalogHostPorts& ports_;
  const BootTime began_;
  const Stamp begin_stamp_;
  Stamp last_stamp_;
  std::map<SessionId, std::unique_ptr<session::HostStream>> streams_;
  std::deque<Queued> queue_;
  std::map<EntryIndex, std::uint64_t> own_;  // tokens of what is proposed
};

}  // namespace warren::replica
