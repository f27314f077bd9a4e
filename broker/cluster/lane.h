// Lane: what one reactor of this node does for the cluster: the replicas that live on it
// (GroupSet), the node's local group when it is its turn, and this node's clients of the groups
// that map to it. Bytes go out through LaneWorld. Lives on its reactor; owned by the Hub.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "broker/base/ids.h"
#include "broker/catalog/catalog.h"
#include "broker/catalog/snapshot.h"
#include "broker/cluster/group_link.h"
#include "broker/cluster/tick_clock.h"
#include "broker/replica/group_set.h"
#include "broker/replica/local_group.h"
#include "broker/runtime/reactor.h"
#include "broker/runtime/timer.h"
#include "proto/cluster.pb.h"
#include "raft/ports.h"

namespace warren::cluster {

// The node around the lanes. Called on a lane's reactor.
class LaneWorld {
 public:
  virtual ~LaneWorld() = default;
  virtual void send_raft(NodeId node, std::vector<raft::Message> urgent,
                         std::vector<raft::Message> bulk) = 0;
  virtual void send_snapshot(GroupId group, raft::Term term, raft::MemberId to) = 0;
  virtual void send_to_hosts(NodeId node, proto::SessionFrames frames) = 0;
  virtual void send_to_clients(NodeId node, proto::SessionFrames frames) = 0;
  virtual bool reachable(NodeId node) const = 0;

  // Group 0's, on its lane.
  virtual void on_catalog_answer(session::ToClient message) = 0;
  virtual void on_catalog_reply(NodeId from, session::ToClient message) = 0;
  virtual void on_catalog_applied(std::shared_ptr<const catalog::Snapshot> catalog,
                                  const catalog::Effects& effects) = 0;
  virtual void on_catalog_status(const raft::Status& status) = 0;
  virtual void on_catalog_read(std::uint64_t context, bool ok) = 0;
  virtual void on_catalog_outcome(std::uint64_t token, const catalog::Outcome* outcome) = 0;

  virtual void on_leading(GroupId group, bool leads) = 0;
  virtual void on_queue_sealed(QueueId queue) = 0;
  virtual void on_queue_unused(QueueId queue) = 0;
  // Of a group of the lane of that index; answered by Lane::on_dead_letter_answers.
  virtual void on_dead_letters(std::size_t lane, GroupId group,
                               std::vector<replica::DeadLetterJob> letters) = 0;

