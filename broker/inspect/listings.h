// What can be listed of a broker, one plain struct a row. Names of fields are those of RabbitMQ's
// HTTP API; management turns them into JSON. Pure values: any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/base/ids.h"

namespace warren::inspect {

// One entry of an AMQP table, its value as text. `type` as RabbitMQ words it: "long", "longstr",
// "bool", …; nested tables and arrays come as JSON text with type "table" or "array".
struct Argument {
  std::string name;
  std::string type;
  std::string value;
  bool operator==(const Argument&) const = default;
};
using Arguments = std::vector<Argument>;

struct Queue {
  std::string vhost, name;
  bool durable = false, exclusive = false, auto_delete = false;
  Arguments arguments;
  QueueId id;
  GroupId group;
  std::string state = "running";  // running, minority, down, stopped
  std::string node;               // the leader's; empty while there is none
  std::vector<std::string> members, online;
  std::string owner_connection;  // exclusive: its connection's name
  bool counted = false;          // are the counts below known now?
  std::uint64_t messages_ready = 0, messages_unacknowledged = 0, consumers = 0;
  std::uint64_t message_bytes = 0, messages_delayed = 0;
};

struct Exchange {
  std::string vhost, name, type;
  bool durable = false, auto_delete = false, internal = false;
  Arguments arguments;
};

struct Binding {
  std::string vhost, source, destination;
  bool to_exchange = false;
  std::string routing_key;
  Arguments arguments;
};

struct Connection {
  std::string name;  // "127.0.0.1:40000 -> 127.0.0.1:5672"
  std::string node, user, vhost, state = "running";
  std::string protocol = "AMQP 0-9-1", auth_mechanism;
  std::string host, peer_host;
  std::uint16_t port = 0, peer_port = 0;
  bool ssl = false;
  std::uint64_t channels = 0, channel_max = 0, frame_max = 0, timeout_s = 0;
  std::uint64_t received_octets = 0, sent_octets = 0, unsent_octets = 0;
  std::uint64_t connected_at_ms = 0;  // since the Unix epoch
  Arguments client_properties;
};

struct Channel {
  std::string connection;  // its connection's name
  std::uint64_t number = 0;
  std::string node, user, vhost, state = "running";
  bool confirm = false, transactional = false;
  std::uint64_t consumer_count = 0, messages_unacknowledged = 0, messages_unconfirmed = 0;
  std::uint64_t messages_uncommitted = 0, acks_uncommitted = 0;
  std::uint64_t prefetch_count = 0, global_prefetch_count = 0;
  std::string name() const { return connection + " (" + std::to_string(number) + ")"; }
};

struct Consumer {
  std::string vhost, queue, tag, node, user;
  std::string channel;     // its channel's name
  std::string connection;  // its connection's name
  ConsumerNumber number;   // given by its node, never twice in one life of it
  bool ack_required = true, exclusive = false, active = true;
  std::string activity_status = "up";  // or single_active, waiting
  std::uint64_t prefetch_count = 0;
  Arguments arguments;
};

struct Vhost {
  std::string name, description;
  std::vector<std::string> tags;
  bool tracing = false;
};

struct User {
  std::string name, password_hash, hashing_algorithm;
  std::vector<std::string> tags;
};

struct Permission {
  std::string user, vhost, configure, write, read;
};

struct Node {
  NodeId id;
  std::string name, address;  // host:port of its cluster listener
  DiskId disk;
  Incarnation incarnation;
  bool configured = true, running = false, dead = false;
  // Known of a running node only.
  std::string version;
  std::uint64_t os_pid = 0, uptime_ms = 0, memory_used = 0, memory_limit = 0;
  std::uint64_t disk_free = 0, disk_free_limit = 0, fd_used = 0, fd_total = 0, processors = 0;
  bool memory_alarm = false, disk_alarm = false;
};

struct GroupMember {
  NodeId node;
  std::string name;
  bool voter = true, online = false;
  std::uint64_t match = 0;  // highest entry known to be in its log, as the leader sees it
};

// One Raft group, as the answering node sees it; lag as its leader does.
struct Group {
  GroupId id;
  std::string kind = "queues";  // catalog or queues
  std::string leader;           // node name; empty: none
  std::uint64_t term = 0, first_entry = 0, last_entry = 0, commit = 0, applied = 0, snapshot = 0;
  std::uint64_t lag = 0;  // entries that the slowest online member lacks
  std::uint64_t queues = 0, messages = 0, log_bytes = 0;
  std::vector<GroupMember> members;
};

// What one member's replica of a group has applied, as a checksum: members that have applied as
// much have the same.
struct GroupDigest {
  GroupId group;
  std::string node;  // the member's name
  std::uint64_t applied = 0;
  std::uint64_t sum = 0;
};

struct Listener {
  std::string node, protocol, address;  // protocol: amqp, http, clustering
  std::uint16_t port = 0;
};

struct Status {
  std::string node, cluster_name, version, rabbitmq_version, data_dir, log_file, config_file;
  std::uint64_t cluster_id = 0;
  bool serving = false;  // ready for clients
  std::string not_serving_reason;
  std::vector<std::string> alarms;
  std::vector<Listener> listeners;
  std::uint64_t connections = 0, channels = 0, consumers = 0, queues = 0, exchanges = 0;
  std::uint64_t messages_ready = 0, messages_unacknowledged = 0, messages_delayed = 0;
  Node self;
};

}  // namespace warren::inspect
