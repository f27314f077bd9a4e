// Commands to the catalog group and their outcomes. Checks that depend on other definitions
// (equivalence, existence, in use) are made when applied, so that every replica and every racing
// declare agrees. Pure values: any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "broker/base/error.h"
#include "broker/base/ids.h"

namespace warren::catalog {

// An argument table as AMQP octets (length-prefixed field table without its 4-octet length), with
// the textual view of each known argument prepared by the front end for equivalence and its texts.
struct Argument {
  std::string name;
  std::string type;   // as RabbitMQ names it in texts: "long", "longstr", "bool", …
  std::string value;  // canonical text: integers of all widths alike
  bool operator==(const Argument&) const = default;
};
using Arguments = std::vector<Argument>;  // in the client's order; duplicates kept

struct DeclareExchange {
  std::string vhost, name, type;
  bool durable = false, auto_delete = false, internal = false;
  Arguments arguments;
  std::string arguments_octets;
};
// Of type x-recent-history, and of no other. The queue that keeps its history is made by the same
// entry, whose index is its id.
struct DeclareHistory : DeclareExchange {
  NodeId node;                             // where the declaring client is
  std::optional<GroupId> preferred_group;  // led by `node`, with room; if any
};
struct DeleteExchange {
  std::string vhost, name;
  bool if_unused = false;
};
// The queue's id is this entry's index. Exclusive and other non-durable queues go to the local
// group of `node`; others to a queue group that the catalog chooses (fill before spread).
struct DeclareQueue {
  std::string vhost, name;
  bool durable = false, exclusive = false, auto_delete = false;
  Arguments arguments;
  std::string arguments_octets;
  NodeId node;                             // where the declaring client is
  Incarnation incarnation;                 // of that node: an exclusive queue dies with it
  std::uint64_t owner = 0;                 // exclusive: connection key within that incarnation
  std::optional<GroupId> preferred_group;  // led by `node`, with room; if any
};
// After the group has sealed the queue. Removes its bindings too.
struct DeleteQueue {
  QueueId queue;
};
enum class DestinationKind : std::uint8_t { queue = 0, exchange = 1 };
struct Bind {
  std::string vhost, source, destination;
  DestinationKind kind = DestinationKind::queue;
  std::string routing_key;
  Arguments arguments;
  std::string arguments_octets;
  NodeId node;  // asks for an exclusive queue: must be its owner's
  Incarnation incarnation;
  std::uint64_t owner = 0;
};
struct Unbind : Bind {};

struct PutVhost {
  std::string name, description;
};
struct DeleteVhost {
  std::string name;
};
struct PutUser {
  std::string name, password_hash, hashing_algorithm;
  std::vector<std::string> tags;
};
struct DeleteUser {
  std::string name;
};
struct PutPermission {
  std::string vhost, user, configure, write, read;
};
struct DeletePermission {
  std::string vhost, user;
};

// Nodes. Registration gives a new incarnation, which ends the node's previous one: its local
// queues and their bindings go, its sessions end.
struct RegisterNode {
  std::string name;
  NodeId node;  // 0: not yet numbered
  DiskId disk;
  std::string address;  // host:port of its cluster port
};
struct NodeDead {  // committed by the catalog's leader after the dead timeout
  NodeId node;
  Incarnation incarnation;
};
struct ForgetNode {
  NodeId node;
};

// Who may do everything in the first vhost.
struct FirstUser {
  std::string name = "guest";
  std::vector<std::string> tags = {"administrator"};
  std::string vhost = "/";
  bool operator==(const FirstUser&) const = default;
};
// The first command of a cluster: its id, its nodes and groups, and the predeclared definitions
// (a vhost with the amq.* exchanges, and its user).
struct Found {
  std::uint64_t cluster_id = 0;
  std::string cluster_name;
  std::vector<RegisterNode> nodes;  // numbered
  std::uint32_t queue_groups = 8;
  std::uint32_t replicas = 3;   // voters a queue group, at most the nodes
  std::string password_hash;    // of the first user
  bool test_placement = false;  // tests only: obey a queue's integer `x-warren-group`
  FirstUser first_user;
};

using Command =
    std::variant<Found, DeclareExchange, DeleteExchange, DeclareQueue, DeleteQueue, Bind, Unbind,
                 PutVhost, DeleteVhost, PutUser, DeleteUser, PutPermission, DeletePermission,
                 RegisterNode, NodeDead, ForgetNode, DeclareHistory>;

struct Outcome {
  std::optional<Error> error;
  CatalogIndex index;       // at which it was applied
  QueueId queue;            // declare: the queue, new or found
  bool created = false;     // false: it was there already and is equivalent
  NodeId node;              // register: its number
  Incarnation incarnation;  // register
};

}  // namespace warren::catalog
