// The routing lease: a node routes publishes only while it is certain that no binding was confirmed
// which it has not applied. Both sides, pure: time is an argument (CLOCK_BOOTTIME, so that a host
// that slept knows its lease is over). Architecture §8.
//
// A lease is a ReadIndex of the catalog's leader, valid for T from when it was asked. The leader
// lets a definition's answer go when every holder has applied it, or after T at the latest.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/ids.h"

namespace warren::cluster {

// The node's side.
class RoutingLease {
 public:
  explicit RoutingLease(Milliseconds duration) : duration_(duration) {}

  // The leader confirmed `index` for a request made at `asked`.
  void granted(BootTime asked, CatalogIndex index);
  void applied(CatalogIndex index);
  // Gives up everything: the incarnation is gone.
  void revoke();
  bool valid(BootTime now) const { return now < valid_until_; }
  BootTime valid_until() const { return valid_until_; }

 private:
  void settle();

  Milliseconds duration_;
  CatalogIndex applied_;
  struct Grant {
    BootTime asked;
    CatalogIndex index;
  };
  std::vector<Grant> waiting_;  // for their index to be applied; at most a few
  BootTime valid_until_{0};
};

// The catalog leader's side: who may be routing, and how far each has come.
class LeaseHolders {
 public:
  explicit LeaseHolders(Milliseconds duration) : duration_(duration) {}

  // This node leads from now on; leases that its predecessor granted are unknown.
  void begin_term(BootTime now);
  void grant(NodeId node, BootTime now);
  void applied(NodeId node, CatalogIndex index);
  // The node is dead: it holds no lease that counts once `now` + T is past; forgotten at once if it
  // never held one here.
  void forget(NodeId node);

  // May the answer to a definition applied at `index` go? `nodes`: all living nodes of the cluster.
  bool reached(CatalogIndex index, BootTime now, const std::vector<NodeId>& nodes) const;

 private:
  struct Holder {
    BootTime until{0};
    CatalogIndex applied;
  };

  Milliseconds duration_;
  BootTime unknown_until_{0};
  std::map<NodeId, Holder> holders_;
};

}  // namespace warren::cluster
