// ClientStreams: the newest session stream of each other node's front end, on which answers go
// back. Any thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "broker/base/ids.h"
#include "broker/cluster/server.h"

namespace warren::cluster {

class ClientStreams {
 public:
  // A newer stream of a node replaces the older.
  void opened(std::uint64_t id, NodeId from, std::shared_ptr<SessionReply> reply) {
    std::lock_guard lock(mutex_);
    newest_[from] = {id, std::move(reply)};
    nodes_[id] = from;
  }
  // Calls tell(node) if it was that node's newest stream; under the lock, which node_of() takes
  // too, so that the loss of a stream is posted before whatever a newer one brings.
  template <typename Tell>
  void closed(std::uint64_t id, Tell tell) {
    std::lock_guard lock(mutex_);
    auto node = nodes_.extract(id);
    if (node.empty()) return;
    auto stream = newest_.find(node.mapped());
    if (stream == newest_.end() || stream->second.id != id) return;
    newest_.erase(stream);
    tell(node.mapped());
  }
  // Nothing: the stream was replaced; what it brings is void.
  std::optional<NodeId> node_of(std::uint64_t id) const {
    std::lock_guard lock(mutex_);
    auto node = nodes_.find(id);
    if (node == nodes_.end()) return std::nullopt;
    auto stream = newest_.find(node->second);
    if (stream == newest_.end() || stream->second.id != id) return std::nullopt;
    return node->second;
  }
  std::shared_ptr<SessionReply> reply_to(NodeId node) const {
    std::lock_guard lock(mutex_);
    auto stream = newest_.find(node);
    return stream == newest_.end() ? nullptr : stream->second.reply;
  }

 private:
  struct Stream {
    std::uint64_t id = 0;
    std::shared_ptr<SessionReply> reply;
  };
  mutable std::mutex mutex_;
  std::map<NodeId, Stream> newest_;
  std::map<std::uint64_t, NodeId> nodes_;
};

}  // namespace warren::cluster
