#include "broker/cluster/cluster.h"

#include <utility>

#include "broker/cluster/membership.h"
#include "broker/runtime/log.h"

namespace warren::cluster {

namespace {
constexpr Milliseconds maintenance_period{50};
}  // namespace

Cluster::Cluster(ClusterConfig config, ClusterStorage storage, runtime::ReactorPool& reactors)
    : config_(std::move(config)), storage_(storage), reactors_(reactors) {
  if (storage_.identity.node()) identity_ = *storage_.identity.node();
}

Cluster::~Cluster() {
  stop();
}

std::string Cluster::waiting_for() const {
  std::lock_guard lock(state_mutex_);
  return waiting_for_;
}

std::shared_ptr<const catalog::Snapshot> Cluster::catalog() const {
  std::lock_guard lock(catalog_mutex_);
  return catalog_;
}

Result<void> Cluster::start(const std::function<bool()>& keep_trying) {
  std::string error;
  server_ = Server::listen(config_.listen_address, *this, error);
  if (!server_) return fail(ReplyCode::internal_error, error);
  if (auto formed = form(keep_trying); !formed) return formed;

  peers_ = std::make_unique<Peers>(*this, identity_.cluster_id, NodeId(identity_.node));
  snapshots_ = std::make_unique<SnapshotStreams>(storage_.database, *peers_);
  if (auto started = start_lanes(); !started) return started;
  std::vector<PeerAddress> addresses;
  for (const Founder& founder : own_answer().founders)
    addresses.push_back({founder.node, founder.address});
  {
    std::lock_guard lock(catalog_mutex_);
    if (peer_addresses_.empty()) peer_addresses_ = addresses;
    addresses = peer_addresses_;
  }
  lanes_up_ = true;
  server_->set_cluster(identity_.cluster_id);
  peers_->set_peers(addresses);

  runtime::Reactor& first = reactors_.at(0);
  maintenance_ = std::make_unique<runtime::Timer>(first);
  first.post([this] {
    maintenance_->start_every(maintenance_period, [this] {
      peers_->maintain(std::chrono::steady_clock::now());
      delete_sealed();
    });
  });
  post_to_lanes([](Lane& lane) { lane.start(); });
  post_to_keeper([](CatalogKeeper& keeper) { keeper.start(); });

  say_waiting("the catalog to have a leader");
  auto session = enrol_self(keep_trying);
  if (!session) return std::unexpected(session.error());
  say_waiting("the definitions to arrive");
  while (keep_trying()) {
    auto newest = catalog();
    if (newest && newest->index().value >= session->incarnation.value) break;
    std::unique_lock lock(state_mutex_);
    state_changed_.wait_for(lock, std::chrono::milliseconds(10));
  }
  begin_session(*session);
  say_waiting("the routing lease");
  while (keep_trying() && !may_route()) {
    std::unique_lock lock(state_mutex_);
    state_changed_.wait_for(lock, std::chrono::milliseconds(10));
  }
  if (!keep_trying()) return fail(ReplyCode::connection_forced, "stopped before it served");
  say_waiting("");
  serving_ = true;
  return {};
}

void Cluster::begin_session(SessionId session) {
  runtime::log_info("registered as node {} with incarnation {}", session.node.value,
                    session.incarnation.value);
  incarnation_ = session.incarnation.value;
  post_to_lanes([session](Lane& lane) { lane.start_session(session); });
  post_to_keeper([session](CatalogKeeper& keeper) { keeper.start_session(session); });
  for (auto& door : doors_)
    door->reactor().post([&door] { door->start(); });
}

// The cluster took this node for dead. Its exclusive queues are gone; start over under a new
// incarnation. Called on the catalog's reactor.
void Cluster::on_incarnation_lost() {
  if (stopping_ || enrolling_.exchange(true)) return;
  runtime::log_warning(
      "the cluster declared this node dead while it was out of reach; "
      "its exclusive and transient queues are gone, registering again");
  incarnation_ = 0;
  keeper_->end_session();
  post_to_lanes([](Lane& lane) { lane.end_session(); });
  for (auto& door : doors_)
    door->reactor().post([&door] { door->on_incarnation_lost(); });
  if (enrolment_.joinable()) enrolment_.join();
  enrolment_ = std::thread([this] { re_enrol(); });
}

void Cluster::re_enrol() {
  auto session = enrol_self([this] { return !stopping_.load(); });
  if (!session) return;
  while (!stopping_) {
    auto newest = catalog();
    if (newest && newest->index().value >= session->incarnation.value) break;
    std::unique_lock lock(state_mutex_);
    state_changed_.wait_for(lock, std::chrono::milliseconds(10));
  }
  begin_session(*session);
  enrolling_ = false;
}

void Cluster::hand_over() {
  if (!lanes_up_ || stopping_) return;
  std::mutex mutex;
  std::condition_variable handed_over;
  std::size_t left = lanes_.size();
  post_to_lanes([&](Lane& lane) {
    lane.hand_over(
        [&] {
          std::lock_guard lock(mutex);
          if (--left == 0) handed_over.notify_all();
        },
        lane.now() + BootTime(config_.hand_over_timeout));
  });
  std::unique_lock lock(mutex);
  handed_over.wait(lock, [&] { return left == 0; });
}

void Cluster::stop() {
  if (stopping_.exchange(true)) return;
  serving_ = false;
  state_changed_.notify_all();
  if (enrolment_.joinable()) enrolment_.join();
  if (lanes_up_) post_to_keeper([](CatalogKeeper& keeper) { keeper.stop(); });
  lanes_up_ = false;
  if (server_) server_->stop();
  calls_.stop();
  if (snapshots_) snapshots_->stop();
  if (peers_) peers_->stop();
  for (std::size_t i = 0; i < reactors_.size(); ++i) {
    std::mutex mutex;
    std::condition_variable stopped;
    bool done = false;
    reactors_.at(i).post([&, i] {
      if (i == 0) maintenance_.reset();
      if (i < lanes_.size()) {
        lanes_[i]->stop();
        doors_[i]->stop();
      }
      std::lock_guard lock(mutex);
      done = true;
      stopped.notify_all();
    });
    std::unique_lock lock(mutex);
    stopped.wait(lock, [&] { return done; });
  }
  // One that began while this was about to stop.
  if (enrolment_.joinable()) enrolment_.join();
  storage_.committer.flush();
}

std::vector<NodeId> Cluster::reachable_nodes() const {
  std::vector<NodeId> nodes{NodeId(identity_.node)};
  std::lock_guard lock(catalog_mutex_);
  for (const PeerAddress& peer : peer_addresses_)
    if (peer.node != nodes.front() && peers_->is_up(peer.node)) nodes.push_back(peer.node);
  return nodes;
}

}  // namespace warren::cluster
