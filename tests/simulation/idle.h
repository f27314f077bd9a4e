// Idle: a stretch in which nothing is asked of the cluster and nodes come and go, restarted or
// booted anew with another wall clock, while messages wait for their time (timed.h).
#pragma once

#include <map>

#include "tests/simulation/cluster.h"
#include "tests/simulation/workload.h"

namespace warren::simulation {

class Idle {
 public:
  Idle(Cluster& cluster, Workload& workload)
      : cluster_(cluster), world_(cluster.world), workload_(workload) {}

  // REQUIRES: all nodes are up and well, all queues are empty.
  void run();

 private:
  struct Office {
    NodeId node;
    raft::Term term;
    BootTime since{};
  };
  void wait(Milliseconds period);
  void watch();
  void note_leader(GroupId group);
  bool has_quorum(const raft::Status& status) const;
  void event();
  void restart(NodeId node, Milliseconds down);
  void restart_all(Milliseconds down, bool boots);
  NodeId leader_of(GroupId group);
  NodeId any() { return NodeId(static_cast<std::uint32_t>(world_.draw(1, cluster_.size()))); }
  std::int64_t usual_error() { return static_cast<std::int64_t>(world_.draw(0, 4'000)) - 2'000; }

  Cluster& cluster_;
  World& world_;
  Workload& workload_;
  std::map<GroupId, Office> offices_;
};

}  // namespace warren::simulation
