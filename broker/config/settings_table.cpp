// The data of table.h: one row a setting, in the order in which an operator meets them.
#include <fmt/format.h>

#include <charconv>
#include <string>
#include <vector>

#include "broker/config/table.h"
#include "broker/config/values.h"

namespace warren::config {

namespace {

using S = Settings;
using Rows = std::vector<Setting>;
using Text = std::string_view;
constexpr std::uint64_t any = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t hour_ms = 3'600'000;

std::vector<std::string> words(Text value) {
  std::vector<std::string> out;
  while (!value.empty()) {
    const std::size_t comma = std::min(value.find(','), value.size());
    if (const Text word = trim(value.substr(0, comma)); !word.empty()) out.emplace_back(word);
    value.remove_prefix(std::min(comma + 1, value.size()));
  }
  return out;
}

// An Assign that parses an endpoint into `field`.
Assign endpoint_into(Endpoint S::* field, std::uint16_t default_port) {
  return [field, default_port](S& s, Text, Text value) -> std::string {
    auto endpoint = parse_endpoint(value, (s.*field).host, default_port);
    if (!endpoint) return endpoint.error();
    s.*field = *std::move(endpoint);
    return {};
  };
}

std::string assign_amqp_listener(S& s, Text name, Text value) {
  auto endpoint = parse_endpoint(value, "0.0.0.0", 0);
  if (!endpoint) return endpoint.error();
  s.amqp_listeners[std::string(name)] = *std::move(endpoint);
  s.amqp_listeners_off = false;
  return {};
}

std::string assign_node(S& s, Text number, Text value) {
  auto node = parse_node(value);
  if (!node) return node.error();
  s.nodes[*parse_number(number)] = *std::move(node);
  return {};
}

std::string assign_loopback_user(S& s, Text user, Text value) {
  const auto flag = parse_bool(value);
  if (!flag) return flag.error();
  std::erase(s.loopback_users, std::string(user));
  if (*flag) s.loopback_users.emplace_back(user);
  return {};
}

Assign text_into(std::string S::* where) {
  return [where](S& s, Text, Text value) -> std::string {
    if (value.empty()) return "a name is needed";
    s.*where = value;
    return {};
  };
}

std::string assign_user_tag(S& s, Text tag, Text value) {
  const auto flag = parse_bool(value);
  if (!flag) return flag.error();
  std::erase(s.default_user_tags, std::string(tag));
  if (*flag) s.default_user_tags.emplace_back(tag);
  return {};
}

std::string assign_memory_share(S& s, Text, Text value) {
  double share = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), share);
  if (error != std::errc{} || end != value.data() + value.size() || !(share > 0 && share <= 1))
    return fmt::format("'{}' is not a part of the memory: above 0, at most 1", value);
  s.memory_share = share;
  return {};
}

std::string assign_node_name(S& s, Text, Text value) {
  if (!is_node_name(value)) {
    return fmt::format("'{}' is not a node name: name@host, such as warren@localhost", value);
  }
  s.node_name = value;
  return {};
}

std::string only_none(Text value) {
  return value == "none" ? "" : fmt::format("'{}' is not allowed here: only none", value);
}

Rows node_rows() {
  return {
      {"node.name", Unit::text, Assign(assign_node_name),
       "This node's stable name, as in cluster_formation.classic_config", 0, any, "",
       "warren@<host name>"},
      {"data_dir", Unit::text, &S::data_dir, "Everything that must survive a restart lies here"},
      {"warren.reactors", Unit::none, &S::reactors,
       "Threads for connections and groups; 0 is one a core, at most 8", 0, 64},
      {"listeners.tcp.$name", Unit::port, Assign(assign_amqp_listener),
       "AMQP without TLS, at this port or address. The registered port by default", 0, any, "",
       "5672"},
      {"listeners.tcp", Unit::text, Assign([](S& s, Text, Text value) {
         s.amqp_listeners.clear();
         s.amqp_listeners_off = true;
         return only_none(value);
       }),
       "none: no AMQP without TLS", 0, any, "", ""},
      {"management.tcp.port", Unit::port, Assign([](S& s, Text, Text value) -> std::string {
         const auto port = parse_number(value);
         if (!port || *port > 65535) return fmt::format("'{}' is not a port (0 to 65535)", value);
         s.management.port = static_cast<std::uint16_t>(*port);
         return {};
       }),
       "HTTP API, which warrenctl uses too", 0, any, "", "15672"},
      {"management.tcp.ip", Unit::text, Assign([](S& s, Text, Text value) -> std::string {
         if (value.empty()) return "an address is needed";
         s.management.host = value;
         return {};
       }),
       "Its address. Loopback by default: it speaks no TLS yet", 0, any, "", "127.0.0.1"},
      {"management.enabled", Unit::flag, Assign([](S& s, Text, Text value) -> std::string {
         const auto flag = parse_bool(value);
         if (!flag) return flag.error();
         s.management_off = !*flag;
         return {};
       }),
       "Without it warrenctl cannot reach the node", 0, any, "", "true"},
  };
}

