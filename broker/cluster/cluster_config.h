// What a Cluster is given: how it is to behave, and the parts of storage that a node has one of.
// Plain values, filled by node.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/base/clock.h"
#include "broker/catalog/command.h"
#include "broker/cluster/formation.h"
#include "broker/replica/group_client.h"
#include "broker/replica/group_set.h"
#include "storage/committer.h"
#include "storage/database.h"
#include "storage/identity.h"
#include "storage/read_pool.h"

namespace warren::cluster {

struct ClusterConfig {
  ConfiguredNode self;         // its name and advertised address
  std::string listen_address;  // of the cluster listener
  std::vector<ConfiguredNode> configured;
  std::string cluster_name;
  std::uint32_t queue_groups = 8;
  std::uint32_t replicas = 3;
  bool force_found = false;  // see Formation
  bool test_placement = false;
  catalog::FirstUser first_user;  // when this node founds a cluster
  std::string first_password_hash;
  // Of the groups' bounds of octets these are a node's; its reactors share them evenly.
  std::size_t entry_cache_bytes = 32u << 20;  // recent contents, for consumers that keep up
  std::size_t log_cache_bytes = 32u << 20;    // recent records, for followers
  std::size_t publish_bytes = 8u << 20;       // publishes without an outcome
  replica::GroupSetConfig groups;
  replica::GroupClientConfig client;
  Milliseconds lease{2500};
  Milliseconds lease_renewal{500};
  Milliseconds dead_refused{10000};
  Milliseconds dead_silent{60000};
  Milliseconds operation_timeout{15000};
  Milliseconds hand_over_timeout{5000};
};

// The parts of storage that a node has one of.
struct ClusterStorage {
  storage::Database& database;
  storage::Committer& committer;
  storage::ReadPool& read_pool;
  storage::Identity& identity;
};

}  // namespace warren::cluster
