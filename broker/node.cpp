#include "broker/node.h"

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

#include "broker/auth/password.h"
#include "broker/runtime/log.h"
#include "broker/runtime/resources.h"
#include "broker/runtime/system_clock.h"
#include "broker/store_options.h"

namespace warren {

namespace {

// One a core; more only wait for each other.
constexpr std::size_t max_reactors = 8;

std::size_t reactor_count(const config::Settings& settings) {
  if (settings.reactors != 0) return settings.reactors;
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, max_reactors);
}

std::uint32_t ticks(Milliseconds time) {
  return static_cast<std::uint32_t>(std::max<std::int64_t>(1, time.count() / 10));
}

raft::Config raft_config(const config::Settings& settings) {
  raft::Config config;
  config.heartbeat_ticks = ticks(settings.raft_heartbeat_interval);
  config.election_min_ticks = ticks(settings.raft_election_timeout_min);
  config.election_max_ticks = ticks(settings.raft_election_timeout_max);
  config.reset_jitter_min_ticks = ticks(settings.raft_reset_jitter_min);
  config.reset_jitter_max_ticks = ticks(settings.raft_reset_jitter_max);
  // The store keeps recent entries within the node's bound: the core needs few of its own.
  config.max_cached_bytes = 256u << 10;
  config.max_inflight_bytes = 4u << 20;
  std::random_device random;
  config.seed = std::uint64_t{random()} << 32 | random();
  return config;
}

cluster::ClusterConfig cluster_config(const config::Settings& settings) {
  cluster::ClusterConfig config;
  config.self = {settings.node_name, settings.cluster_address.text()};
  config.listen_address = settings.cluster_listener.text();
  for (const auto& [number, node] : settings.nodes)
    config.configured.push_back({node.name, node.cluster.text()});
  config.cluster_name = settings.cluster_name.empty() ? settings.node_name : settings.cluster_name;
  config.queue_groups = static_cast<std::uint32_t>(settings.queue_groups);
  config.replicas = static_cast<std::uint32_t>(settings.replicas);
  config.force_found = settings.force_found;
  config.test_placement = settings.test_placement;
  config.first_user = {settings.default_user, settings.default_user_tags, settings.default_vhost};
  config.first_password_hash = auth::hash_password(settings.default_pass);
  config.groups.raft = raft_config(settings);
  config.groups.boot_id = runtime::boot_id();
  config.groups.host.dispatcher.attach_grace = settings.attach_grace;
  // Half for consumers, half for followers; a leader's records are mostly the same octets.
  config.entry_cache_bytes = config.log_cache_bytes = settings.entry_cache / 2;
  config.publish_bytes = settings.publish_room;
  config.groups.snapshot_log_bytes = settings.snapshot_after;
  config.groups.snapshot_interval = settings.snapshot_interval;
  config.client.publish_timeout = settings.publish_timeout;
  config.client.request_timeout = settings.channel_operation_timeout;
  config.client.undecided_bytes = settings.publish_window;
  config.lease = settings.routing_lease;
  config.lease_renewal = settings.routing_lease_renewal;
  config.dead_refused = settings.dead_timeout_refused;
  config.dead_silent = settings.dead_timeout_silent;
  config.operation_timeout = settings.channel_operation_timeout;
  config.hand_over_timeout = settings.shutdown_timeout / 2;
  return config;
}

// A small machine or container has less than the default allows.
config::Settings with_memory_limit(config::Settings settings) {
  const auto memory = static_cast<double>(runtime::memory_octets());
  if (settings.memory_share > 0)
    settings.memory_limit = static_cast<std::uint64_t>(settings.memory_share * memory);
  else if (memory > 0)
    settings.memory_limit =
        std::min(settings.memory_limit, static_cast<std::uint64_t>(0.6 * memory));
  return settings;
}

frontend::Settings front_end_settings(const config::Settings& settings) {
  frontend::Settings front_end;
  front_end.listeners.clear();
  for (const auto& [name, endpoint] : settings.amqp_listeners)
    front_end.listeners.push_back({endpoint.host, endpoint.port});
  front_end.frame_max = static_cast<std::uint32_t>(settings.frame_max);
  front_end.initial_frame_max = static_cast<std::uint32_t>(settings.initial_frame_max);
  front_end.channel_max = static_cast<std::uint16_t>(settings.channel_max);
  front_end.connection_max = static_cast<std::uint32_t>(settings.max_connections);
  front_end.heartbeat_seconds = static_cast<std::uint16_t>(settings.heartbeat_s);
  front_end.handshake_timeout = settings.handshake_timeout;
  front_end.publish_timeout = settings.publish_timeout;
  front_end.consumer_timeout = settings.consumer_timeout;
  front_end.max_message_size = settings.max_message_size;
  front_end.body_part_octets = settings.publish_part;
  front_end.output_octets = settings.connection_window;
  front_end.loopback_users = settings.loopback_users;
  front_end.product = settings.product;
  front_end.version = settings.product_version;
  return front_end;
}

}  // namespace

