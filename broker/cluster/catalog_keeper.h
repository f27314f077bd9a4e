// CatalogKeeper: everything of group 0 beside its log. On each node: the session that carries this
// node's definitions, and the routing lease. On the leader: founding, registrations, leases, who is
// dead, and holding answers back until every node routes by them. Lives on group 0's lane.
// Architecture §5, §8.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/ids.h"
#include "broker/cluster/answer_gate.h"
#include "broker/cluster/formation.h"
#include "broker/cluster/lane.h"
#include "broker/cluster/routing_lease.h"
#include "broker/replica/catalog_client.h"
#include "broker/runtime/timer.h"
#include "proto/cluster.pb.h"

namespace warren::cluster {

struct KeeperConfig {
  NodeId self;
  DiskId disk;
  Milliseconds lease{2500};
  Milliseconds lease_renewal{500};
  Milliseconds dead_refused{10000};
  Milliseconds dead_silent{60000};
  Milliseconds operation_timeout{15000};
  // What the founding leader proposes; empty nodes: this node did not found.
  catalog::Found found;
};

// The node around the keeper.
class KeeperWorld {
 public:
  virtual ~KeeperWorld() = default;
  // To another node; a failed call answers with granted false.
  virtual void ask_lease(NodeId leader, proto::LeaseRequest request,
                         std::function<void(proto::LeaseReply)> done) = 0;
  virtual void report_applied(NodeId leader, proto::AppliedRequest request,
                              std::function<void()> done) = 0;
  // For how long connecting to the node has failed at once; nothing: it is up, or silent.
  virtual std::optional<std::chrono::nanoseconds> refused_for(NodeId node) const = 0;
  virtual void on_routable() = 0;          // the lease has just become valid
  virtual void on_incarnation_lost() = 0;  // register again
  virtual void on_catalog_floor(CatalogIndex floor) = 0;
};

class CatalogKeeper {
 public:
  CatalogKeeper(Lane& lane, KeeperConfig config, KeeperWorld& world);
  ~CatalogKeeper();

  // --- On the lane's reactor.
  void start();
  void stop();
  void start_session(SessionId session);
  void end_session();
  const std::optional<SessionId>& session() const { return session_; }
  void define(const catalog::Command& command, replica::CatalogClient::Done done);

  void on_answer(session::ToClient message);              // of this leader's host
  void on_reply(NodeId from, session::ToClient message);  // for this node's session
  void on_applied(std::shared_ptr<const catalog::Snapshot> catalog);
  void on_status(const raft::Status& status);
  void on_read(std::uint64_t context, bool ok);
  void on_outcome(std::uint64_t token, const catalog::Outcome* outcome);
  void on_host_node_lost(NodeId node);
  void on_host_node_up(NodeId node);

  void enrol(const proto::RegisterRequest& request, std::function<void(proto::RegisterReply)> done);
  void lease(const proto::LeaseRequest& request, std::function<void(proto::LeaseReply)> done);
  void applied(const proto::AppliedRequest& request);

  // --- Any thread.
  bool may_route(BootTime now) const { return now.count() < valid_until_.load(); }

 private:
  struct PendingRead {
    proto::LeaseRequest request;
    std::function<void(proto::LeaseReply)> done;
  };

  void tick();
  void lead(BootTime now);
  void begin_leading(BootTime now);
  void found();
  void bury_the_dead(BootTime now);
  void renew_lease(BootTime now);
  void take_lease(BootTime asked, const proto::LeaseReply& reply);
  void report_applied();
  void publish_lease();
  void pump_client();
  void release_answers();
  void drop_questions();
  void deliver(session::ToClient message);
  std::vector<NodeId> living_nodes() const;
  CatalogIndex floor() const;
  bool leads() const;
  proto::RegisterReply registered(const catalog::Outcome& outcome) const;

  Lane& lane_;
  const KeeperConfig config_;
  KeeperWorld& world_;
  runtime::Timer timer_;
  std::shared_ptr<const catalog::Snapshot> catalog_;

  // The node's side.
  std::optional<SessionId> session_;
  std::unique_ptr<replica::CatalogClient> client_;
  LeaderPath path_;
  RoutingLease lease_;
  std::atomic<std::int64_t> valid_until_{0};
  BootTime asked_{0};
  bool asking_ = false;
  bool routable_ = false;
  bool reporting_ = false;
  CatalogIndex reported_;

  // The leader's side.
  bool leading_ = false;
  bool stopped_ = false;
  LeaseHolders holders_;
  AnswerGate gate_;
  std::map<NodeId, BootTime> heard_;
  std::map<NodeId, CatalogIndex> applied_;
  std::uint64_t last_token_ = 0;
  std::map<std::uint64_t, std::function<void(const catalog::Outcome*)>> commands_;
  std::uint64_t last_read_ = 0;
  std::map<std::uint64_t, PendingRead> reads_;
};

}  // namespace warren::cluster
