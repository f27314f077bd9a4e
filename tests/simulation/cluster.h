// Cluster: the simulated nodes. Each runs the production group set over a disk that outlives it,
// and the front end's clients of every group. Streams between nodes keep their order and break.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "broker/replica/catalog_client.h"
#include "broker/replica/group_client.h"
#include "broker/replica/group_set.h"
#include "tests/simulation/checkers.h"
#include "tests/simulation/sim_store.h"
#include "tests/simulation/world.h"

namespace warren::simulation {

class Cluster;
class LetterDoor;

// A node's clocks, which survive its process: their speed, what the wall clock is wrong by, and
// when the node was booted.
struct Clock {
  std::int64_t drift_ppm = 0;
  std::int64_t wrong_ms = 0;
  BootTime booted{};
  std::uint64_t boots = 0;
  BootTime boot(BootTime world) const;
  Stamp wall(BootTime world) const;
  // How long a period of this clock takes in the world.
  std::uint64_t period_us(Milliseconds period) const;
};

// Who uses a node's front end: the workload. Calls come for channels that are open there.
class Users {
 public:
  virtual ~Users() = default;
  virtual void on_outcome(std::uint64_t channel, std::uint64_t tag, queue::Outcome outcome) = 0;
  virtual void on_delivery(std::uint64_t channel, GroupId group, queue::Delivery delivery) = 0;
  virtual void on_consumer_cancelled(std::uint64_t channel) = 0;
  virtual void on_refused(std::uint64_t channel, QueueId queue,
                          std::span<const queue::Held> held) = 0;
  // The node's incarnation ended: all its channels are gone.
  virtual void on_node_lost(NodeId node) = 0;
};

// One life of one node.
class Process final : public replica::GroupSetOutlet,
                      public replica::GroupSetObserver,
                      public raft::Transport {
 public:
  Process(Cluster& cluster, NodeId node, SimStore& store);
  ~Process() override;
  void boot(bool first);
  void turn();
  void touch();  // a turn soon

  replica::GroupSet& set() { return set_; }
  const SimStore& store() const { return store_; }
  const catalog::Snapshot& catalog() const { return *catalog_; }
  std::shared_ptr<const catalog::Snapshot> shared_catalog() const { return catalog_; }
  bool serving() const { return incarnation_.has_value(); }
  Incarnation incarnation() const { return *incarnation_; }
  ConsumerNumber next_consumer() { return ConsumerNumber(next_consumer_++); }
  replica::GroupClient& client(GroupId group);
  replica::CatalogClient& definitions() { return *definitions_; }
  BootTime now() const;  // by its own clock
  // The group's session was within reach all the time since (the world's), but for moments.
  bool reachable_since(GroupId group, BootTime since) const;

  void receive(std::vector<raft::Message> messages);
  void on_to_host(GroupId group, session::ToHost message);
  void on_to_client(GroupId group, session::ToClient message);
  void on_streams_to_lost(NodeId host);      // as a front end
  void on_streams_from_lost(NodeId client);  // as a host
  void installed(GroupId group, raft::SnapshotMeta meta);
  // Not while another turn runs.
  void soon(std::function<void()> what);
  void answer_letters(GroupId group, std::span<const replica::DeadLetterAnswer> answers);

 private:
  struct Session;  // the sink of one group's client

  // GroupSetOutlet
  void send(GroupId group, session::ToClient message) override;
  void on_status(GroupId group, const raft::Status& status) override;
  void on_catalog(std::shared_ptr<const catalog::Snapshot> catalog,
                  const catalog::Effects& effects) override;
  void on_read_ready(GroupId, std::uint64_t, bool) override {}
  void on_own_outcome(std::uint64_t token, const catalog::Outcome* outcome) override;
  void on_queue_sealed(GroupId, QueueId) override {}
  void on_queue_unused(GroupId, QueueId) override {}
  void on_dead_letters(GroupId group, std::vector<replica::DeadLetterJob> letters) override;
  // GroupSetObserver
  void on_entry(GroupId group, const raft::Entry& entry) override;
  void on_applied(GroupId group, const replica::QueueApplied& applied) override;
  // raft::Transport
  void send(std::uint32_t node, std::vector<raft::Message> urgent,
            std::vector<raft::Message> bulk) override;
  void send_snapshot(raft::GroupId group, raft::Term term, raft::MemberId to) override;

  void tick();
  void make_groups();
  void check_leaders();
  void check_dispatchers();
  void pump_definitions();
  void seek(GroupId group, NodeId hint);
  void register_self();
  void registered(Incarnation incarnation);
  void send_to_host(GroupId group, session::ToHost message);
  replica::Now time() const;

  Cluster& cluster_;
  World& world_;
  const NodeId node_;
  SimStore& store_;
  const Clock clock_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  replica::GroupSet set_;
  std::shared_ptr<const catalog::Snapshot> catalog_;
  std::optional<Incarnation> incarnation_;
  std::unique_ptr<replica::CatalogClient> definitions_;
  std::map<GroupId, std::unique_ptr<Session>> sessions_;
  std::map<GroupId, NodeId> paths_;  // where each group's stream goes
  std::unique_ptr<LetterDoor> letters_;
  std::map<GroupId, Stamp> stamps_;  // the replicated time of what was applied in this life
  std::uint64_t next_token_ = 1;
  std::uint64_t next_consumer_ = 1;
  bool founding_ = false;
  bool turn_planned_ = false;
  bool turning_ = false;
  bool placement_changed_ = false;
  bool lost_ = false;  // the incarnation
  std::vector<std::function<void()>> soon_;
  friend class Cluster;
};

class Cluster {
 public:
  Cluster(World& world, std::uint32_t nodes, std::uint32_t groups);
  ~Cluster();

