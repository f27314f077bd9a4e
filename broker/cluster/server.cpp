#include "broker/cluster/server.h"

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <charconv>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "broker/cluster/bidi_stream.h"
#include "broker/cluster/raft_codec.h"
#include "broker/cluster/reply_codec.h"
#include "proto/cluster.grpc.pb.h"
#include "proto/raft.grpc.pb.h"

namespace warren::cluster {

namespace {

using RaftEnd = ServerStreamEnd<proto::RaftBatch, proto::Closed>;
using SessionEnd = ServerStreamEnd<proto::SessionFrames, proto::SessionFrames>;

// Checks who knocks.
class Gate {
 public:
  void set_cluster(std::uint64_t id) { cluster_id_ = id; }

  // The sender's node, or the reason to refuse.
  grpc::Status admit(const grpc::CallbackServerContext& context, NodeId& from) const {
    auto cluster = number(context, "warren-cluster");
    auto node = number(context, "warren-node");
    if (!cluster || !node)
      return {grpc::StatusCode::INVALID_ARGUMENT, "the stream does not say its cluster and node"};
    if (cluster_id_ == 0)
      return {grpc::StatusCode::UNAVAILABLE, "this node has not joined a cluster yet"};
    if (*cluster != cluster_id_)
      return {grpc::StatusCode::FAILED_PRECONDITION,
              "this node belongs to another cluster; check cluster_formation and the addresses"};
    from = NodeId(static_cast<std::uint32_t>(*node));
    return grpc::Status::OK;
  }

 private:
  static std::optional<std::uint64_t> number(const grpc::CallbackServerContext& context,
                                             const char* key) {
    auto it = context.client_metadata().find(key);
    if (it == context.client_metadata().end()) return std::nullopt;
    std::uint64_t value = 0;
    auto [end, error] = std::from_chars(it->second.begin(), it->second.end(), value);
    if (error != std::errc() || end != it->second.end()) return std::nullopt;
    return value;
  }

  std::atomic<std::uint64_t> cluster_id_{0};
};

class SnapshotEnd : public grpc::ServerReadReactor<proto::SnapshotPart> {
 public:
  SnapshotEnd(PeerRequests& requests, std::uint64_t id, proto::SnapshotResult* result)
      : requests_(requests), id_(id), result_(result) {
    StartRead(&part_);
  }
  void OnReadDone(bool ok) override {
    if (!ok) {
      if (!decided_) {
        requests_.snapshot_aborted(id_);
        Finish(grpc::Status(grpc::StatusCode::ABORTED, "the stream ended before its last part"));
      }
      return;
    }
    bool last = part_.last();
    requests_.snapshot_part(id_, std::move(part_), [this, last](bool good) {
      part_.Clear();
      if (good && !last) {
        StartRead(&part_);
        return;
      }
      decided_ = true;
      result_->set_installed(good);
      Finish(grpc::Status::OK);
    });
  }
  void OnDone() override { delete this; }

 private:
  PeerRequests& requests_;
  const std::uint64_t id_;
  proto::SnapshotResult* result_;
  proto::SnapshotPart part_;
  bool decided_ = false;
};

class RefusedSnapshot : public grpc::ServerReadReactor<proto::SnapshotPart> {
 public:
  explicit RefusedSnapshot(grpc::Status status) { Finish(std::move(status)); }
  void OnDone() override { delete this; }
};

// How many Raft streams each node has to here. Any thread.
class OpenStreams {
 public:
  void add(NodeId from) {
    std::lock_guard lock(mutex_);
    ++counts_[from];
  }
  // True: it was the last. While another is open the node lives: an old connection that nobody
  // closed may end long after its node has come back.
  bool remove(NodeId from) {
    std::lock_guard lock(mutex_);
    return --counts_[from] == 0;
  }

 private:
  std::mutex mutex_;
  std::map<NodeId, std::size_t> counts_;
};

class RaftService : public proto::Raft::CallbackService {
 public:
  RaftService(PeerRequests& requests, Gate& gate) : requests_(requests), gate_(gate) {}

