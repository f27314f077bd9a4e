// Cluster: from an empty or known store to a registered member.
#include <random>
#include <utility>

#include "broker/base/check.h"
#include "broker/catalog/placement.h"
#include "broker/cluster/cluster.h"
#include "broker/cluster/membership.h"
#include "broker/runtime/log.h"

namespace warren::cluster {

namespace {

constexpr auto round_period = std::chrono::milliseconds(300);
constexpr auto call_timeout = std::chrono::milliseconds(1000);
constexpr auto enrol_timeout = std::chrono::milliseconds(4000);

void set_deadline(grpc::ClientContext& context, std::chrono::milliseconds timeout) {
  context.set_deadline(std::chrono::system_clock::now() + timeout);
}

proto::FoundRequest encode_founding(std::uint64_t cluster_id, const std::string& cluster_name,
                                    const std::vector<Founder>& nodes) {
  proto::FoundRequest request;
  request.set_cluster_id(cluster_id);
  request.set_cluster_name(cluster_name);
  for (const Founder& founder : nodes) {
    auto* node = request.add_nodes();
    node->set_node(founder.node.value);
    node->set_name(founder.name);
    node->set_disk(founder.disk.value);
    node->set_address(founder.address);
  }
  return request;
}

template <typename Nodes>
std::vector<Founder> decode_founders(const Nodes& nodes) {
  std::vector<Founder> founders;
  for (const proto::NodeAddress& node : nodes)
    founders.push_back({NodeId(node.node()), node.name(), DiskId(node.disk()), node.address()});
  return founders;
}

raft::Configuration founding_voters(const std::vector<Founder>& founders) {
  catalog::GroupInfo group{catalog_group, {}};
  for (const Founder& founder : founders)
    group.desired.push_back({founder.node, founder.disk, founding_assignment,
                             group.desired.size() < catalog::catalog_voters});
  return founding_configuration(group);
}

}  // namespace

void Cluster::say_waiting(std::string why) {
  std::lock_guard lock(state_mutex_);
  if (waiting_for_ != why && !why.empty()) runtime::log_info("waiting: {}", why);
  waiting_for_ = std::move(why);
}

// --- Answers to others

ProbeAnswer Cluster::own_answer() const {
  std::lock_guard lock(state_mutex_);
  ProbeAnswer answer{config_.self.name,
                     DiskId(storage_.identity.disk_id()),
                     config_.self.address,
                     !storage_.identity.used(),
                     0,
                     "",
                     {}};
  if (identity_.cluster_id == 0) return answer;
  proto::FoundRequest founding;
  founding.ParseFromString(identity_.founding);
  answer.cluster_id = identity_.cluster_id;
  answer.cluster_name = founding.cluster_name();
  answer.founders = decode_founders(founding.nodes());
  return answer;
}

void Cluster::probe(proto::ProbeRequest, std::function<void(proto::ProbeReply)> done) {
  ProbeAnswer answer = own_answer();
  proto::ProbeReply reply;
  reply.mutable_self()->set_name(answer.name);
  reply.mutable_self()->set_disk(answer.disk.value);
  reply.mutable_self()->set_address(answer.address);
  reply.set_empty(answer.empty);
  reply.set_cluster_id(answer.cluster_id);
  auto founding = encode_founding(answer.cluster_id, answer.cluster_name, answer.founders);
  reply.set_cluster_name(answer.cluster_name);
  *reply.mutable_founders() = founding.nodes();
  done(std::move(reply));
}

void Cluster::found(proto::FoundRequest request, std::function<void(proto::FoundReply)> done) {
  Formation formation(config_.self, DiskId(storage_.identity.disk_id()), config_.configured);
  auto founders = decode_founders(request.nodes());
  proto::FoundReply reply;
  {
    std::lock_guard lock(state_mutex_);
    if (identity_.cluster_id == request.cluster_id())
      reply.set_accepted(true);
    else if (storage_.identity.used() || !formation.accepts(founders))
      reply.set_error("this node's store is not the one that answered empty");
  }
  // The formation loop of this node sees the founder's answer, or takes this one now.
  if (reply.error().empty() && !reply.accepted()) {
    for (const Founder& founder : founders)
      if (founder.name == config_.self.name)
        adopt({request.cluster_id(), founder.node.value, founder.name, request.SerializeAsString(),
               founding_assignment.value});
    reply.set_accepted(true);
  }
  done(std::move(reply));
}

// --- Forming

void Cluster::adopt(const storage::NodeIdentity& identity) {
  std::lock_guard lock(state_mutex_);
  if (identity_.cluster_id != 0) return;
  storage_.identity.set_node(identity);
  identity_ = identity;
  state_changed_.notify_all();
}

std::map<std::string, ProbeAnswer> Cluster::probe_round(const Formation& formation) {
  std::map<std::string, ProbeAnswer> round;
  for (const ConfiguredNode& node : formation.others()) {
    auto stub = proto::Cluster::NewStub(open_channel(node.address));
    grpc::ClientContext context;
    set_deadline(context, call_timeout);
    proto::ProbeReply reply;
    if (!stub->Probe(&context, proto::ProbeRequest(), &reply).ok()) continue;
    round[node.name] = {reply.self().name(),
                        DiskId(reply.self().disk()),
                        reply.self().address(),
                        reply.empty(),
                        reply.cluster_id(),
                        reply.cluster_name(),
                        decode_founders(reply.founders())};
  }
  return round;
}

Result<void> Cluster::form(const std::function<bool()>& keep_trying) {
  Formation formation(config_.self, DiskId(storage_.identity.disk_id()), config_.configured,
                      config_.force_found);
  while (keep_trying()) {
    {
      std::unique_lock lock(state_mutex_);
      if (identity_.cluster_id != 0) return {};
    }
    FormationStep step = formation.decide(probe_round(formation));
    if (auto* wait = std::get_if<Wait>(&step)) say_waiting(wait->reason);
    if (auto* founding = std::get_if<FoundCluster>(&step)) return found(founding->nodes);
    if (auto* start = std::get_if<StartAsFounder>(&step)) {
      auto founding = encode_founding(start->cluster_id, start->cluster_name, start->founders);
      adopt({start->cluster_id, start->node.value, config_.self.name, founding.SerializeAsString(),
             founding_assignment.value});
      return {};
    }
    if (auto* how = std::get_if<JoinCluster>(&step)) {
      if (auto joined = join(*how)) return {};
    }
    std::unique_lock lock(state_mutex_);
    state_changed_.wait_for(lock, round_period, [this] { return identity_.cluster_id != 0; });
  }
  return fail(ReplyCode::connection_forced, "stopped before the cluster was formed");
}

// This node's own store first: should it die before the others hear, it tells them when it is back.
Result<void> Cluster::found(const std::vector<Founder>& nodes) {
  std::random_device random;
  const std::uint64_t cluster_id = (std::uint64_t{random()} << 32 | random()) | 1;
  auto founding = encode_founding(cluster_id, config_.cluster_name, nodes);
  for (const Founder& founder : nodes)
    if (founder.name == config_.self.name)
      adopt({cluster_id, founder.node.value, founder.name, founding.SerializeAsString(),
             founding_assignment.value});
  runtime::log_info("founding cluster {} of {} nodes", config_.cluster_name, nodes.size());
  for (const Founder& founder : nodes) {
    if (founder.name == config_.self.name) continue;
    auto stub = proto::Cluster::NewStub(open_channel(founder.address));
    grpc::ClientContext context;
    set_deadline(context, call_timeout);
    proto::FoundReply reply;
    auto status = stub->Found(&context, founding, &reply);
    if (!status.ok() || !reply.accepted())
      runtime::log_warning("{} did not take the founding: {}{}; it will ask", founder.name,
                           status.error_message(), reply.error());
  }
  return {};
}

Result<void> Cluster::join(const JoinCluster& how) {
  say_waiting("joining the cluster through " + how.address);
  auto reply = ask_to_enrol(how.address, register_request());
  if (!reply) return fail(ReplyCode::internal_error, "no answer");
  if (!reply->accepted()) {
    say_waiting("joining through " + how.address + ": " + reply->error());
    return fail(ReplyCode::internal_error, reply->error());
  }
  learn_addresses(*reply);
  auto founding = encode_founding(reply->cluster_id(), reply->cluster_name(), {});
  adopt({reply->cluster_id(), reply->node(), config_.self.name, founding.SerializeAsString(),
         reply->assigned()});
  return {};
}

// --- Registering

proto::RegisterRequest Cluster::register_request() const {
  std::lock_guard lock(state_mutex_);
  proto::RegisterRequest request;
  request.mutable_node()->set_name(config_.self.name);
  request.mutable_node()->set_node(identity_.node);
  request.mutable_node()->set_disk(storage_.identity.disk_id());
  request.mutable_node()->set_address(config_.self.address);
  request.set_cluster_id(identity_.cluster_id);
  return request;
}

// Follows the leader's address as far as it is told.
std::optional<proto::RegisterReply> Cluster::ask_to_enrol(const std::string& address,
                                                          const proto::RegisterRequest& request) {
  std::string next = address;
  std::optional<proto::RegisterReply> last;
  for (int hop = 0; hop < 3 && !next.empty(); ++hop) {
    auto stub = proto::Cluster::NewStub(open_channel(next));
    grpc::ClientContext context;
    set_deadline(context, enrol_timeout);
    proto::RegisterReply reply;
    if (!stub->Register(&context, request, &reply).ok()) return last;
    last = reply;
    if (reply.accepted()) return last;
    next = reply.leader_address();
  }
  return last;
}

// Until the catalog tells them: without a way back to its leader the catalog would never come.
void Cluster::learn_addresses(const proto::RegisterReply& reply) {
  std::vector<PeerAddress> addresses;
  for (const proto::NodeAddress& node : reply.nodes())
    addresses.push_back({NodeId(node.node()), node.address()});
  {
    std::lock_guard lock(catalog_mutex_);
    if (!peer_addresses_.empty()) return;
    peer_addresses_ = addresses;
  }
  if (lanes_up_) peers_->set_peers(addresses);
}

std::vector<std::string> Cluster::known_addresses() const {
  std::vector<std::string> addresses{config_.self.address};
  std::lock_guard lock(catalog_mutex_);
  for (const PeerAddress& peer : peer_addresses_)
    addresses.push_back(peer.address);
  for (const ConfiguredNode& node : config_.configured)
    if (node.name != config_.self.name) addresses.push_back(node.address);
  return addresses;
}

Result<SessionId> Cluster::enrol_self(const std::function<bool()>& keep_trying) {
  while (keep_trying()) {
    for (const std::string& address : known_addresses()) {
      auto reply = ask_to_enrol(address, register_request());
      if (reply && reply->accepted()) {
        learn_addresses(*reply);
        return SessionId{NodeId(reply->node()), Incarnation(reply->incarnation())};
      }
      if (reply) say_waiting("registering with the cluster: " + reply->error());
      if (!keep_trying()) break;
    }
    std::unique_lock lock(state_mutex_);
    state_changed_.wait_for(lock, round_period, [this] { return stopping_.load(); });
  }
  return fail(ReplyCode::connection_forced, "stopped before the node was registered");
}

// --- Lanes

KeeperConfig Cluster::keeper_config() const {
  proto::FoundRequest founding;
  founding.ParseFromString(identity_.founding);
  KeeperConfig keeper{NodeId(identity_.node),
                      DiskId(storage_.identity.disk_id()),
                      config_.lease,
                      config_.lease_renewal,
                      config_.dead_refused,
                      config_.dead_silent,
                      config_.operation_timeout,
                      {}};
  keeper.found.cluster_id = identity_.cluster_id;
  keeper.found.cluster_name = founding.cluster_name();
  keeper.found.queue_groups = config_.queue_groups;
  keeper.found.replicas = config_.replicas;
  keeper.found.test_placement = config_.test_placement;
  keeper.found.password_hash = config_.first_password_hash;
  keeper.found.first_user = config_.first_user;
  for (const Founder& founder : decode_founders(founding.nodes()))
    keeper.found.nodes.push_back({founder.name, founder.node, founder.disk, founder.address});
  return keeper;
}

Result<void> Cluster::start_lanes() {
  auto stored = storage::GroupLog::stored_groups(storage_.database);
  if (!stored) return fail(ReplyCode::internal_error, storage::text_of(stored.error()));
  const std::size_t count = reactors_.size();
  for (std::size_t i = 0; i < count; ++i) {
    runtime::Reactor& reactor = reactors_.at(i);
    stores_.push_back(std::make_unique<replica::DiskGroupStore>(
        storage_.database, storage_.committer, storage_.read_pool,
        [this, &reactor, i](std::function<void()> task) {
          reactor.post([this, i, task = std::move(task)] {
            task();
            lanes_[i]->wake();  // what was read, or has become durable, is waited for
          });
        },
        [this, i](std::uint64_t number) { lanes_[i]->on_written(number); },
        config_.log_cache_bytes / count));
    LaneConfig lane{config_.groups,
                    config_.client,
                    NodeId(identity_.node),
                    DiskId(storage_.identity.disk_id()),
                    i,
                    count,
                    storage_.database.may_lack_replicas()};
    lane.groups.host.cache_room =
        std::make_shared<replica::CacheRoom>(config_.entry_cache_bytes / count);
    lane.client.publish_room =
        std::make_shared<replica::PublishRoom>(config_.publish_bytes / count);
    lanes_.push_back(std::make_unique<Lane>(reactor, lane, *stores_[i], *this));
    doors_.push_back(std::make_unique<ReactorDoor>(reactor, i, count, *this));
    dead_letter_workers_.push_back(std::make_unique<DeadLetterWorker>(
        *doors_[i], [this, i](GroupId source, const std::vector<replica::DeadLetterAnswer>& told) {
          lanes_[i]->on_dead_letter_answers(source, told);
        }));
  }
  const auto founders = own_answer().founders;
  Lane& catalog_lane = lane_of(catalog_group);
  keeper_ = std::make_unique<CatalogKeeper>(catalog_lane, keeper_config(), *this);

  // Restoring is done on each group's own reactor; the first damage found is the answer.
  std::mutex mutex;
  std::condition_variable done;
  std::size_t left = count;
  Result<void> result;
  for (std::size_t i = 0; i < count; ++i) {
    reactors_.at(i).post([&, i] {
      Result<void> mine;
      bool has_catalog = false;
      for (raft::GroupId group : *stored) {
        if (Lane::index_of(GroupId(group.value), count) != i) continue;
        has_catalog |= group.value == catalog_group.value;
        auto loaded = stores_[i]->group_log().load(group);
        mine = loaded ? lanes_[i]->add_stored(*loaded)
                      : fail(ReplyCode::internal_error, storage::text_of(loaded.error()));
        if (!mine) break;
      }
      if (mine && !has_catalog && lanes_[i].get() == &catalog_lane)
        lanes_[i]->create_catalog({identity_.node, storage_.identity.disk_id(), identity_.assigned},
                                  founding_voters(founders));
      std::lock_guard lock(mutex);
      if (!mine && result) result = mine;
      if (--left == 0) done.notify_all();
    });
  }
  std::unique_lock lock(mutex);
  done.wait(lock, [&] { return left == 0; });
  return result;
}

}  // namespace warren::cluster
