// What the catalog knows, one struct a kind. Pure values, shared by snapshots: any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/base/ids.h"
#include "broker/catalog/command.h"

namespace warren::catalog {

struct VhostInfo {
  std::string name, description;
};

struct UserInfo {
  std::string name, password_hash, hashing_algorithm;
  std::vector<std::string> tags;
};

struct PermissionInfo {
  std::string user, vhost, configure, write, read;  // regular expressions, searched for
};

struct ExchangeInfo {
  std::string vhost, name, type;
  bool durable = false, auto_delete = false, internal = false;
  Arguments arguments;
  std::string arguments_octets;
  bool has_alternate = false;  // argument alternate-exchange
  std::string alternate;
  QueueId history;  // x-recent-history: the queue that keeps it; else none
};

struct QueueInfo {
  QueueId id;
  std::string vhost, name;
  bool durable = false, exclusive = false, auto_delete = false;
  Arguments arguments;
  std::string arguments_octets;
  GroupId group;
  NodeId node;              // that declared it
  Incarnation incarnation;  // local group: the queue dies with it
  std::uint64_t owner = 0;  // exclusive: connection key within that incarnation

  bool owned_by(NodeId n, Incarnation i, std::uint64_t o) const {
    return node == n && incarnation == i && owner == o;
  }
  // An exchange's history: known by its id alone, and no client's.
  bool hidden() const { return name.empty(); }
};

struct BindingInfo {
  std::string vhost, source;
  DestinationKind kind = DestinationKind::queue;
  std::string destination;
  std::string routing_key;
  Arguments arguments;
  std::string arguments_octets;
  std::string arguments_identity;  // equal for equal arguments in any order
};

// What founders' replicas are assigned by: group 0's first entry is their configuration.
constexpr CatalogIndex founding_assignment{1};

// One member of a group, never reused: architecture §5.
struct MemberAssignment {
  NodeId node;
  DiskId disk;
  CatalogIndex assigned;
  bool voter = true;  // false: a learner for good (group 0 beyond five nodes)
  bool operator==(const MemberAssignment&) const = default;
};

// Group 0 is the catalog itself, on every node.
struct GroupInfo {
  GroupId id;
  std::vector<MemberAssignment> desired;  // the first is the natural leader
};

struct NodeInfo {
  NodeId id;
  std::string name;
  DiskId disk;
  std::string address;      // host:port of its cluster port
  Incarnation incarnation;  // 0: never registered
  bool dead = false;        // its incarnation has ended and it has no newer one
};

}  // namespace warren::catalog