  grpc::ServerBidiReactor<proto::RaftBatch, proto::Closed>* Messages(
      grpc::CallbackServerContext* context) override {
    NodeId from;
    if (auto status = gate_.admit(*context, from); !status.ok())
      return new RefusedStream<proto::RaftBatch, proto::Closed>(status);
    auto end = RaftEnd::accept(*context);
    open_.add(from);
    end->start({[this](proto::RaftBatch batch) { receive(batch); },
                [this, from] {
                  if (open_.remove(from)) requests_.on_raft_streams_lost(from);
                }});
    return end.get();
  }

  grpc::ServerReadReactor<proto::SnapshotPart>* InstallSnapshot(
      grpc::CallbackServerContext* context, proto::SnapshotResult* result) override {
    NodeId from;
    if (auto status = gate_.admit(*context, from); !status.ok())
      return new RefusedSnapshot(std::move(status));
    return new SnapshotEnd(requests_, ++last_snapshot_, result);
  }

 private:
  void receive(proto::RaftBatch& batch) {
    std::vector<raft::Message> messages;
    messages.reserve(static_cast<std::size_t>(batch.messages_size()));
    for (proto::RaftMessage& wire : *batch.mutable_messages())
      if (auto message = decode(wire)) messages.push_back(std::move(*message));
    requests_.on_raft_messages(std::move(messages));
  }

  PeerRequests& requests_;
  Gate& gate_;
  OpenStreams open_;
  std::atomic<std::uint64_t> last_snapshot_{0};
};

class SessionReplyEnd : public SessionReply {
 public:
  explicit SessionReplyEnd(std::shared_ptr<SessionEnd> end) : end_(std::move(end)) {}
  void send(proto::SessionFrames frames) override { end_->send(std::move(frames)); }

 private:
  std::shared_ptr<SessionEnd> end_;
};

class SessionsService : public proto::Sessions::CallbackService {
 public:
  SessionsService(PeerRequests& requests, Gate& gate) : requests_(requests), gate_(gate) {}

  grpc::ServerBidiReactor<proto::SessionFrames, proto::SessionFrames>* Session(
      grpc::CallbackServerContext* context) override {
    NodeId from;
    if (auto status = gate_.admit(*context, from); !status.ok())
      return new RefusedStream<proto::SessionFrames, proto::SessionFrames>(status);
    auto end = SessionEnd::accept(*context);
    std::uint64_t id = ++last_id_;
    requests_.on_session_opened(id, from, std::make_shared<SessionReplyEnd>(end));
    end->start({[this, id](proto::SessionFrames frames) {
                  requests_.on_session_request(id, std::move(frames));
                },
                [this, id] { requests_.on_session_closed(id); }});
    return end.get();
  }

 private:
  PeerRequests& requests_;
  Gate& gate_;
  std::atomic<std::uint64_t> last_id_{0};
};

// A question whose answer was dropped, with whoever was to give it, is finished all the same: one
// that waited for ever would keep the listener, and so the process, from ending.
struct Question {
  explicit Question(grpc::ServerUnaryReactor* asked) : reactor(asked) {}
  ~Question() {
    if (!answered) reactor->Finish({grpc::StatusCode::UNAVAILABLE, "nobody answers here now"});
  }
  grpc::ServerUnaryReactor* reactor;
  bool answered = false;
};

class RepliesService : public proto::Replies::CallbackService {
 public:
  RepliesService(PeerRequests& requests, Gate& gate) : requests_(requests), gate_(gate) {}

  grpc::ServerUnaryReactor* Deliver(grpc::CallbackServerContext* context,
                                    const proto::DirectReplies* request,
                                    proto::DirectRepliesTaken* answer) override {
    auto* reactor = context->DefaultReactor();
    NodeId from;
    if (auto status = gate_.admit(*context, from); !status.ok()) {
      reactor->Finish(status);
      return reactor;
    }
    requests_.take_replies(
        decode_replies(*request),
        [question = std::make_shared<Question>(reactor), answer](const std::vector<bool>& taken) {
          for (bool one : taken)
            answer->add_taken(one);
          question->answered = true;
          question->reactor->Finish(grpc::Status::OK);
        });
    return reactor;
  }

