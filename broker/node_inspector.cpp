#include "broker/node_inspector.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <utility>

#include "broker/auth/password.h"
#include "broker/catalog/queue_settings.h"
#include "broker/client_rows.h"
#include "broker/cluster/gather.h"
#include "broker/inspect/row_codec.h"
#include "broker/runtime/resources.h"
#include "broker/runtime/system_clock.h"

namespace warren {

namespace {

inspect::Arguments arguments_of(const catalog::Arguments& arguments) {
  inspect::Arguments out;
  for (const auto& argument : arguments)
    out.push_back({argument.name, argument.type, argument.value});
  return out;
}

bool in_vhost(const std::string& wanted, const std::string& vhost) {
  return wanted.empty() || wanted == vhost;
}

std::uint64_t open_files() {
  std::uint64_t count = 0;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word)
    if (word == "FDSize:") status >> count;
  return std::min<std::uint64_t>(count, limit.rlim_cur);
}

}  // namespace

NodeInspector::NodeInspector(const config::Settings& settings, cluster::Cluster& cluster)
    : settings_(settings), cluster_(cluster), started_ms_(runtime::wall_ms_now()) {
  cluster_.set_local_rows([this](std::string kind, std::function<void(std::string)> done) {
    local_rows(kind, std::move(done));
  });
}

void NodeInspector::set_front_end(std::shared_ptr<frontend::ListenerGroup> front_end) {
  std::lock_guard lock(mutex_);
  front_end_ = std::move(front_end);
}

std::shared_ptr<frontend::ListenerGroup> NodeInspector::front_end() const {
  std::lock_guard lock(mutex_);
  return front_end_;
}

// --- What this node tells others

void NodeInspector::local_rows(const std::string& kind, std::function<void(std::string)> done) {
  auto answer = [done](auto rows) { done(inspect::encode_rows(rows)); };
  auto& lanes = cluster_.lanes();
  if (kind == "tallies") {
    cluster::gather<QueueTally>(lanes, [this](auto& lane) { return tallies_of(lane); }, answer);
  } else if (kind == "active_consumers") {
    cluster::gather<ActiveConsumer>(
        lanes, [this](auto& lane) { return active_consumers_of(lane); }, answer);
  } else if (kind == "groups") {
    cluster::gather<inspect::Group>(lanes, [this](auto& lane) { return groups_of(lane); }, answer);
  } else if (kind == "digests") {
    cluster::gather<inspect::GroupDigest>(
        lanes, [this](auto& lane) { return digests_of(lane); }, answer);
  } else if (kind == "node") {
    done(inspect::encode_rows(std::vector{self()}));
  } else {
    local_clients(kind, std::move(done));
  }
}

void NodeInspector::local_clients(const std::string& kind, std::function<void(std::string)> done) {
  auto front_end = this->front_end();
  if (!front_end) return done("");
  front_end->collect([node = settings_.node_name, kind,
                      done = std::move(done)](std::vector<frontend::ConnectionListing> listings) {
    std::vector<inspect::Connection> connections;
    std::vector<inspect::Channel> channels;
    std::vector<inspect::Consumer> consumers;
    for (const auto& connection : listings) {
      connections.push_back(row_of(connection, node));
      for (const auto& channel : connection.channels) {
        channels.push_back(row_of(connection, channel, node));
        for (const auto& consumer : channel.consumers)
          consumers.push_back(row_of(connection, channel, consumer, node));
      }
    }
    if (kind == "connections")
      done(inspect::encode_rows(connections));
    else if (kind == "channels")
      done(inspect::encode_rows(channels));
    else
      done(inspect::encode_rows(consumers));
  });
}

std::vector<QueueTally> NodeInspector::tallies_of(cluster::Lane& lane) const {
  std::vector<QueueTally> tallies;
  auto catalog = cluster_.catalog();
  if (!catalog) return tallies;
  const replica::LocalGroup* local = lane.local();
  catalog->for_each_queue([&](const catalog::QueueInfo& queue) {
    std::optional<queue::QueueCounts> counts;
    if (local && queue.group == local->id())
      counts = local->host().dispatcher().counts(queue.id);
    else if (!is_local(queue.group) && lane.groups().leads(queue.group))
      counts = lane.groups().counts(queue.group, queue.id);
    if (counts)
      tallies.push_back({queue.id, settings_.node_name, counts->ready, counts->unacknowledged,
                         counts->consumers, counts->ready_bytes, counts->delayed});
  });
  return tallies;
}

