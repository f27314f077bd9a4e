// Server: the cluster listener (gRPC). Takes other nodes' streams and questions and hands them to
// PeerRequests, which posts to reactors. Every stream's metadata must name this cluster.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/base/ids.h"
#include "broker/cluster/direct_reply.h"
#include "proto/cluster.pb.h"
#include "proto/raft.pb.h"
#include "raft/message.h"

namespace warren::cluster {

// One accepted session stream from another node's front end.
class SessionReply {
 public:
  virtual ~SessionReply() = default;
  virtual void send(
      proto::SessionFrames frames) = 0;  // any thread; dropped once the stream is gone
};

// Called on gRPC's threads; implementations post. A `done` may be called on any thread, once.
class PeerRequests {
 public:
  virtual ~PeerRequests() = default;
  virtual void on_raft_messages(std::vector<raft::Message> messages) = 0;
  // After the last messages of the last of its streams.
  virtual void on_raft_streams_lost(NodeId from) = 0;

  // `id` is never reused while the process lives.
  virtual void on_session_opened(std::uint64_t id, NodeId from,
                                 std::shared_ptr<SessionReply> reply) = 0;
  virtual void on_session_request(std::uint64_t id, proto::SessionFrames frames) = 0;
  virtual void on_session_closed(std::uint64_t id) = 0;

  virtual void probe(proto::ProbeRequest request, std::function<void(proto::ProbeReply)> done) = 0;
  virtual void found(proto::FoundRequest request, std::function<void(proto::FoundReply)> done) = 0;
  virtual void enrol(proto::RegisterRequest request,
                     std::function<void(proto::RegisterReply)> done) = 0;
  virtual void lease(proto::LeaseRequest request, std::function<void(proto::LeaseReply)> done) = 0;
  virtual void applied(proto::AppliedRequest request) = 0;
  virtual void inspect(proto::InspectRequest request,
                       std::function<void(proto::InspectReply)> done) = 0;

  // For channels of this node.
  virtual void take_replies(std::vector<DirectReply> replies, RepliesTaken taken) = 0;

  // Parts of one snapshot stream, in order; the last decides. `done` true asks for the next part.
  virtual void snapshot_part(std::uint64_t stream, proto::SnapshotPart part,
                             std::function<void(bool)> done) = 0;
  virtual void snapshot_aborted(std::uint64_t stream) = 0;
};

class Server {
 public:
  // Listens on `address` (host:port; port 0 picks one). Null with `error` set when it cannot.
  static std::unique_ptr<Server> listen(const std::string& address, PeerRequests& requests,
                                        std::string& error);
  ~Server();  // stops

  int port() const;
  // From now on streams of other clusters are refused. Before: every stream is.
  void set_cluster(std::uint64_t cluster_id);
  void stop();

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace warren::cluster
