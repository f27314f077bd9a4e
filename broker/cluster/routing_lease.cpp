#include "broker/cluster/routing_lease.h"

#include <algorithm>

namespace warren::cluster {

namespace {
// More grants than this wait only on a node whose catalog stands still; older ones expire first.
constexpr std::size_t max_waiting = 16;
}  // namespace

void RoutingLease::granted(BootTime asked, CatalogIndex index) {
  waiting_.push_back({asked, index});
  if (waiting_.size() > max_waiting) waiting_.erase(waiting_.begin());
  settle();
}

void RoutingLease::applied(CatalogIndex index) {
  applied_ = std::max(applied_, index);
  settle();
}

void RoutingLease::revoke() {
  waiting_.clear();
  valid_until_ = BootTime(0);
}

void RoutingLease::settle() {
  std::erase_if(waiting_, [&](const Grant& grant) {
    if (grant.index > applied_) return false;
    valid_until_ = std::max(valid_until_, grant.asked + BootTime(duration_));
    return true;
  });
}

void LeaseHolders::begin_term(BootTime now) {
  holders_.clear();
  unknown_until_ = now + BootTime(duration_);
}

void LeaseHolders::grant(NodeId node, BootTime now) {
  // It was asked before now, so it ends before this.
  holders_[node].until = now + BootTime(duration_);
}

void LeaseHolders::applied(NodeId node, CatalogIndex index) {
  Holder& holder = holders_[node];
  holder.applied = std::max(holder.applied, index);
}

void LeaseHolders::forget(NodeId node) {
  holders_.erase(node);
}

bool LeaseHolders::reached(CatalogIndex index, BootTime now,
                           const std::vector<NodeId>& nodes) const {
  return std::ranges::all_of(nodes, [&](NodeId node) {
    auto holder = holders_.find(node);
    if (holder == holders_.end()) return now >= unknown_until_;
    if (holder->second.applied >= index) return true;
    return now >= holder->second.until && now >= unknown_until_;
  });
}

}  // namespace warren::cluster