std::vector<ActiveConsumer> NodeInspector::active_consumers_of(cluster::Lane& lane) const {
  std::vector<ActiveConsumer> rows;
  auto catalog = cluster_.catalog();
  if (!catalog) return rows;
  const replica::LocalGroup* local = lane.local();
  catalog->for_each_queue([&](const catalog::QueueInfo& queue) {
    const replica::QueueHost* host = local && queue.group == local->id()
                                         ? &local->host()
                                         : lane.groups().queue_host(queue.group);
    if (host == nullptr || !catalog::queue_settings(queue).single_active) return;
    host->dispatcher().for_each_consumer(
        queue.id, [&](SessionId session, const queue::Consumer& consumer, bool active) {
          const catalog::NodeInfo* node = catalog->node(session.node);
          if (active && node != nullptr)
            rows.push_back({queue.vhost, queue.name, node->name, consumer.number});
        });
  });
  return rows;
}

std::vector<inspect::Group> NodeInspector::groups_of(cluster::Lane& lane) const {
  std::vector<inspect::Group> rows;
  auto catalog = cluster_.catalog();
  for (const auto& listing : lane.groups().listing()) {
    inspect::Group row;
    row.id = listing.group;
    row.kind = listing.group == catalog_group ? "catalog" : "queues";
    auto name_of = [&](std::uint32_t node) {
      const auto* info = catalog ? catalog->node(NodeId(node)) : nullptr;
      return info ? info->name : std::string();
    };
    row.leader = name_of(listing.status.leader.node);
    row.term = listing.status.term.value;
    row.first_entry = listing.first.value;
    row.commit = listing.status.commit.value;
    row.applied = listing.status.applied.value;
    row.queues = listing.queues;
    // The leader's own view counts; a member that does not lead knows only who belongs.
    row.last_entry = std::max(row.commit, listing.status.last.value);
    if (listing.status.is_leader)
      row.members.push_back({NodeId(listing.status.leader.node), row.leader, true, true,
                             listing.status.durable.value});
    for (const auto& member : listing.progress) {
      if (member.member == listing.status.leader) continue;
      const bool online = member.recently_active;
      row.members.push_back({NodeId(member.member.node), name_of(member.member.node), member.voter,
                             online, member.match.value});
      if (online && member.match.value < row.commit)
        row.lag = std::max(row.lag, row.commit - member.match.value);
    }
    std::ranges::sort(row.members, {}, &inspect::GroupMember::node);
    if (!listing.status.is_leader)
      for (raft::MemberId member : listing.status.configuration.voters)
        row.members.push_back({NodeId(member.node), name_of(member.node), true, false, 0});
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<inspect::GroupDigest> NodeInspector::digests_of(cluster::Lane& lane) const {
  std::vector<inspect::GroupDigest> rows;
  for (const auto& listing : lane.groups().listing()) {
    const replica::GroupState* state = lane.groups().queue_state(listing.group);
    if (!state) state = lane.groups().catalog_state();
    rows.push_back({listing.group, settings_.node_name, state->applied().value, state->digest()});
  }
  return rows;
}

inspect::Node NodeInspector::self() const {
  inspect::Node row;
  row.id = cluster_.self();
  row.name = settings_.node_name;
  row.running = true;
  row.version = settings_.product_version;
  row.os_pid = static_cast<std::uint64_t>(getpid());
  row.uptime_ms = runtime::wall_ms_now() - started_ms_;
  row.memory_used = runtime::resident_octets();
  row.memory_limit = settings_.memory_limit;
  row.disk_free_limit = settings_.disk_free_limit;
  row.disk_free = runtime::free_disk_octets(settings_.data_dir);
  row.memory_alarm = memory_alarm_;
  row.disk_alarm = disk_alarm_;
  row.fd_used = open_files();
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  row.fd_total = limit.rlim_cur;
  row.processors = static_cast<std::uint64_t>(sysconf(_SC_NPROCESSORS_ONLN));
  return row;
}

template <typename Row>
void NodeInspector::gather(const std::string& kind, std::function<void(std::vector<Row>)> done) {
  if (!cluster_.catalog()) return done({});
  cluster_.gather_rows(kind, [done = std::move(done)](std::vector<std::string> answers) {
    std::vector<Row> rows;
    for (const std::string& answer : answers) {
      auto more = inspect::decode_rows<Row>(answer);
      std::move(more.begin(), more.end(), std::back_inserter(rows));
    }
    done(std::move(rows));
  });
}

// --- Listings of the cluster

void NodeInspector::collect(const std::string& vhost, inspect::Done<inspect::Queue> done) {
  auto shared = std::make_shared<inspect::Done<inspect::Queue>>(std::move(done));
  gather<QueueTally>("tallies", [this, vhost, shared](std::vector<QueueTally> tallies) {
    std::map<QueueId, QueueTally> by_queue;
    for (QueueTally& tally : tallies)
      by_queue[tally.queue] = std::move(tally);
    std::vector<inspect::Queue> rows;
    auto catalog = cluster_.catalog();
    std::set<NodeId> up;
    for (NodeId node : cluster_.reachable_nodes())
      up.insert(node);
    if (catalog)
      catalog->for_each_queue([&](const catalog::QueueInfo& info) {
        if (!in_vhost(vhost, info.vhost)) return;
        inspect::Queue row;
        row.vhost = info.vhost;
        row.name = info.name;
        row.durable = info.durable;
        row.exclusive = info.exclusive;
        row.auto_delete = info.auto_delete;
        row.arguments = arguments_of(info.arguments);
        row.id = info.id;
        row.group = info.group;
        auto add_member = [&](NodeId id) {
          const auto* node = catalog->node(id);
          if (!node) return;
          row.members.push_back(node->name);
          if (up.contains(id)) row.online.push_back(node->name);
        };
        if (is_local(info.group))
          add_member(node_of_local(info.group));
        else if (const auto* group = catalog->group(info.group))
          for (const auto& member : group->desired)
            add_member(member.node);
        auto tally = by_queue.find(info.id);
        row.state = tally != by_queue.end()                       ? "running"
                    : row.online.size() * 2 <= row.members.size() ? "minority"
                                                                  : "down";
        if (tally != by_queue.end()) {
          row.node = tally->second.node;
          row.counted = true;
          row.messages_ready = tally->second.ready;
          row.messages_unacknowledged = tally->second.unacknowledged;
          row.consumers = tally->second.consumers;
          row.message_bytes = tally->second.bytes;
          row.messages_delayed = tally->second.delayed;
        }
        rows.push_back(std::move(row));
      });
    (*shared)(std::move(rows));
  });
}

void NodeInspector::collect(const std::string& vhost, inspect::Done<inspect::Exchange> done) {
  std::vector<inspect::Exchange> rows;
  if (auto catalog = cluster_.catalog())
    catalog->for_each_exchange([&](const catalog::ExchangeInfo& info) {
      if (in_vhost(vhost, info.vhost))
        rows.push_back({info.vhost, info.name, info.type, info.durable, info.auto_delete,
                        info.internal, arguments_of(info.arguments)});
    });
  done(std::move(rows));
}

void NodeInspector::collect(const std::string& vhost, inspect::Done<inspect::Binding> done) {
  std::vector<inspect::Binding> rows;
  if (auto catalog = cluster_.catalog()) {
    // Every queue is bound to the default exchange by its name.
    catalog->for_each_queue([&](const catalog::QueueInfo& info) {
      if (in_vhost(vhost, info.vhost))
        rows.push_back({info.vhost, "", info.name, false, info.name, {}});
    });
    catalog->for_each_binding([&](const catalog::BindingInfo& info) {
      if (in_vhost(vhost, info.vhost))
        rows.push_back({info.vhost, info.source, info.destination,
                        info.kind == catalog::DestinationKind::exchange, info.routing_key,
                        arguments_of(info.arguments)});
    });
  }
  done(std::move(rows));
}

namespace {

// Nobody is active of a queue with a single active consumer until its leader says who. False: there
// is none.
bool await_leaders(const catalog::Snapshot& catalog, std::vector<inspect::Consumer>& rows) {
  bool found = false;
  for (inspect::Consumer& row : rows) {
    const catalog::QueueInfo* queue = catalog.queue(row.vhost, row.queue);
    if (queue == nullptr || !catalog::queue_settings(*queue).single_active) continue;
    row.active = false;
    row.activity_status = "waiting";
    found = true;
  }
  return found;
}

void mark_active(std::vector<inspect::Consumer>& rows, const std::set<ActiveConsumer>& active) {
  for (inspect::Consumer& row : rows) {
    if (!active.contains({row.vhost, row.queue, row.node, row.number})) continue;
    row.active = true;
    row.activity_status = "single_active";
  }
}

template <typename Row>
auto only_in(std::string vhost, inspect::Done<Row> done) {
  auto shared = std::make_shared<inspect::Done<Row>>(std::move(done));
  return [vhost = std::move(vhost), shared](std::vector<Row> rows) {
    std::erase_if(rows, [&](const Row& row) { return !in_vhost(vhost, row.vhost); });
    (*shared)(std::move(rows));
  };
}

}  // namespace

void NodeInspector::collect(const std::string& vhost, inspect::Done<inspect::Connection> done) {
  gather<inspect::Connection>("connections", only_in(vhost, std::move(done)));
}
void NodeInspector::collect(const std::string& vhost, inspect::Done<inspect::Channel> done) {
  gather<inspect::Channel>("channels", only_in(vhost, std::move(done)));
}

// Which one of several is active only the leader of their queue knows: it is asked if need be.
void NodeInspector::collect(const std::string& vhost, inspect::Done<inspect::Consumer> done) {
  auto tell = [this, done = std::move(done)](std::vector<inspect::Consumer> rows) mutable {
    const auto catalog = cluster_.catalog();
    if (!catalog || !await_leaders(*catalog, rows)) return done(std::move(rows));
    auto shared = std::make_shared<inspect::Done<inspect::Consumer>>(std::move(done));
    gather<ActiveConsumer>("active_consumers", [shared, rows = std::move(rows)](
                                                   std::vector<ActiveConsumer> active) mutable {
      mark_active(rows, {active.begin(), active.end()});
      (*shared)(std::move(rows));
    });
  };
  gather<inspect::Consumer>("consumers", only_in<inspect::Consumer>(vhost, std::move(tell)));
}

void NodeInspector::collect(const std::string& vhost, inspect::Done<inspect::Permission> done) {
  std::vector<inspect::Permission> rows;
  if (auto catalog = cluster_.catalog())
    catalog->for_each_permission([&](const catalog::PermissionInfo& info) {
      if (in_vhost(vhost, info.vhost))
        rows.push_back({info.user, info.vhost, info.configure, info.write, info.read});
    });
  done(std::move(rows));
}

void NodeInspector::collect(const std::string&, inspect::Done<inspect::Vhost> done) {
  std::vector<inspect::Vhost> rows;
  if (auto catalog = cluster_.catalog())
    catalog->for_each_vhost(
        [&](const catalog::VhostInfo& info) { rows.push_back({info.name, info.description}); });
  done(std::move(rows));
}

void NodeInspector::collect(const std::string&, inspect::Done<inspect::User> done) {
  std::vector<inspect::User> rows;
  if (auto catalog = cluster_.catalog())
    catalog->for_each_user([&](const catalog::UserInfo& info) {
      rows.push_back({info.name, info.password_hash, info.hashing_algorithm, info.tags});
    });
  done(std::move(rows));
}

void NodeInspector::collect(const std::string&, inspect::Done<inspect::Node> done) {
  auto shared = std::make_shared<inspect::Done<inspect::Node>>(std::move(done));
  gather<inspect::Node>("node", [this, shared](std::vector<inspect::Node> running) {
    std::vector<inspect::Node> rows;
    if (auto catalog = cluster_.catalog())
      catalog->for_each_node([&](const catalog::NodeInfo& info) {
        auto it = std::ranges::find(running, info.id, &inspect::Node::id);
        inspect::Node row = it == running.end() ? inspect::Node() : *it;
        row.id = info.id;
        row.name = info.name;
        row.address = info.address;
        row.disk = info.disk;
        row.incarnation = info.incarnation;
        row.dead = info.dead;
        rows.push_back(std::move(row));
      });
    (*shared)(std::move(rows));
  });
}

void NodeInspector::collect(const std::string&, inspect::Done<inspect::Group> done) {
  auto shared = std::make_shared<inspect::Done<inspect::Group>>(std::move(done));
  gather<inspect::Group>("groups", [shared](std::vector<inspect::Group> views) {
    // One row a group: the view of the member in the newest term that knows most.
    std::map<GroupId, inspect::Group> best;
    for (inspect::Group& view : views) {
      auto [it, is_new] = best.try_emplace(view.id, view);
      auto rank = [](const inspect::Group& g) {
        const bool leads = std::ranges::any_of(g.members, &inspect::GroupMember::online);
        return std::tuple(leads, g.term, g.commit);
      };
      if (!is_new && rank(view) > rank(it->second)) it->second = std::move(view);
    }
    std::vector<inspect::Group> rows;
    for (auto& [id, group] : best)
      rows.push_back(std::move(group));
    (*shared)(std::move(rows));
  });
}

void NodeInspector::collect(const std::string&, inspect::Done<inspect::GroupDigest> done) {
  auto shared = std::make_shared<inspect::Done<inspect::GroupDigest>>(std::move(done));
  gather<inspect::GroupDigest>("digests", [shared](auto rows) { (*shared)(std::move(rows)); });
}

void NodeInspector::status(std::move_only_function<void(inspect::Status)> done) {
  inspect::Status status;
  status.node = settings_.node_name;
  status.version = settings_.product_version;
  status.rabbitmq_version = settings_.rabbitmq_version;
  status.data_dir = settings_.data_dir;
  status.log_file = settings_.log_file;
  status.serving = cluster_.serving() && front_end() != nullptr;
  if (!status.serving) status.not_serving_reason = cluster_.waiting_for();
  auto catalog = cluster_.catalog();
  if (catalog) {
    status.cluster_name = catalog->cluster_name();
    status.cluster_id = catalog->cluster_id();
    status.queues = catalog->queue_count();
    status.exchanges = catalog->exchange_count();
  }
  for (const auto& [name, endpoint] : settings_.amqp_listeners)
    status.listeners.push_back({status.node, "amqp", endpoint.host, endpoint.port});
  status.listeners.push_back({status.node, "clustering", settings_.cluster_listener.host,
                              settings_.cluster_listener.port});
  if (!settings_.management_off)
    status.listeners.push_back(
        {status.node, "http", settings_.management.host, settings_.management.port});
  status.self = self();
  status.alarms = alarm_texts();
  auto shared = std::make_shared<std::move_only_function<void(inspect::Status)>>(std::move(done));
  if (!status.serving) return (*shared)(std::move(status));
  gather<QueueTally>("tallies", [this, shared, status](std::vector<QueueTally> tallies) mutable {
    for (const QueueTally& tally : tallies) {
      status.messages_ready += tally.ready;
      status.messages_unacknowledged += tally.unacknowledged;
      status.messages_delayed += tally.delayed;
      status.consumers += tally.consumers;
    }
    gather<inspect::Connection>(
        "connections", [shared, status](std::vector<inspect::Connection> connections) mutable {
          status.connections = connections.size();
          for (const auto& connection : connections)
            status.channels += connection.channels;
          (*shared)(std::move(status));
        });
  });
}

std::optional<inspect::Login> NodeInspector::login(const std::string& user,
                                                   const std::string& password, bool loopback) {
  auto catalog = cluster_.catalog();
  const auto* known = catalog ? catalog->user(user) : nullptr;
  if (!known || (!loopback && settings_.is_loopback_user(user))) return std::nullopt;
  if (!auth::verify_password(password, known->password_hash, known->hashing_algorithm))
    return std::nullopt;
  return inspect::Login{known->name, known->tags};
}

}  // namespace warren