 private:
  PeerRequests& requests_;
  Gate& gate_;
};

class ClusterService : public proto::Cluster::CallbackService {
 public:
  explicit ClusterService(PeerRequests& requests) : requests_(requests) {}

  grpc::ServerUnaryReactor* Probe(grpc::CallbackServerContext* context,
                                  const proto::ProbeRequest* request,
                                  proto::ProbeReply* reply) override {
    auto* reactor = context->DefaultReactor();
    requests_.probe(*request, answer(reactor, reply));
    return reactor;
  }
  grpc::ServerUnaryReactor* Found(grpc::CallbackServerContext* context,
                                  const proto::FoundRequest* request,
                                  proto::FoundReply* reply) override {
    auto* reactor = context->DefaultReactor();
    requests_.found(*request, answer(reactor, reply));
    return reactor;
  }
  grpc::ServerUnaryReactor* Register(grpc::CallbackServerContext* context,
                                     const proto::RegisterRequest* request,
                                     proto::RegisterReply* reply) override {
    auto* reactor = context->DefaultReactor();
    requests_.enrol(*request, answer(reactor, reply));
    return reactor;
  }
  grpc::ServerUnaryReactor* Lease(grpc::CallbackServerContext* context,
                                  const proto::LeaseRequest* request,
                                  proto::LeaseReply* reply) override {
    auto* reactor = context->DefaultReactor();
    requests_.lease(*request, answer(reactor, reply));
    return reactor;
  }
  grpc::ServerUnaryReactor* Inspect(grpc::CallbackServerContext* context,
                                    const proto::InspectRequest* request,
                                    proto::InspectReply* reply) override {
    auto* reactor = context->DefaultReactor();
    requests_.inspect(*request, answer(reactor, reply));
    return reactor;
  }
  grpc::ServerUnaryReactor* Applied(grpc::CallbackServerContext* context,
                                    const proto::AppliedRequest* request,
                                    proto::AppliedReply*) override {
    requests_.applied(*request);
    auto* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  template <typename Reply>
  static std::function<void(Reply)> answer(grpc::ServerUnaryReactor* reactor, Reply* reply) {
    return [question = std::make_shared<Question>(reactor), reply](Reply value) {
      *reply = std::move(value);
      question->answered = true;
      question->reactor->Finish(grpc::Status::OK);
    };
  }

  PeerRequests& requests_;
};

}  // namespace

struct Server::Parts {
  explicit Parts(PeerRequests& requests)
      : raft(requests, gate),
        sessions(requests, gate),
        replies(requests, gate),
        cluster(requests) {}

  Gate gate;
  RaftService raft;
  SessionsService sessions;
  RepliesService replies;
  ClusterService cluster;
  std::unique_ptr<grpc::Server> server;
  int port = 0;
};

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Server::~Server() {
  stop();
}

std::unique_ptr<Server> Server::listen(const std::string& address, PeerRequests& requests,
                                       std::string& error) {
  auto parts = std::make_unique<Parts>(requests);
  grpc::ServerBuilder builder;
  // Two nodes on one port would share its connections by chance.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(-1);
  builder.SetMaxSendMessageSize(-1);
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &parts->port);
  builder.RegisterService(&parts->raft);
  builder.RegisterService(&parts->sessions);
  builder.RegisterService(&parts->replies);
  builder.RegisterService(&parts->cluster);
  parts->server = builder.BuildAndStart();
  if (!parts->server || parts->port == 0) {
    error = "cannot listen on " + address +
            " for the cluster: is the port taken, or the address not this host's? "
            "See cluster.listener in warren.conf";
    return nullptr;
  }
  return std::unique_ptr<Server>(new Server(std::move(parts)));
}

int Server::port() const {
  return parts_->port;
}

void Server::set_cluster(std::uint64_t cluster_id) {
  parts_->gate.set_cluster(cluster_id);
}

void Server::stop() {
  if (!parts_->server) return;
  parts_->server->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(200));
  parts_->server->Wait();
  parts_->server.reset();
}

}  // namespace warren::cluster
