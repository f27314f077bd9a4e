// Cluster: this node as a member: finds or founds its cluster, registers, runs a lane on every
// reactor, and carries bytes between lanes, doors and other nodes. Owned by the node; start() and
// stop() on its main thread. Everything given outlives it. Architecture §5, §8, §10.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "broker/cluster/catalog_keeper.h"
#include "broker/cluster/client_streams.h"
#include "broker/cluster/cluster_config.h"
#include "broker/cluster/dead_letter_worker.h"
#include "broker/cluster/formation.h"
#include "broker/cluster/lane.h"
#include "broker/cluster/peers.h"
#include "broker/cluster/pending_calls.h"
#include "broker/cluster/reactor_door.h"
#include "broker/cluster/server.h"
#include "broker/cluster/snapshot_streams.h"
#include "broker/replica/disk_group_store.h"
#include "broker/runtime/reactor.h"
#include "storage/identity.h"

namespace warren::cluster {

class Cluster final : public LaneWorld,
                      public KeeperWorld,
                      public PeerEvents,
                      public PeerRequests,
                      public DoorWorld {
 public:
  Cluster(ClusterConfig config, ClusterStorage storage, runtime::ReactorPool& reactors);
  ~Cluster() override;

  // Listens, forms or joins the cluster, registers; returns when this node may serve clients, or
  // `keep_trying`, asked now and then, is false.
  Result<void> start(const std::function<bool()>& keep_trying);
  // Gives the groups led here leaders elsewhere, while all is served. Blocks, within its timeout.
  void hand_over();
  void stop();  // doors must have no channels left

  Door& door(std::size_t reactor) { return *doors_.at(reactor); }
  NodeId self() const override { return NodeId(identity_.node); }
  std::string waiting_for() const;  // why start() has not returned; empty: it has
  std::shared_ptr<const catalog::Snapshot> catalog() const;
  bool serving() const { return serving_.load(); }
  std::vector<NodeId> reachable_nodes() const;
  // What this node answers other nodes' listings with. Before start().
  using LocalRows = std::function<void(std::string kind, std::function<void(std::string)> done)>;
  void set_local_rows(LocalRows rows) { local_rows_ = std::move(rows); }
  // The rows of every node that answers within a second, this one's among them. Any thread.
  void gather_rows(const std::string& kind, std::function<void(std::vector<std::string>)> done);
  // The lanes, for gather() (gather.h). REQUIRES: started.
  const std::vector<std::unique_ptr<Lane>>& lanes() const { return lanes_; }

 private:
  // cluster_formation.cpp
  Result<void> form(const std::function<bool()>& keep_trying);
  std::map<std::string, ProbeAnswer> probe_round(const Formation& formation);
  Result<void> found(const std::vector<Founder>& nodes);
  Result<void> join(const JoinCluster& how);
  void adopt(const storage::NodeIdentity& identity);
  Result<SessionId> enrol_self(const std::function<bool()>& keep_trying);
  void learn_addresses(const proto::RegisterReply& reply);
  std::optional<proto::RegisterReply> ask_to_enrol(const std::string& address,
                                                   const proto::RegisterRequest& request);
  proto::RegisterRequest register_request() const;
  std::vector<std::string> known_addresses() const;
  KeeperConfig keeper_config() const;
  Result<void> start_lanes();
  void begin_session(SessionId session);
  void re_enrol();
  void say_waiting(std::string why);

  // LaneWorld
  void send_raft(NodeId node, std::vector<raft::Message> urgent,
                 std::vector<raft::Message> bulk) override;
  void send_snapshot(GroupId group, raft::Term term, raft::MemberId to) override;
  void send_to_hosts(NodeId node, proto::SessionFrames frames) override;
  void send_to_clients(NodeId node, proto::SessionFrames frames) override;
  bool reachable(NodeId node) const override;
  void on_catalog_answer(session::ToClient message) override;
  void on_catalog_reply(NodeId from, session::ToClient message) override;
  void on_catalog_applied(std::shared_ptr<const catalog::Snapshot> catalog,
                          const catalog::Effects& effects) override;
  void on_catalog_status(const raft::Status& status) override;
  void on_catalog_read(std::uint64_t context, bool ok) override;
  void on_catalog_outcome(std::uint64_t token, const catalog::Outcome* outcome) override;
  void on_leading(GroupId group, bool leads) override;
  void on_queue_sealed(QueueId queue) override;
  void on_queue_unused(QueueId queue) override;
  void on_dead_letters(std::size_t lane, GroupId group,
                       std::vector<replica::DeadLetterJob> letters) override;
  void on_outcomes(std::vector<replica::CommandOutcome> outcomes) override;
  void on_deliveries(std::uint64_t channel, std::vector<queue::Delivery> deliveries) override;
  void on_consumer_cancelled(std::uint64_t channel, ConsumerNumber number) override;
  void on_holdings_refused(std::uint64_t channel, QueueId queue,
                           std::vector<queue::Held> refused) override;
  void on_writable(GroupId group) override;
  void on_session_ended(SessionId session) override;

  // KeeperWorld
  void ask_lease(NodeId leader, proto::LeaseRequest request,
                 std::function<void(proto::LeaseReply)> done) override;
  void report_applied(NodeId leader, proto::AppliedRequest request,
                      std::function<void()> done) override;
  std::optional<std::chrono::nanoseconds> refused_for(NodeId node) const override;
  void on_routable() override;
  void on_incarnation_lost() override;
  void on_catalog_floor(CatalogIndex floor) override;

  // PeerEvents
  void on_peer_reset(NodeId node) override;
  void on_session_up(NodeId node) override;
  void on_session_reset(NodeId node) override;
  void on_session_frames(NodeId node, proto::SessionFrames frames) override;

  // PeerRequests
  void on_raft_messages(std::vector<raft::Message> messages) override;
  void on_raft_streams_lost(NodeId from) override;
  void on_session_opened(std::uint64_t id, NodeId from,
                         std::shared_ptr<SessionReply> reply) override;
  void on_session_request(std::uint64_t id, proto::SessionFrames frames) override;
  void on_session_closed(std::uint64_t id) override;
  void probe(proto::ProbeRequest request, std::function<void(proto::ProbeReply)> done) override;
  void found(proto::FoundRequest request, std::function<void(proto::FoundReply)> done) override;
  void enrol(proto::RegisterRequest request,
             std::function<void(proto::RegisterReply)> done) override;
  void lease(proto::LeaseRequest request, std::function<void(proto::LeaseReply)> done) override;
  void applied(proto::AppliedRequest request) override;
  void inspect(proto::InspectRequest request,
               std::function<void(proto::InspectReply)> done) override;
  void take_replies(std::vector<DirectReply> replies, RepliesTaken taken) override;
  void snapshot_part(std::uint64_t stream, proto::SnapshotPart part,
                     std::function<void(bool)> done) override;
  void snapshot_aborted(std::uint64_t stream) override;

  // DoorWorld
  Lane& lane_of(GroupId group) override;
  bool may_route() const override;
  ConsumerNumber next_consumer() override { return ConsumerNumber(++last_consumer_); }
  void define(catalog::Command command, replica::CatalogClient::Done done) override;
  Milliseconds operation_timeout() const override { return config_.operation_timeout; }
  std::optional<GroupId> preferred_group() const override;
  void carry_replies(NodeId node, std::vector<DirectReply> replies, RepliesTaken taken) override;

  void delete_sealed();
  ReactorDoor& door_of(std::uint64_t channel);
  void post_to_lanes(const std::function<void(Lane&)>& task);
  void post_to_keeper(std::move_only_function<void(CatalogKeeper&)> task);
  ProbeAnswer own_answer() const;

  const ClusterConfig config_;
  ClusterStorage storage_;
  runtime::ReactorPool& reactors_;

  mutable std::mutex state_mutex_;  // formation, on several threads
  std::condition_variable state_changed_;
  storage::NodeIdentity identity_;
  std::string waiting_for_;
  std::atomic<bool> serving_{false};
  std::atomic<bool> lanes_up_{false};
  std::atomic<bool> stopping_{false};

  std::unique_ptr<Server> server_;
  std::unique_ptr<Peers> peers_;
  PendingCalls calls_;
  std::vector<std::unique_ptr<replica::DiskGroupStore>> stores_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::unique_ptr<CatalogKeeper> keeper_;
  std::vector<std::unique_ptr<ReactorDoor>> doors_;
  std::vector<std::unique_ptr<DeadLetterWorker>> dead_letter_workers_;  // one a lane
  std::unique_ptr<SnapshotStreams> snapshots_;
  std::mutex intake_mutex_;
  std::map<std::uint64_t, std::shared_ptr<SnapshotIntake>> intakes_;  // each used on its lane only
  std::unique_ptr<runtime::Timer> maintenance_;
  std::vector<QueueId> undeleted_;  // sealed, not deleted for want of a leader; the first reactor's
  LocalRows local_rows_;
  std::atomic<std::uint64_t> last_consumer_{0};
  std::atomic<std::uint64_t> incarnation_{0};  // 0: none now
  std::atomic<bool> enrolling_{false};
  std::thread enrolment_;

  mutable std::mutex catalog_mutex_;  // publication of the immutable snapshot
  std::shared_ptr<const catalog::Snapshot> catalog_;
  std::vector<PeerAddress> peer_addresses_;
  std::vector<GroupId> led_groups_;  // for preferred_group

  ClientStreams client_streams_;
};

}  // namespace warren::cluster
