// AnswerGate: holds back what the catalog's leader tells its sessions until every node that may
// route has applied what is told: declare-ok and bind-ok then mean that every node routes by it.
// Exists while this node leads group 0; pure: one at a time. Architecture §8, §9 (4).
#pragma once

#include <deque>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/ids.h"
#include "broker/cluster/routing_lease.h"
#include "broker/session/messages.h"

namespace warren::cluster {

class AnswerGate {
 public:
  explicit AnswerGate(const LeaseHolders& holders) : holders_(holders) {}

  // `applied`: the leader's catalog index when the message was made.
  void hold(session::ToClient message, CatalogIndex applied);
  // What may go now, in the order in which it was held. `nodes`: all living nodes.
  std::vector<session::ToClient> release(BootTime now, const std::vector<NodeId>& nodes);
  // The term is over: everything goes. An outcome is dropped, for it may not be told yet; its
  // session will ask the next leader.
  std::vector<session::ToClient> end();
  bool empty() const { return held_.empty(); }

 private:
  struct Held {
    session::ToClient message;
    CatalogIndex until;
  };
  const LeaseHolders& holders_;
  std::deque<Held> held_;
};

}  // namespace warren::cluster
