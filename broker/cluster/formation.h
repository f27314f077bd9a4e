// How a node with an empty store comes into a cluster: found one, join one, or wait. Pure: decides
// from one round of answers; the caller asks and acts. Architecture §5 ("Members and identity").
//
// A cluster is founded by the lowest configured node, and only when every configured node answered
// "empty" in one and the same round. A store that was ever used never answers empty, so neither a
// wiped disk nor a partitioned node can found a second cluster beside a living one. By an
// operator's explicit force those who answer found it without the others, who join when they come.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "broker/base/ids.h"

namespace warren::cluster {

// A configured node: where its cluster listener is. Names order nodes; the lowest may found.
struct ConfiguredNode {
  std::string name;
  std::string address;
  bool operator==(const ConfiguredNode&) const = default;
};

struct Founder {
  NodeId node;
  std::string name;
  DiskId disk;
  std::string address;
  bool operator==(const Founder&) const = default;
};

// What a node answers to a probe.
struct ProbeAnswer {
  std::string name;
  DiskId disk;
  std::string address;
  bool empty = false;
  std::uint64_t cluster_id = 0;
  std::string cluster_name;
  std::vector<Founder> founders;  // of its cluster, when not empty
};

// Nothing can be decided: `reason` says what is missing, for the log and for status.
struct Wait {
  std::string reason;
};
// Start a cluster of these nodes, this one among them.
struct FoundCluster {
  std::vector<Founder> nodes;  // numbered from 1 in the order of their names
};
// The cluster's first entry names this very store: start group 0 with the founders as its voters.
struct StartAsFounder {
  std::uint64_t cluster_id = 0;
  std::string cluster_name;
  NodeId node;
  std::vector<Founder> founders;
};
// Register with a living cluster; the answer gives a number and a place.
struct JoinCluster {
  std::uint64_t cluster_id = 0;
  std::string address;  // of the node that told
};

using FormationStep = std::variant<Wait, FoundCluster, StartAsFounder, JoinCluster>;

class Formation {
 public:
  // `configured` may be empty: a node alone. `forced`: who does not answer is not waited for.
  // REQUIRES: the store of `self` is empty.
  Formation(ConfiguredNode self, DiskId disk, std::vector<ConfiguredNode> configured,
            bool forced = false);

  // Whom to ask, without this node itself.
  const std::vector<ConfiguredNode>& others() const { return others_; }
  // `round`: the answers of one round, by configured name; who did not answer is absent.
  FormationStep decide(const std::map<std::string, ProbeAnswer>& round) const;
  // May this node take part in the founding that `nodes` describes?
  bool accepts(const std::vector<Founder>& nodes) const;

 private:
  FormationStep enter(const ProbeAnswer& member) const;
  FormationStep found(const std::map<std::string, ProbeAnswer>& round) const;

  ConfiguredNode self_;
  DiskId disk_;
  bool is_configured_ = false;
  bool forced_ = false;
  std::vector<ConfiguredNode> others_;
};

}  // namespace warren::cluster
