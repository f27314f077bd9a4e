// LocalGroup: a node's group of exclusive and other non-durable queues: the same state and host as
// a replicated group's, but the log is a counter and nothing outlives the process. A command is
// committed in the turn that proposes it. Lives on one reactor; pure. Architecture §5.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "broker/base/clock.h"
#include "broker/replica/queue_host.h"
#include "broker/replica/queue_state.h"

namespace warren::replica {

class LocalGroupOutlet {
 public:
  virtual ~LocalGroupOutlet() = default;
  virtual void send(GroupId group, session::ToClient message) = 0;
  virtual void on_queue_sealed(GroupId group, QueueId queue) = 0;
  virtual void on_queue_unused(GroupId group, QueueId queue) = 0;
  virtual void on_dead_letters(GroupId group, std::vector<DeadLetterJob> letters) = 0;
};

class LocalGroup final : private QueueHostPorts {
 public:
  // `life`: of the node that it is the local group of; streams to another one are turned away.
  LocalGroup(SessionId life, LocalGroupOutlet& outlet, QueueHostConfig config,
             std::shared_ptr<const catalog::Snapshot> catalog, Stamp wall, BootTime now);

  void on_session_message(session::ToHost message, BootTime now);
  void on_session_streams_lost(NodeId node, BootTime now);
  void on_dead_letter_answers(std::span<const DeadLetterAnswer> answers, BootTime now);
  void set_catalog(std::shared_ptr<const catalog::Snapshot> catalog,
                   const catalog::Effects& effects);
  bool turn(BootTime now);  // true: more is due at once
  std::optional<BootTime> next_deadline() const { return host_->next_deadline(); }
  // This node lost its incarnation: every stream is told, the group is to be dropped.
  void end();

  GroupId id() const { return group_; }
  const QueueState& state() const { return state_; }
  const QueueHost& host() const { return *host_; }
  std::uint64_t content_bytes() const { return content_bytes_; }

 private:
  raft::ProposeResult propose(std::shared_ptr<const std::string> entry) override;
  void send(session::ToClient message) override;
  void read_entries(std::vector<EntryIndex> entries) override;
  void on_queue_sealed(QueueId queue) override;
  void on_queue_unused(QueueId queue) override;
  void on_dead_letters(std::vector<DeadLetterJob> letters) override;
  bool apply_proposed(BootTime now);  // false: there was nothing

  bool is_for_another_life(const session::ToHost& message);

  const GroupId group_;
  const Incarnation life_;
  LocalGroupOutlet& outlet_;
  QueueState state_;
  std::unique_ptr<QueueHost> host_;
  EntryIndex last_;
  std::deque<std::pair<EntryIndex, std::shared_ptr<const std::string>>> proposed_;
  std::vector<EntryIndex> to_read_;
  std::map<EntryIndex, std::shared_ptr<const EntryContents>> contents_;
  std::uint64_t content_bytes_ = 0;
};

}  // namespace warren::replica
