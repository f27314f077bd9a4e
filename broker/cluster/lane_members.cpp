// Lane: which replicas live here, and the members of the groups that this lane leads.
#include <algorithm>
#include <utility>

#include "broker/cluster/lane.h"
#include "broker/cluster/membership.h"
#include "broker/runtime/log.h"

namespace warren::cluster {

namespace {

// The voter that would lose least time as the next leader; null: nobody is there to lead.
const raft::MemberProgress* successor(const replica::GroupListing& group) {
  const raft::MemberProgress* best = nullptr;
  for (const auto& member : group.progress)
    if (member.voter && member.recently_active && member.member != group.status.leader &&
        (!best || member.match > best->match))
      best = &member;
  return best;
}

}  // namespace

Result<void> Lane::add_stored(const raft::StoredGroup& stored) {
  return set_.add_group(stored, time());
}

void Lane::create_catalog(raft::MemberId self, const raft::Configuration& founding) {
  const bool first = !founding.voters.empty() && founding.voters.front() == self;
  set_.create_group(catalog_group, self, founding, time(), {config_.may_lack_replicas, first});
  wake();
}

void Lane::set_catalog(std::shared_ptr<const catalog::Snapshot> catalog,
                       const catalog::Effects& effects) {
  const bool places_groups =
      !effects.placement_changed.empty() || !catalog_ || !catalog_->cluster_id();
  catalog_ = std::move(catalog);
  // The set that has group 0 has told its own groups already.
  if (index_of(catalog_group, config_.count) != config_.index) set_.set_catalog(catalog_, effects);
  if (local_) local_->set_catalog(catalog_, effects);
  for (auto& [group, link] : links_) {
    link->client().set_catalog_index(catalog_->index());
    abandon_lost(*link);
  }
  if (places_groups) create_replicas();
  wake();
}

Incarnation Lane::life_of(NodeId node) const {
  if (node == config_.self && session_) return session_->incarnation;
  const catalog::NodeInfo* info = catalog_ ? catalog_->node(node) : nullptr;
  return info && !info->dead ? info->incarnation : Incarnation();
}

// What a local group hosted is gone with its node's life, and the way to it. A newer life may be
// heard of here before it is in this catalog, never the other way round.
void Lane::abandon_lost(GroupLink& link) {
  if (!is_local(link.group())) return;
  Incarnation life = life_of(node_of_local(link.group()));
  if (!life || life > link.life()) link.client().abandon();
}

void Lane::set_catalog_floor(CatalogIndex floor) {
  set_.set_catalog_floor(floor);
}

void Lane::create_replicas() {
  catalog_->for_each_group([&](const catalog::GroupInfo& info) {
    if (info.id == catalog_group || index_of(info.id, config_.count) != config_.index) return;
    if (set_.contains(info.id)) return;
    for (const auto& assignment : info.desired) {
      if (assignment.node != config_.self || assignment.disk != config_.disk) continue;
      const bool first = assignment == info.desired.front();
      set_.create_group(info.id, member_of(assignment), founding_configuration(info), time(),
                        {config_.may_lack_replicas, first});
    }
  });
}

bool Lane::answers_to(GroupId group, raft::MemberId member) {
  return set_.answers_to(group, member, time());
}

void Lane::reshape() {
  if (!catalog_) return;
  catalog_->for_each_group([&](const catalog::GroupInfo& info) {
    if (set_.leads(info.id)) reshape_group(info);
  });
}

void Lane::reshape_group(const catalog::GroupInfo& info) {
  auto status = set_.status(info.id);
  if (!status || info.desired.empty()) return;
  auto progress = set_.driver().progress(replica::GroupSet::raft_group(info.id));
  MembershipStep step = next_membership_step(status->configuration, info.desired, progress,
                                             status->leader, status->commit);
  if (auto* change = std::get_if<ProposeConfiguration>(&step)) {
    runtime::log_info("group {}: changing its members to {} voters and {} learners", info.id.value,
                      change->configuration.voters.size(), change->configuration.learners.size());
    set_.propose_configuration(info.id, change->configuration);
    wake();
  } else if (auto* transfer = std::get_if<HandOver>(&step)) {
    set_.transfer(info.id, transfer->to);
    wake();
  }
}

std::size_t Lane::led_groups() const {
  std::size_t led = 0;
  for (const auto& group : set_.listing())
    if (group.status.is_leader && successor(group)) ++led;
  return led;
}

void Lane::hand_over(std::function<void()> done, BootTime deadline) {
  handed_over_ = std::move(done);
  hand_over_deadline_ = deadline;
  try_hand_over();
}

void Lane::try_hand_over() {
  if (led_groups() == 0 || now() >= hand_over_deadline_) {
    std::exchange(handed_over_, {})();
    return;
  }
  for (const auto& group : set_.listing()) {
    if (!group.status.is_leader) continue;
    if (const auto* best = successor(group)) set_.transfer(group.group, best->member);
  }
  wake();
}

}  // namespace warren::cluster