// Users and their passwords are definitions; who may come from where is the front end's rule.
class Node::CatalogAuthenticator final : public frontend::Authenticator {
 public:
  Result<frontend::User> authenticate(const catalog::Snapshot& catalog,
                                      const frontend::Credentials& credentials,
                                      std::string_view) override {
    const auto* user = catalog.user(credentials.user);
    if (!user) return fail(ReplyCode::access_refused, "no user '" + credentials.user + "'");
    if (!auth::verify_password(credentials.password, user->password_hash, user->hashing_algorithm))
      return fail(ReplyCode::access_refused, "wrong password of user '" + credentials.user + "'");
    return frontend::User{user->name, user->tags};
  }
};

Node::Node(config::Settings settings) : settings_(with_memory_limit(std::move(settings))) {}

Node::~Node() {
  stop();
}

Result<void> Node::open_storage() {
  std::error_code error;
  std::filesystem::create_directories(settings_.data_dir, error);
  if (error)
    return fail(ReplyCode::internal_error, "cannot make the data directory " + settings_.data_dir +
                                               ": " + error.message() + " (set data_dir)");
  auto database = storage::Database::open(settings_.data_dir + "/store", store_options());
  if (!database) return fail(ReplyCode::internal_error, storage::text_of(database.error()));
  database_ = std::move(*database);
  committer_ = std::make_unique<storage::Committer>(*database_);
  read_pool_ = std::make_unique<storage::ReadPool>(*database_);
  auto identity = storage::Identity::load(*database_, *committer_);
  if (!identity) return fail(ReplyCode::internal_error, storage::text_of(identity.error()));
  identity_ = std::make_unique<storage::Identity>(std::move(*identity));
  if (identity_->node() && identity_->node()->name != settings_.node_name)
    return fail(ReplyCode::internal_error, settings_.data_dir + " belongs to node " +
                                               identity_->node()->name + ", not to " +
                                               settings_.node_name + ": set node.name or data_dir");
  if (database_->tail_was_torn())
    runtime::log_warning(
        "the store's last write was cut short by a crash; what it held was never "
        "promised, or a leader has it");
  return {};
}

Result<void> Node::open_management() {
  if (settings_.management_off) return {};
  management::ServerOptions options;
  options.host = settings_.management.host;
  options.port = settings_.management.port;
  auto server = management::Server::listen(reactors_->at(0), *inspector_, options);
  if (!server) return fail(ReplyCode::internal_error, server.error());
  management_ = std::move(*server);
  return {};
}

Result<void> Node::open_front_end() {
  if (settings_.amqp_listeners_off) return {};
  std::vector<frontend::ListenerGroup::Part> parts;
  for (std::size_t i = 0; i < reactors_->size(); ++i)
    parts.push_back({reactors_->at(i), cluster_->door(i)});
  authenticator_ = std::make_unique<CatalogAuthenticator>();
  auto group = frontend::ListenerGroup::open(parts, front_end_settings(settings_), *authenticator_);
  if (!group) return std::unexpected(group.error());
  front_end_ = std::move(*group);
  inspector_->set_front_end(front_end_);
  resource_watch_ = ResourceWatch::start(reactors_->at(0), settings_, *inspector_, front_end_);
  return {};
}

Result<void> Node::start(const std::atomic<bool>& stopping) {
  runtime::log_info("node {} starts; data in {}", settings_.node_name, settings_.data_dir);
  if (auto opened = open_storage(); !opened) return opened;
  reactors_ = std::make_unique<runtime::ReactorPool>("reactor", reactor_count(settings_));
  cluster_ = std::make_unique<cluster::Cluster>(
      cluster_config(settings_),
      cluster::ClusterStorage{*database_, *committer_, *read_pool_, *identity_}, *reactors_);
  inspector_ = std::make_unique<NodeInspector>(settings_, *cluster_);
  if (auto opened = open_management(); !opened) return opened;
  if (auto started = cluster_->start([&stopping] { return !stopping.load(); }); !started)
    return started;
  if (auto opened = open_front_end(); !opened) return opened;
  runtime::log_info("node {} serves clients", settings_.node_name);
  return {};
}

void Node::stop() {
  // While clients are served: the others lead by the time that these look for another node.
  if (cluster_) cluster_->hand_over();
  if (resource_watch_) resource_watch_->stop();
  if (front_end_) {
    inspector_->set_front_end(nullptr);
    // Shared: connections that take longer tell it when nobody waits any more.
    struct Waiting {
      std::mutex mutex;
      std::condition_variable changed;
      bool gone = false;
    };
    auto waiting = std::make_shared<Waiting>();
    front_end_->stop([waiting] {
      std::lock_guard lock(waiting->mutex);
      waiting->gone = true;
      waiting->changed.notify_all();
    });
    std::unique_lock lock(waiting->mutex);
    waiting->changed.wait_for(lock, settings_.shutdown_timeout / 2, [&] { return waiting->gone; });
  }
  if (cluster_) cluster_->stop();
  if (management_) management_->stop();
  if (reactors_) reactors_->stop();
  resource_watch_.reset();
  front_end_.reset();
  management_.reset();
  inspector_.reset();
  cluster_.reset();
  reactors_.reset();
  identity_.reset();
  read_pool_.reset();
  committer_.reset();
  database_.reset();
}

}  // namespace warren
