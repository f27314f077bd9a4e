#include "broker/cluster/reply_sender.h"

#include <utility>

namespace warren::cluster {

namespace {

constexpr std::size_t overhead = 256;       // of a reply, whatever its size
constexpr std::size_t batches_at_home = 8;  // under way to this very node

std::size_t octets_of(const DirectReply& reply) {
  return overhead + (reply.content ? reply.content->size() : 0);
}

}  // namespace

void ReplySender::send(DirectReply reply, std::function<void(bool taken)> done) {
  const NodeId node = reply.to.life.node;
  Path& path = paths_[node];
  const std::size_t octets = octets_of(reply);
  if (path.octets > 0 && path.octets + octets > most_octets) {
    reactor_.post([done = std::move(done)] { done(false); });
    return;
  }
  path.octets += octets;
  path.waiting.push_back(std::move(reply));
  path.waiting_done.push_back(std::move(done));
  if (std::exchange(path.due, true)) return;
  reactor_.at_turn_end([this, node] {
    paths_[node].due = false;
    launch(node);
  });
}

void ReplySender::launch(NodeId node) {
  Path& path = paths_[node];
  if (path.waiting.empty() || path.under_way >= (node == self_ ? batches_at_home : 1)) return;
  ++path.under_way;
  std::size_t octets = 0;
  for (const DirectReply& reply : path.waiting)
    octets += octets_of(reply);
  carry_(node, std::exchange(path.waiting, {}),
         [this, node, octets,
          done = std::exchange(path.waiting_done, {})](std::vector<bool> taken) mutable {
           reactor_.post([this, node, octets, done = std::move(done), taken = std::move(taken)] {
             on_taken(node, octets, done, taken);
           });
         });
}

void ReplySender::on_taken(NodeId node, std::size_t octets, const Done& done,
                           const std::vector<bool>& taken) {
  Path& path = paths_[node];
  --path.under_way;
  path.octets -= octets;
  launch(node);
  for (std::size_t i = 0; i < done.size(); ++i)
    done[i](i < taken.size() && taken[i]);
}

}  // namespace warren::cluster
