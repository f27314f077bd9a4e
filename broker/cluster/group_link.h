// GroupLink: one GroupClient of this node and the path to its group's leader: this very process, or
// a peer's session stream. Finds the leader again whenever the path is lost. Lives on the group's
// reactor; owned by its Lane.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/ids.h"
#include "broker/replica/group_client.h"
#include "broker/session/messages.h"

namespace warren::cluster {

// What a link needs of its lane.
class LinkHost {
 public:
  virtual ~LinkHost() = default;
  // The node that leads the group as far as this node knows; nobody: unknown.
  virtual NodeId leader_of(GroupId group) const = 0;
  // Who may know or lead: the group's members by the catalog, or all nodes.
  virtual std::vector<NodeId> candidates(GroupId group) const = 0;
  virtual bool reachable(NodeId node) const = 0;
  virtual void send_to_host(NodeId node, GroupId group, session::ToHost message) = 0;

  virtual void on_outcomes(std::vector<replica::CommandOutcome> outcomes) = 0;
  virtual void on_deliveries(std::uint64_t channel, std::vector<queue::Delivery> deliveries) = 0;
  virtual void on_consumer_cancelled(std::uint64_t channel, ConsumerNumber number) = 0;
  virtual void on_holdings_refused(std::uint64_t channel, QueueId queue,
                                   std::vector<queue::Held> refused) = 0;
  virtual void on_writable(GroupId group) = 0;
  virtual void on_session_ended(GroupId group) = 0;
};

// Chooses and keeps the path; shared by the links of queue groups and of the catalog.
class LeaderPath {
 public:
  LeaderPath(GroupId group, const LinkHost& host) : group_(group), host_(host) {}

  // The stream ended; look for the leader, whose name may be `hint`.
  void lost(NodeId hint, BootTime now);
  // A node to connect to now, if the time has come and somebody is there.
  std::optional<NodeId> next(BootTime now);
  NodeId node() const { return node_; }
  bool seeking() const { return seeking_; }
  void expedite() { retry_at_ = BootTime(0); }

 private:
  const GroupId group_;
  const LinkHost& host_;
  NodeId node_;
  NodeId hint_;
  bool seeking_ = true;
  BootTime retry_at_{0};
  std::size_t turn_ = 0;
};

class GroupLink final : private replica::GroupClientSink {
 public:
  // `host` outlives the link. `life`: of the node whose local group it is; else 0.
  GroupLink(GroupId group, Incarnation life, SessionId session,
            const replica::GroupClientConfig& config, LinkHost& host);

  GroupId group() const { return group_; }
  Incarnation life() const { return life_; }
  replica::GroupClient& client() { return client_; }
  const replica::GroupClient& client() const { return client_; }

  void on_message(NodeId from, session::ToClient message, BootTime now);
  void on_node_lost(NodeId node, BootTime now);  // the stream to it broke
  void on_node_up(NodeId node);
  void on_leader_known(NodeId leader, BootTime now);
  // REQUIRES: called on each turn of the lane.
  void turn(BootTime now);

 private:
  void send(session::ToHost message) override;
  void seek_leader(NodeId hint) override;
  void on_outcomes(std::vector<replica::CommandOutcome> outcomes) override;
  void on_deliveries(std::uint64_t channel, std::vector<queue::Delivery> deliveries) override;
  void on_consumer_cancelled(std::uint64_t channel, ConsumerNumber number) override;
  void on_holdings_refused(std::uint64_t channel, QueueId queue,
                           std::vector<queue::Held> refused) override;
  void on_writable() override;
  void on_session_ended() override;

  const GroupId group_;
  const Incarnation life_;
  LinkHost& host_;
  LeaderPath path_;
  BootTime now_{};
  replica::GroupClient client_;
};

}  // namespace warren::cluster
