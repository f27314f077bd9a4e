// Peers: this node's outgoing streams to every other node, kept open. Two for Raft (what must not
// wait, and bulk), each on a connection of its own so that entries never delay a heartbeat, and one
// for the sessions of this node's front end. Any thread may send; callbacks come on gRPC's threads.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/ids.h"
#include "broker/cluster/bidi_stream.h"
#include "proto/cluster.grpc.pb.h"
#include "proto/raft.grpc.pb.h"
#include "raft/message.h"

namespace warren::cluster {

struct PeerAddress {
  NodeId node;
  std::string address;  // host:port of its cluster listener
  bool operator==(const PeerAddress&) const = default;
};

// What the streams tell. Implementations only post to reactors.
class PeerEvents {
 public:
  virtual ~PeerEvents() = default;
  // A stream that was up is gone: the peer's process or the connection to it died.
  virtual void on_peer_reset(NodeId node) = 0;
  virtual void on_session_up(NodeId node) = 0;
  virtual void on_session_reset(NodeId node) = 0;
  virtual void on_session_frames(NodeId node, proto::SessionFrames frames) = 0;
};

// Where a snapshot's stream goes, and what it says of its sender. Any thread.
class SnapshotPaths {
 public:
  virtual ~SnapshotPaths() = default;
  // Null: no such node.
  virtual std::unique_ptr<proto::Raft::Stub> raft_stub(NodeId node) const = 0;
  virtual std::multimap<std::string, std::string> metadata() const = 0;
};

class Peers final : public SnapshotPaths {
 public:
  // `events` outlives the Peers. `identity` goes with every stream, for the peer's door to check.
  Peers(PeerEvents& events, std::uint64_t cluster_id, NodeId self);
  ~Peers() override;  // after stop()

  // Everybody else in the cluster, by the newest catalog. A changed address is a new peer.
  void set_peers(const std::vector<PeerAddress>& peers);
  // Opens again what is down. To be called every 50 ms or so.
  void maintain(std::chrono::steady_clock::time_point now);
  // Closes all streams and waits until gRPC is done with them.
  void stop();

  // Dropped when the stream is down: Raft and the sessions re-send.
  void send_raft(NodeId node, const std::vector<raft::Message>& urgent,
                 const std::vector<raft::Message>& bulk);
  bool send_session(NodeId node, proto::SessionFrames frames);

  // Since when connecting to the node has failed at once; nothing: it is up, or silent.
  std::optional<std::chrono::steady_clock::time_point> refused_since(NodeId node) const;
  bool is_up(NodeId node) const;
  bool carries_sessions(NodeId node) const;  // send_session() has a stream
  // For unary calls.
  std::unique_ptr<proto::Cluster::Stub> cluster_stub(NodeId node) const;
  std::unique_ptr<proto::Replies::Stub> replies_stub(NodeId node) const;
  std::unique_ptr<proto::Raft::Stub> raft_stub(NodeId node) const override;
  std::multimap<std::string, std::string> metadata() const override;

 private:
  struct Peer;
  std::shared_ptr<Peer> find(NodeId node) const;
  void open_raft(const std::shared_ptr<Peer>& peer, bool urgent);
  void open_session(const std::shared_ptr<Peer>& peer);
  void stream_done();

  PeerEvents& events_;
  const std::uint64_t cluster_id_;
  const NodeId self_;
  mutable std::mutex mutex_;
  std::condition_variable all_done_;
  std::size_t open_streams_ = 0;
  bool stopping_ = false;
  std::map<NodeId, std::shared_ptr<Peer>> peers_;
};

// A channel to `address` with a connection of its own.
std::shared_ptr<grpc::Channel> open_channel(const std::string& address);

}  // namespace warren::cluster