Rows cluster_rows() {
  return {
      {"cluster.listener", Unit::port, Assign(endpoint_into(&S::cluster_listener, 0)),
       "Where other nodes reach this one (gRPC)", 0, any, "", "0.0.0.0:25672"},
      {"cluster.address", Unit::port, Assign(endpoint_into(&S::cluster_address, 25672)),
       "host:port that other nodes are told; by default the host of node.name", 0, any, "", ""},
      {"cluster_name", Unit::text, &S::cluster_name,
       "Shown to clients; by default the founding node's name"},
      {"cluster_formation.peer_discovery_backend", Unit::choice,
       Assign([](S&, Text, Text value) -> std::string {
         if (value == "classic_config" || value == "rabbit_peer_discovery_classic_config")
           return {};
         return fmt::format("'{}' is not allowed here: only classic_config", value);
       }),
       "How the nodes of a new cluster find each other", 0, any, "classic_config",
       "classic_config"},
      {"cluster_formation.classic_config.nodes.$n", Unit::text, Assign(assign_node),
       "name@host[:port of its cluster.listener]. Without any the node is a cluster of one", 0, any,
       "", ""},
      {"warren.queue_groups", Unit::none, &S::queue_groups,
       "Raft groups that host queues, when the cluster is founded: about the cluster's cores", 1,
       1024},
      {"warren.replicas", Unit::none, &S::replicas,
       "Voters of a queue group, at most the nodes; 3 survive the loss of one", 1, 7},
      {"warren.force_found", Unit::flag, &S::force_found,
       "An operator's explicit order to found a cluster, on an empty disk, of those configured "
       "nodes "
       "that answer: others join later, and queue groups stay with the founders. Only when none of "
       "the others holds a cluster's data; take it back afterwards"},
      {"test.placement", Unit::flag, &S::test_placement,
       "Tests only: queues go round robin over groups, in the order of their declaration"},
  };
}

Rows user_rows() {
  return {
      {"default_user", Unit::text, Assign(text_into(&S::default_user)),
       "Made when the cluster is founded, with all permissions in default_vhost", 0, any, "",
       "guest"},
      {"default_pass", Unit::text, &S::default_pass, "Its password"},
      {"default_vhost", Unit::text, Assign(text_into(&S::default_vhost)),
       "Made when the cluster is founded", 0, any, "", "/"},
      {"default_user_tags.$name", Unit::flag, Assign(assign_user_tag), "Tags of default_user", 0,
       any, "", "administrator = true"},
      {"loopback_users.$name", Unit::flag, Assign(assign_loopback_user),
       "This user may connect from this machine only: its password is known to all", 0, any, "",
       "guest = true"},
      {"loopback_users", Unit::text, Assign([](S& s, Text, Text value) -> std::string {
         s.loopback_users = value == "none" ? std::vector<std::string>{} : words(value);
         return {};
       }),
       "none, or user names with commas between", 0, any, "", "guest"},
  };
}

Rows amqp_rows() {
  return {
      {"heartbeat", Unit::seconds, &S::heartbeat_s,
       "Proposed to clients, which may choose another; 0 is none", 0, 65535},
      {"frame_max", Unit::bytes, &S::frame_max,
       "Largest frame either side may send; larger ones gain nothing", 8192, 16777216},
      {"initial_frame_max", Unit::bytes, &S::initial_frame_max,
       "The same before tune-ok: who is not logged in gets little memory", 4096, 131072},
      {"channel_max", Unit::none, &S::channel_max, "Channels a connection", 1, 65535},
      {"max_message_size", Unit::bytes, &S::max_message_size,
       "A larger body closes the channel (406) once it has passed; it is not kept", 1, 536870912},
      {"handshake_timeout", Unit::milliseconds, &S::handshake_timeout,
       "From the first octet to connection.open", 100, hour_ms},
      {"channel_operation_timeout", Unit::milliseconds, &S::channel_operation_timeout,
       "A synchronous method that finds no leader for so long is answered 541", 100, hour_ms},
      {"publish.timeout_ms", Unit::milliseconds, &S::publish_timeout,
       "A publish that cannot be committed for so long is nacked", 100, hour_ms},
      {"consumer_timeout", Unit::milliseconds, &S::consumer_timeout,
       "A consumer that does not acknowledge for so long is cancelled, and what it holds goes back "
       "to its queue; 0 is never. Arguments x-consumer-timeout of queues and consumers come first",
       0, 86400000},
      {"warren.max_connections", Unit::none, &S::max_connections,
       "Connections to this node; who comes then is told so (530), and a few at a time at that", 1,
       1000000},
      {"product.name", Unit::text, &S::product, "Told to clients in server-properties"},
      {"product.version", Unit::text, &S::product_version, "Told to clients in server-properties"},
      {"rabbitmq_version", Unit::text, &S::rabbitmq_version,
       "The RabbitMQ level that the HTTP API implements; some clients insist on one"},
  };
}

