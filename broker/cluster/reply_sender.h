// ReplySender: a door's direct replies on their way out, gathered a turn and by node. To another
// node one batch is under way at a time, so that replies keep their order and the next batch is
// what came meanwhile. Whatever is in the way of a reply costs that reply: it counts as not taken.
// Owned by its door; its reactor.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <vector>

#include "broker/base/ids.h"
#include "broker/cluster/direct_reply.h"
#include "broker/runtime/reactor.h"

namespace warren::cluster {

class ReplySender {
 public:
  // Carries a batch to a node; `taken` may come on any thread, once or, when all ends, never.
  using Carry =
      std::function<void(NodeId node, std::vector<DirectReply> replies, RepliesTaken taken)>;
  // To one node, undecided, of one door. One reply alone may be larger.
  static constexpr std::size_t most_octets = 4u << 20;

  // `self`: batches to it keep their order by themselves.
  ReplySender(runtime::Reactor& reactor, NodeId self, Carry carry)
      : reactor_(reactor), self_(self), carry_(std::move(carry)) {}

  // `done` comes in a later turn.
  void send(DirectReply reply, std::function<void(bool taken)> done);

 private:
  using Done = std::vector<std::function<void(bool)>>;
  struct Path {
    std::vector<DirectReply> waiting;
    Done waiting_done;       // beside it
    std::size_t octets = 0;  // waiting, and under way
    std::size_t under_way = 0;
    bool due = false;  // at the end of this turn
  };
  void launch(NodeId node);
  void on_taken(NodeId node, std::size_t octets, const Done& done, const std::vector<bool>& taken);

  runtime::Reactor& reactor_;
  const NodeId self_;
  const Carry carry_;
  std::map<NodeId, Path> paths_;
};

}  // namespace warren::cluster
