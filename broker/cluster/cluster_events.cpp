// Cluster: carries what happens on one thread to where it belongs. Every method here posts.
#include <utility>

#include "broker/cluster/cluster.h"
#include "broker/cluster/session_codec.h"
#include "broker/runtime/log.h"
#include "broker/runtime/post_to_all.h"

namespace warren::cluster {

namespace {

// One asynchronous unary call; kept alive by its own completion.
template <typename Request, typename Reply>
struct Call {
  grpc::ClientContext context;
  Request request;
  Reply reply;
  std::unique_ptr<proto::Cluster::Stub> stub;
};

constexpr auto call_timeout = std::chrono::milliseconds(1000);
constexpr std::uint32_t rows_version = 2;  // of broker/inspect/listings.h as rows

}  // namespace

Lane& Cluster::lane_of(GroupId group) {
  return *lanes_[Lane::index_of(group, lanes_.size())];
}

ReactorDoor& Cluster::door_of(std::uint64_t channel) {
  return *doors_[ReactorDoor::index_of(channel, doors_.size())];
}

void Cluster::post_to_lanes(const std::function<void(Lane&)>& task) {
  for (auto& lane : lanes_)
    lane->reactor().post([&lane, task] { task(*lane); });
}

void Cluster::post_to_keeper(std::move_only_function<void(CatalogKeeper&)> task) {
  lane_of(catalog_group).reactor().post([this, task = std::move(task)]() mutable {
    task(*keeper_);
  });
}

// --- LaneWorld: out of the lanes

void Cluster::send_raft(NodeId node, std::vector<raft::Message> urgent,
                        std::vector<raft::Message> bulk) {
  peers_->send_raft(node, urgent, bulk);
}

void Cluster::send_snapshot(GroupId group, raft::Term term, raft::MemberId to) {
  Lane& lane = lane_of(group);
  snapshots_->send(group, term, NodeId(identity_.node), to,
                   [&lane, group, to](raft::Index index, bool ok) {
                     lane.reactor().post([&lane, group, to, index, ok] {
                       lane.groups().on_snapshot_sent(group, to, index, ok);
                       lane.wake();
                     });
                   });
}

void Cluster::send_to_hosts(NodeId node, proto::SessionFrames frames) {
  peers_->send_session(node, std::move(frames));
}

void Cluster::send_to_clients(NodeId node, proto::SessionFrames frames) {
  auto reply = client_streams_.reply_to(node);
  if (reply) reply->send(std::move(frames));
}

bool Cluster::reachable(NodeId node) const {
  return peers_->carries_sessions(node);
}

void Cluster::on_catalog_answer(session::ToClient message) {
  keeper_->on_answer(std::move(message));
}
void Cluster::on_catalog_reply(NodeId from, session::ToClient message) {
  keeper_->on_reply(from, std::move(message));
}

void Cluster::on_catalog_applied(std::shared_ptr<const catalog::Snapshot> catalog,
                                 const catalog::Effects& effects) {
  if (catalog->cluster_id() != 0) {
    std::vector<PeerAddress> addresses;
    catalog->for_each_node(
        [&](const catalog::NodeInfo& node) { addresses.push_back({node.id, node.address}); });
    std::unique_lock lock(catalog_mutex_);
    if (addresses != peer_addresses_) {
      peer_addresses_ = addresses;
      lock.unlock();
      if (lanes_up_) peers_->set_peers(addresses);
    }
  }
  {
    std::lock_guard lock(catalog_mutex_);
    catalog_ = catalog;
  }
  // The set that applied it has told its own hosts.
  auto shared = std::make_shared<const catalog::Effects>(effects);
  for (auto& lane : lanes_)
    lane->reactor().post([&lane, catalog, shared] { lane->set_catalog(catalog, *shared); });
  // The keeper last: with a lease it lets every reactor route, and it tells the leader that this
  // node routes by the new definitions.
  std::vector<runtime::Reactor*> routers;
  for (auto& door : doors_)
    routers.push_back(&door->reactor());
  runtime::post_to_all(
      routers, [this, catalog](std::size_t i) { doors_[i]->set_catalog(catalog); },
      [this, catalog] {
        post_to_keeper([catalog](CatalogKeeper& keeper) { keeper.on_applied(catalog); });
      });
}

void Cluster::on_catalog_status(const raft::Status& status) {
  keeper_->on_status(status);
}
void Cluster::on_catalog_read(std::uint64_t context, bool ok) {
  keeper_->on_read(context, ok);
}
void Cluster::on_catalog_outcome(std::uint64_t token, const catalog::Outcome* outcome) {
  keeper_->on_outcome(token, outcome);
}

void Cluster::on_leading(GroupId group, bool leads) {
  std::lock_guard lock(catalog_mutex_);
  std::erase(led_groups_, group);
  if (leads) led_groups_.push_back(group);
}

std::optional<GroupId> Cluster::preferred_group() const {
  std::lock_guard lock(catalog_mutex_);
  return catalog_ ? catalog_->choose_led_group(led_groups_) : std::nullopt;
}

void Cluster::on_queue_sealed(QueueId queue) {
  define(catalog::DeleteQueue{queue}, [this, queue](Result<catalog::Outcome> result) {
    // No leader: nobody else will delete it, and its name would meet the seal for ever.
    if (!result) undeleted_.push_back(queue);
  });
}

void Cluster::delete_sealed() {
  for (QueueId queue : std::exchange(undeleted_, {}))
    on_queue_sealed(queue);
}

void Cluster::on_queue_unused(QueueId queue) {
  ReactorDoor& door = *doors_.front();
  door.reactor().post(
      [&door, queue] { door.delete_queue(queue, true, false, [](Result<std::uint64_t>) {}); });
}

void Cluster::on_dead_letters(std::size_t lane, GroupId group,
                              std::vector<replica::DeadLetterJob> letters) {
  DeadLetterWorker& worker = *dead_letter_workers_[lane];
  lanes_[lane]->reactor().post([&worker, group, letters = std::move(letters)]() mutable {
    worker.take(group, std::move(letters));
  });
}

void Cluster::on_outcomes(std::vector<replica::CommandOutcome> outcomes) {
  if (doors_.size() == 1) {
    ReactorDoor& only = *doors_.front();
    only.reactor().post([&only, outcomes = std::move(outcomes)]() mutable {
      only.on_outcomes(std::move(outcomes));
    });
    return;
  }
  std::vector<std::vector<CommandOutcome>> by_door(doors_.size());
  for (const auto& outcome : outcomes)
    by_door[ReactorDoor::index_of(outcome.origin.channel, doors_.size())].push_back(outcome);
  for (std::size_t i = 0; i < by_door.size(); ++i) {
    if (by_door[i].empty()) continue;
    ReactorDoor& door = *doors_[i];
    door.reactor().post(
        [&door, mine = std::move(by_door[i])]() mutable { door.on_outcomes(std::move(mine)); });
  }
}

void Cluster::on_deliveries(std::uint64_t channel, std::vector<queue::Delivery> deliveries) {
  ReactorDoor& door = door_of(channel);
  door.reactor().post([&door, channel, deliveries = std::move(deliveries)]() mutable {
    door.on_deliveries(channel, std::move(deliveries));
  });
}

void Cluster::on_consumer_cancelled(std::uint64_t channel, ConsumerNumber number) {
  ReactorDoor& door = door_of(channel);
  door.reactor().post([&door, channel, number] { door.on_consumer_cancelled(channel, number); });
}

void Cluster::on_holdings_refused(std::uint64_t channel, QueueId queue,
                                  std::vector<queue::Held> refused) {
  ReactorDoor& door = door_of(channel);
  door.reactor().post([&door, channel, queue, refused = std::move(refused)]() mutable {
    door.on_holdings_refused(channel, queue, std::move(refused));
  });
}

void Cluster::on_writable(GroupId group) {
  for (auto& door : doors_)
    door->reactor().post([&door, group] { door->on_writable(group); });
}

void Cluster::on_session_ended(SessionId session) {
  post_to_keeper([this, session](CatalogKeeper& keeper) {
    if (keeper.session() == session) on_incarnation_lost();
  });
}

// --- KeeperWorld

void Cluster::ask_lease(NodeId leader, proto::LeaseRequest request,
                        std::function<void(proto::LeaseReply)> done) {
  auto call = std::make_shared<Call<proto::LeaseRequest, proto::LeaseReply>>();
  call->stub = peers_->cluster_stub(leader);
  if (!call->stub || !calls_.begin(call->context)) return done(proto::LeaseReply());
  call->request = std::move(request);
  call->context.set_deadline(std::chrono::system_clock::now() + call_timeout);
  call->stub->async()->Lease(
      &call->context, &call->request, &call->reply,
      [this, call, done = std::move(done)](const grpc::Status& status) {
        if (!status.ok()) call->reply = proto::LeaseReply();
        post_to_keeper([call, done](CatalogKeeper&) { done(std::move(call->reply)); });
        calls_.end(call->context);
      });
}

void Cluster::report_applied(NodeId leader, proto::AppliedRequest request,
                             std::function<void()> done) {
  auto call = std::make_shared<Call<proto::AppliedRequest, proto::AppliedReply>>();
  call->stub = peers_->cluster_stub(leader);
  if (!call->stub || !calls_.begin(call->context)) return done();
  call->request = std::move(request);
  call->context.set_deadline(std::chrono::system_clock::now() + call_timeout);
  call->stub->async()->Applied(&call->context, &call->request, &call->reply,
                               [this, call, done = std::move(done)](const grpc::Status&) {
                                 post_to_keeper([done](CatalogKeeper&) { done(); });
                                 calls_.end(call->context);
                               });
}

std::optional<std::chrono::nanoseconds> Cluster::refused_for(NodeId node) const {
  auto since = peers_->refused_since(node);
  if (!since) return std::nullopt;
  return std::chrono::steady_clock::now() - *since;
}

void Cluster::on_routable() {
  for (auto& door : doors_)
    door->reactor().post([&door] { door->on_routable(); });
}

void Cluster::on_catalog_floor(CatalogIndex floor) {
  post_to_lanes([floor](Lane& lane) { lane.set_catalog_floor(floor); });
}

// --- PeerEvents: this node's own streams

void Cluster::on_peer_reset(NodeId node) {
  runtime::log_warning("the stream to node {} broke", node.value);
  post_to_lanes([node](Lane& lane) { lane.on_peer_reset(node); });
}

void Cluster::on_session_up(NodeId node) {
  post_to_lanes([node](Lane& lane) { lane.on_host_node_up(node); });
  post_to_keeper([node](CatalogKeeper& keeper) { keeper.on_host_node_up(node); });
}

void Cluster::on_session_reset(NodeId node) {
  post_to_lanes([node](Lane& lane) { lane.on_host_node_lost(node); });
  post_to_keeper([node](CatalogKeeper& keeper) { keeper.on_host_node_lost(node); });
}

void Cluster::on_session_frames(NodeId node, proto::SessionFrames frames) {
  std::vector<std::vector<std::pair<GroupId, session::ToClient>>> by_lane(lanes_.size());
  for (proto::SessionFrame& frame : *frames.mutable_frames())
    if (auto message = decode_to_client(frame)) {
      GroupId group(frame.group());
      by_lane[Lane::index_of(group, lanes_.size())].emplace_back(group, std::move(*message));
    }
  for (std::size_t i = 0; i < by_lane.size(); ++i) {
    if (by_lane[i].empty()) continue;
    Lane& lane = *lanes_[i];
    lane.reactor().post([&lane, node, messages = std::move(by_lane[i])]() mutable {
      lane.receive_replies(node, std::move(messages));
    });
  }
}

// --- PeerRequests: other nodes' streams

void Cluster::on_raft_messages(std::vector<raft::Message> messages) {
  if (!lanes_up_) return;
  std::vector<std::vector<raft::Message>> by_lane(lanes_.size());
  for (raft::Message& message : messages)
    by_lane[Lane::index_of(GroupId(message.group.value), lanes_.size())].push_back(
        std::move(message));
  for (std::size_t i = 0; i < by_lane.size(); ++i) {
    if (by_lane[i].empty()) continue;
    Lane& lane = *lanes_[i];
    lane.reactor().post(
        [&lane, mine = std::move(by_lane[i])]() mutable { lane.receive_raft(std::move(mine)); });
  }
}

// Told again, for our own stream to a dead peer may break first: what it had still sent to us then
// looked like a sign of life.
void Cluster::on_raft_streams_lost(NodeId from) {
  if (lanes_up_) post_to_lanes([from](Lane& lane) { lane.on_peer_reset(from); });
}

void Cluster::on_session_opened(std::uint64_t id, NodeId from,
                                std::shared_ptr<SessionReply> reply) {
  client_streams_.opened(id, from, std::move(reply));
}

void Cluster::on_session_request(std::uint64_t id, proto::SessionFrames frames) {
  if (!lanes_up_) return;
  auto from = client_streams_.node_of(id);
  if (!from) return;
  std::vector<std::vector<std::pair<GroupId, session::ToHost>>> by_lane(lanes_.size());
  for (proto::SessionFrame& frame : *frames.mutable_frames())
    if (auto message = decode_to_host(frame)) {
      GroupId group(frame.group());
      by_lane[Lane::index_of(group, lanes_.size())].emplace_back(group, std::move(*message));
    }
  for (std::size_t i = 0; i < by_lane.size(); ++i) {
    if (by_lane[i].empty()) continue;
    Lane& lane = *lanes_[i];
    lane.reactor().post([&lane, from = *from, messages = std::move(by_lane[i])]() mutable {
      lane.receive_requests(from, std::move(messages));
    });
  }
}

void Cluster::on_session_closed(std::uint64_t id) {
  client_streams_.closed(id, [this](NodeId from) {
    if (lanes_up_) post_to_lanes([from](Lane& lane) { lane.on_client_streams_lost(from); });
  });
}

void Cluster::enrol(proto::RegisterRequest request,
                    std::function<void(proto::RegisterReply)> done) {
  if (!lanes_up_) {
    proto::RegisterReply reply;
    reply.set_error("this node is starting");
    return done(std::move(reply));
  }
  post_to_keeper([request = std::move(request), done = std::move(done)](CatalogKeeper& keeper) {
    keeper.enrol(request, done);
  });
}

void Cluster::lease(proto::LeaseRequest request, std::function<void(proto::LeaseReply)> done) {
  if (!lanes_up_) return done(proto::LeaseReply());
  post_to_keeper([request = std::move(request), done = std::move(done)](CatalogKeeper& keeper) {
    keeper.lease(request, done);
  });
}

void Cluster::applied(proto::AppliedRequest request) {
  if (lanes_up_)
    post_to_keeper(
        [request = std::move(request)](CatalogKeeper& keeper) { keeper.applied(request); });
}

void Cluster::inspect(proto::InspectRequest request,
                      std::function<void(proto::InspectReply)> done) {
  if (!lanes_up_ || request.version() != rows_version) return done(proto::InspectReply());
  local_rows_(request.kind(), [done = std::move(done)](std::string rows) {
    proto::InspectReply reply;
    reply.set_rows(std::move(rows));
    done(std::move(reply));
  });
}

void Cluster::gather_rows(const std::string& kind,
                          std::function<void(std::vector<std::string>)> done) {
  struct Gathered {
    std::mutex mutex;
    std::vector<std::string> rows;
    std::size_t left = 0;
    std::function<void(std::vector<std::string>)> done;

    void add(std::string more) {
      std::unique_lock lock(mutex);
      rows.push_back(std::move(more));
      if (--left != 0) return;
      lock.unlock();
      done(std::move(rows));
    }
  };
  auto nodes = reachable_nodes();
  auto gathered = std::make_shared<Gathered>();
  gathered->left = nodes.size();
  gathered->done = std::move(done);
  local_rows_(kind, [gathered](std::string rows) { gathered->add(std::move(rows)); });
  for (NodeId node : nodes) {
    if (node == self()) continue;
    auto call = std::make_shared<Call<proto::InspectRequest, proto::InspectReply>>();
    call->stub = peers_->cluster_stub(node);
    if (!call->stub || !calls_.begin(call->context)) {
      gathered->add("");
      continue;
    }
    call->request.set_kind(kind);
    call->request.set_version(rows_version);
    call->context.set_deadline(std::chrono::system_clock::now() + call_timeout);
    call->stub->async()->Inspect(
        &call->context, &call->request, &call->reply,
        [this, call, gathered](const grpc::Status& status) {
          gathered->add(status.ok() ? std::move(*call->reply.mutable_rows()) : std::string());
          calls_.end(call->context);
        });
  }
}

void Cluster::snapshot_part(std::uint64_t stream, proto::SnapshotPart part,
                            std::function<void(bool)> done) {
  if (!lanes_up_) return done(false);
  const std::size_t index = Lane::index_of(GroupId(part.group()), lanes_.size());
  Lane& lane = *lanes_[index];
  std::shared_ptr<SnapshotIntake> intake;
  {
    std::lock_guard lock(intake_mutex_);
    auto& slot = intakes_[stream];
    if (!slot) slot = std::make_shared<SnapshotIntake>(lane, stores_[index]->group_log());
    intake = slot;
  }
  const bool last = part.last();
  lane.reactor().post(
      [this, intake, stream, last, part = std::move(part), done = std::move(done)]() mutable {
        intake->take(std::move(part), [this, stream, last, done](bool good) {
          if (last || !good) snapshot_aborted(stream);
          done(good);
        });
      });
}

void Cluster::snapshot_aborted(std::uint64_t stream) {
  std::shared_ptr<SnapshotIntake> intake;
  {
    std::lock_guard lock(intake_mutex_);
    auto node = intakes_.extract(stream);
    if (node.empty()) return;
    intake = std::move(node.mapped());
  }
  Lane& lane = intake->lane();
  lane.reactor().post([intake = std::move(intake)]() mutable { intake.reset(); });
}

// --- DoorWorld

bool Cluster::may_route() const {
  return keeper_->may_route(reactors_.at(0).now());
}

void Cluster::define(catalog::Command command, replica::CatalogClient::Done done) {
  post_to_keeper([command = std::move(command), done = std::move(done)](CatalogKeeper& keeper) {
    keeper.define(command, done);
  });
}

}  // namespace warren::cluster
