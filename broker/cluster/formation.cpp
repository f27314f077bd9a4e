#include "broker/cluster/formation.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace warren::cluster {

Formation::Formation(ConfiguredNode self, DiskId disk, std::vector<ConfiguredNode> configured,
                     bool forced)
    : self_(std::move(self)), disk_(disk), is_configured_(configured.empty()), forced_(forced) {
  for (ConfiguredNode& node : configured) {
    if (node.name == self_.name)
      is_configured_ = true;
    else
      others_.push_back(std::move(node));
  }
  std::ranges::sort(others_, {}, &ConfiguredNode::name);
}

FormationStep Formation::decide(const std::map<std::string, ProbeAnswer>& round) const {
  const ProbeAnswer* member = nullptr;
  for (const auto& [name, answer] : round) {
    if (answer.empty) continue;
    if (member && member->cluster_id != answer.cluster_id)
      return Wait{
          fmt::format("{} and {} belong to different clusters; remove one of them from "
                      "cluster_formation.classic_config.nodes",
                      member->name, answer.name)};
    member = &answer;
  }
  return member ? enter(*member) : found(round);
}

FormationStep Formation::enter(const ProbeAnswer& member) const {
  for (const Founder& founder : member.founders)
    if (founder.disk == disk_ && founder.name == self_.name)
      return StartAsFounder{member.cluster_id, member.cluster_name, founder.node, member.founders};
  return JoinCluster{member.cluster_id, member.address};
}

FormationStep Formation::found(const std::map<std::string, ProbeAnswer>& round) const {
  if (!is_configured_)
    return Wait{
        fmt::format("{} is not among cluster_formation.classic_config.nodes, and none of "
                    "those answers as a member of a cluster",
                    self_.name)};
  std::vector<Founder> nodes{{NodeId(), self_.name, disk_, self_.address}};
  for (const ConfiguredNode& other : others_) {
    auto answer = round.find(other.name);
    if (answer == round.end() && forced_) continue;
    if (answer == round.end())
      return Wait{fmt::format("no answer from {} at {}", other.name, other.address)};
    if (answer->second.name != other.name)
      return Wait{fmt::format("{} is configured at {}, but {} answers there", other.name,
                              other.address, answer->second.name)};
    nodes.push_back({NodeId(), other.name, answer->second.disk, other.address});
  }
  std::ranges::sort(nodes, {}, &Founder::name);
  if (nodes.front().name != self_.name)
    return Wait{fmt::format("all nodes are empty; {} will found the cluster", nodes.front().name)};
  for (std::uint32_t i = 0; i < nodes.size(); ++i)
    nodes[i].node = NodeId(i + 1);
  return FoundCluster{std::move(nodes)};
}

bool Formation::accepts(const std::vector<Founder>& nodes) const {
  return std::ranges::any_of(nodes, [&](const Founder& founder) {
    return founder.name == self_.name && founder.disk == disk_;
  });
}

}  // namespace warren::cluster