Rows resource_rows() {
  return {
      {"vm_memory_high_watermark.absolute", Unit::bytes, &S::memory_limit,
       "Resident memory above which publishers are blocked; leaves room below 512 MiB", 67108864,
       any},
      {"vm_memory_high_watermark.relative", Unit::text, Assign(assign_memory_share),
       "The same as a part of this machine's memory, or of the container's: 0.4", 0, any, "", ""},
      {"disk_free_limit.absolute", Unit::bytes, &S::disk_free_limit,
       "Free disk below which publishers are blocked cluster-wide", 0, any},
      {"publish.window_bytes", Unit::bytes, &S::publish_window,
       "Undecided octets of this node towards one group; then reading stops", 65536, 1073741824},
      {"publish.node_window_bytes", Unit::bytes, &S::publish_room,
       "The same towards all groups together, shared evenly by its reactors", 1048576, 1073741824},
      {"publish.part_bytes", Unit::bytes, &S::publish_part,
       "A longer body is written in parts of this size, each a log entry of its own", 4096,
       67108864},
      {"connection.window_bytes", Unit::bytes, &S::connection_window,
       "Unsent octets to one socket; then deliveries to it pause", 65536, 1073741824},
      {"warren.entry_cache_bytes", Unit::bytes, &S::entry_cache,
       "Recent entries of all groups in memory, half for followers, half for consumers", 1048576,
       any},
      {"warren.snapshot_after_bytes", Unit::bytes, &S::snapshot_after,
       "Log of a group after which it makes a snapshot at the latest", 1048576, any},
      {"warren.snapshot_interval_ms", Unit::milliseconds, &S::snapshot_interval,
       "Or after so long, with anything settled", 100, hour_ms},
  };
}

Rows timing_rows() {
  constexpr Unit ms = Unit::milliseconds;
  return {
      {"raft.heartbeat_interval_ms", ms, &S::raft_heartbeat_interval,
       "A tenth of the election timeout: several may be lost", 5, 10000},
      {"raft.election_timeout_min_ms", ms, &S::raft_election_timeout_min,
       "Silence after which a leader is thought gone; random between min and max", 20, 60000},
      {"raft.election_timeout_max_ms", ms, &S::raft_election_timeout_max, "See min", 20, 60000},
      {"raft.reset_jitter_min_ms", ms, &S::raft_reset_jitter_min,
       "Wait before the pre-vote after the stream to the leader was reset", 0, 10000},
      {"raft.reset_jitter_max_ms", ms, &S::raft_reset_jitter_max, "See min", 1, 10000},
      {"routing.lease_ms", ms, &S::routing_lease,
       "A node routes only so long on what it knows; at least the renewal plus an election", 100,
       60000},
      {"routing.lease_renewal_ms", ms, &S::routing_lease_renewal, "How often it asks", 10, 30000},
      {"attach.grace_ms", ms, &S::attach_grace,
       "How long a lost stream's consumers keep what they hold", 0, 60000},
      {"node.dead_timeout_refused_ms", ms, &S::dead_timeout_refused,
       "A node whose host refuses connections for so long is dead: its exclusive queues go", 100,
       hour_ms},
      {"node.dead_timeout_silent_ms", ms, &S::dead_timeout_silent,
       "The same for a node that says nothing: longer, since it may only be out of reach", 100,
       hour_ms},
      {"warren.shutdown_timeout_ms", ms, &S::shutdown_timeout,
       "After SIGTERM: half for handing over leaderships while clients are served, half for their "
       "goodbye",
       0, hour_ms},
  };
}

Rows log_rows() {
  constexpr const char* levels = "debug|info|warning|error|critical|none";
  return {
      {"log.console", Unit::flag, &S::log_console, "Log to standard error"},
      {"log.console.level", Unit::choice, &S::log_level, "Least level that is logged", 0, any,
       levels},
      {"log.file", Unit::text, &S::log_file, "Log to this file as well; empty or false: to none"},
      {"log.file.level", Unit::choice, &S::log_file_level, "Least level in the file", 0, any,
       levels},
  };
}

Rows make_table() {
  Rows all;
  for (Rows& rows : std::vector<Rows>{node_rows(), cluster_rows(), user_rows(), amqp_rows(),
                                      resource_rows(), timing_rows(), log_rows()}) {
    for (Setting& row : rows)
      all.push_back(std::move(row));
  }
  return all;
}

}  // namespace

std::span<const Setting> all_settings() {
  static const Rows table = make_table();
  return table;
}

}  // namespace warren::config