  // For the channels of this node's front end.
  virtual void on_outcomes(std::vector<replica::CommandOutcome> outcomes) = 0;
  virtual void on_deliveries(std::uint64_t channel, std::vector<queue::Delivery> deliveries) = 0;
  virtual void on_consumer_cancelled(std::uint64_t channel, ConsumerNumber number) = 0;
  virtual void on_holdings_refused(std::uint64_t channel, QueueId queue,
                                   std::vector<queue::Held> refused) = 0;
  virtual void on_writable(GroupId group) = 0;
  virtual void on_session_ended(SessionId session) = 0;
};

struct LaneConfig {
  replica::GroupSetConfig groups;
  replica::GroupClientConfig client;
  NodeId self;
  DiskId disk;
  std::size_t index = 0;  // of this lane
  std::size_t count = 1;  // lanes
  // A replica that is not here may have been lost with a torn tail.
  bool may_lack_replicas = false;
};

class Lane final : private LinkHost,
                   private replica::GroupSetOutlet,
                   private replica::LocalGroupOutlet,
                   private raft::Transport {
 public:
  // `store`, `reactor` and `world` outlive the lane.
  Lane(runtime::Reactor& reactor, LaneConfig config, replica::GroupStore& store, LaneWorld& world);
  ~Lane() override;

  runtime::Reactor& reactor() { return reactor_; }
  // Which lane a group lives on. Any thread.
  static std::size_t index_of(GroupId group, std::size_t lanes) { return group.value % lanes; }

  // --- On the reactor.
  Result<void> add_stored(const raft::StoredGroup& stored);
  void create_catalog(raft::MemberId self, const raft::Configuration& founding);
  void start();  // ticks from now on
  void stop();
  // A new incarnation: its local group (if this is its lane) and its clients start anew.
  void start_session(SessionId session);
  void end_session();

  void receive_raft(std::vector<raft::Message> messages);
  void receive_requests(NodeId from, std::vector<std::pair<GroupId, session::ToHost>> messages);
  void receive_replies(NodeId from, std::vector<std::pair<GroupId, session::ToClient>> messages);
  // Is the replica here that member? GroupSet::answers_to.
  bool answers_to(GroupId group, raft::MemberId member);
  void on_written(std::uint64_t number);
  void on_peer_reset(NodeId node);
  void on_dead_letter_answers(GroupId group, std::span<const replica::DeadLetterAnswer> answers);
  void on_client_streams_lost(NodeId node);  // that node's front end
  void on_host_node_lost(NodeId node);       // our front end's stream to it
  void on_host_node_up(NodeId node);
  void set_catalog(std::shared_ptr<const catalog::Snapshot> catalog,
                   const catalog::Effects& effects);
  void set_catalog_floor(CatalogIndex floor);

  // The client of a group that maps to this lane, made on first use; null without a session.
  replica::GroupClient* client(GroupId group);
  // Asks for a turn at the end of this reactor's turn. After every input.
  void wake();
  BootTime now() const { return reactor_.now(); }

  // Group 0 only.
  void send_catalog_request(NodeId node, session::ToHost message);
  void send_catalog_answer(session::ToClient message);  // to another node
  NodeId catalog_leader() const { return leader_of(catalog_group); }
  bool command_catalog(catalog::Command command, std::uint64_t token);
  raft::ReadOutcome read_catalog(std::uint64_t context);
  bool reaches(NodeId node) const { return reachable(node); }

  replica::GroupSet& groups() { return set_; }
  const replica::LocalGroup* local() const { return local_.get(); }
  bool has_session() const { return session_.has_value(); }
  const LinkHost& link_host() const { return *this; }

  // Leads nothing any more, or could not hand over in time: `done`.
  void hand_over(std::function<void()> done, BootTime deadline);
  std::size_t led_groups() const;

 private:
  void turn();
  bool turn_links(BootTime now);
  void flush();
  replica::Now time() const;
  Incarnation life_of(NodeId node) const;  // 0: it is dead
  void abandon_lost(GroupLink& link);
  void create_replicas();
  void reshape();
  void reshape_group(const catalog::GroupInfo& info);
  void try_hand_over();

  // LinkHost
  NodeId leader_of(GroupId group) const override;
  std::vector<NodeId> candidates(GroupId group) const override;
  bool reachable(NodeId node) const override;
  void send_to_host(NodeId node, GroupId group, session::ToHost message) override;
  void on_outcomes(std::vector<replica::CommandOutcome> outcomes) override;
  void on_deliveries(std::uint64_t channel, std::vector<queue::Delivery> deliveries) override;
  void on_consumer_cancelled(std::uint64_t channel, ConsumerNumber number) override;
  void on_holdings_refused(std::uint64_t channel, QueueId queue,
                           std::vector<queue::Held> refused) override;
  void on_writable(GroupId group) override;
  void on_session_ended(GroupId group) override;

  // GroupSetOutlet, LocalGroupOutlet
  void send(GroupId group, session::ToClient message) override;
  void on_status(GroupId group, const raft::Status& status) override;
  void on_catalog(std::shared_ptr<const catalog::Snapshot> catalog,
                  const catalog::Effects& effects) override;
  void on_read_ready(GroupId group, std::uint64_t context, bool ok) override;
  void on_own_outcome(std::uint64_t token, const catalog::Outcome* outcome) override;
  void on_queue_sealed(GroupId group, QueueId queue) override;
  void on_queue_unused(GroupId group, QueueId queue) override;
  void on_dead_letters(GroupId group, std::vector<replica::DeadLetterJob> letters) override;

  // raft::Transport
  void send(std::uint32_t node, std::vector<raft::Message> urgent,
            std::vector<raft::Message> bulk) override;
  void send_snapshot(raft::GroupId group, raft::Term term, raft::MemberId to) override;

  runtime::Reactor& reactor_;
  const LaneConfig config_;
  LaneWorld& world_;
  replica::GroupSet set_;
  std::unique_ptr<replica::LocalGroup> local_;
  std::map<GroupId, std::unique_ptr<GroupLink>> links_;
  std::optional<SessionId> session_;
  std::shared_ptr<const catalog::Snapshot> catalog_;
  std::map<NodeId, proto::SessionFrames> to_hosts_;
  std::map<NodeId, proto::SessionFrames> to_clients_;
  std::vector<std::pair<GroupId, session::ToHost>> loopback_;
  std::function<void()> handed_over_;
  BootTime hand_over_deadline_{0};
  bool turn_due_ = false;
  TickClock ticks_;
  runtime::Timer tick_timer_;
  runtime::Timer reshape_timer_;
};

}  // namespace warren::cluster