  void start(NodeId node);
  void crash(NodeId node);
  // REQUIRES: it is down. Its boot time begins anew; its wall clock is wrong by that from now on.
  void reboot(NodeId node, std::int64_t wrong_ms);
  bool up(NodeId node) const { return processes_.contains(node); }
  Process* process(NodeId node);
  std::uint32_t size() const { return nodes_; }
  std::vector<NodeId> serving() const;
  Process* leader_of(GroupId group);

  // Breaks the streams between two nodes, in both directions, without anybody's crash.
  void reset_streams(NodeId a, NodeId b);
  // Its disk takes long.
  void stall(NodeId node, Milliseconds period) { stalled_[node] = world.now() + period; }
  // Its next votes are each followed by a crash and a quick restart.
  void doubt(NodeId node, Milliseconds period) { doubted_[node] = world.now() + period; }
  // In order, until the stream breaks. `generation` of the pair is checked at both ends.
  void stream(NodeId from, NodeId to, std::function<void(Process&)> deliver);

  World& world;
  Checkers checkers;
  Users* users = nullptr;
  replica::GroupSetConfig config;
  replica::GroupClientConfig client_config;
  std::uint32_t groups;

 private:
  struct Link {
    std::uint64_t generation = 0;
    BootTime last{};
    bool broken = false;  // something was lost: it must be reset
  };
  void make_store(NodeId node);
  Link& link(NodeId a, NodeId b) { return links_[a < b ? std::pair(a, b) : std::pair(b, a)]; }

  const std::uint32_t nodes_;
  std::map<NodeId, std::unique_ptr<SimStore>> stores_;
  std::map<NodeId, std::unique_ptr<Process>> processes_;
  std::map<std::pair<NodeId, NodeId>, Link> links_;
  std::map<std::pair<NodeId, NodeId>, BootTime> in_order_;
  std::map<NodeId, BootTime> doubted_, stalled_;  // until then
  std::map<NodeId, Clock> clocks_;
  friend class Process;
};

}  // namespace warren::simulation
