// Settings: everything an operator can choose, with its default, as plain values. Read once at
// startup from warren.conf, the environment and flags (see load.h), then never changed.
// Key names are RabbitMQ's wherever it has the setting. Pure values: any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "broker/base/clock.h"

namespace warren::config {

struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
  bool operator==(const Endpoint&) const = default;
  // "host:port", with an IPv6 host in brackets.
  std::string text() const;
};

// cluster_formation.classic_config.nodes.N = warren1@10.0.0.1:25672
struct ConfiguredNode {
  std::string name;  // "warren1@10.0.0.1"
  Endpoint cluster;  // where its cluster port is
  bool operator==(const ConfiguredNode&) const = default;
};

struct Settings {
  // The node and its place.
  std::string node_name;  // empty: warren@<host name>, filled in by load
  std::string data_dir = "/var/lib/warren";
  std::uint64_t reactors = 0;  // 0: one a core, at most 8

  // Listeners. By name, as RabbitMQ: listeners.tcp.default = 5672.
  std::map<std::string, Endpoint> amqp_listeners;  // empty: [::]:5672, filled in by load
  bool amqp_listeners_off = false;                 // listeners.tcp = none
  Endpoint management{"127.0.0.1", 15672};
  bool management_off = false;
  Endpoint cluster_listener{"0.0.0.0", 25672};
  Endpoint cluster_address;  // advertised to other nodes; empty: from node.name, filled in by load

  // Cluster.
  std::string cluster_name;  // empty: the founding node's name
  std::map<std::uint64_t, ConfiguredNode> nodes;
  std::uint64_t queue_groups = 8;
  std::uint64_t replicas = 3;
  bool force_found = false;
  bool test_placement = false;

  // Users.
  std::string default_user = "guest";
  std::string default_pass = "guest";
  std::string default_vhost = "/";
  std::vector<std::string> default_user_tags = {"administrator"};
  std::vector<std::string> loopback_users = {"guest"};

  // AMQP.
  std::uint64_t heartbeat_s = 60;
  std::uint64_t frame_max = 131072;
  std::uint64_t initial_frame_max = 8192;
  std::uint64_t channel_max = 2047;
  std::uint64_t max_message_size = 134217728;
  Milliseconds handshake_timeout{10000};
  Milliseconds channel_operation_timeout{15000};
  Milliseconds publish_timeout{15000};
  Milliseconds consumer_timeout{1800000};
  std::uint64_t max_connections = 65536;
  std::string product = "Warren";
  std::string product_version = "0.1.0";
  std::string rabbitmq_version = "4.2.0";

  // Memory and disk.
  std::uint64_t memory_limit = 402653184;     // resident; publishers are blocked above it
  double memory_share = 0;                    // the same as a part of the memory; 0: not given
  std::uint64_t disk_free_limit = 50000000;   // below it publishers are blocked
  std::uint64_t publish_window = 4194304;     // undecided octets of one session
  std::uint64_t publish_room = 8388608;       // the same, of all sessions of this node
  std::uint64_t publish_part = 1048576;       // a longer body goes ahead in parts of this size
  std::uint64_t connection_window = 4194304;  // unsent octets to one socket
  std::uint64_t entry_cache = 67108864;       // recent entries of all groups
  std::uint64_t snapshot_after = 67108864;    // octets of log
  Milliseconds snapshot_interval{30000};

  // Raft, routing, sessions: architecture §8's table.
  Milliseconds raft_heartbeat_interval{100};
  Milliseconds raft_election_timeout_min{1000};
  Milliseconds raft_election_timeout_max{1500};
  Milliseconds raft_reset_jitter_min{5};
  Milliseconds raft_reset_jitter_max{50};
  Milliseconds routing_lease{2500};
  Milliseconds routing_lease_renewal{500};
  Milliseconds attach_grace{2000};
  Milliseconds dead_timeout_refused{10000};
  Milliseconds dead_timeout_silent{60000};
  Milliseconds shutdown_timeout{10000};

  // Log.
  std::string log_level = "info";
  std::string log_file;  // empty: none
  std::string log_file_level = "info";
  bool log_console = true;

  bool is_loopback_user(const std::string& user) const;
};

}  // namespace warren::config
