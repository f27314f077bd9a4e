#include "broker/cluster/peers.h"

#include <utility>

#include "broker/cluster/raft_codec.h"

namespace warren::cluster {

namespace {

using Clock = std::chrono::steady_clock;
using RaftStream = ClientStreamEnd<proto::RaftBatch, proto::Closed>;
using SessionStream = ClientStreamEnd<proto::SessionFrames, proto::SessionFrames>;

// One try a stream each 100 ms: quick enough for a restarted node, cheap for a dead one.
constexpr auto retry_interval = std::chrono::milliseconds(100);

// A batch of small messages travels in one write; a bulk write is bounded by Raft's own window.
void send_batch(const std::shared_ptr<RaftStream>& stream,
                const std::vector<raft::Message>& messages) {
  if (!stream || messages.empty()) return;
  proto::RaftBatch batch;
  for (const raft::Message& message : messages)
    encode(message, *batch.add_messages());
  stream->send(std::move(batch));
}

}  // namespace

struct Peers::Peer {
  PeerAddress address;
  std::shared_ptr<grpc::Channel> urgent_channel, bulk_channel;

  // Under `mutex`.
  mutable std::mutex mutex;
  struct State {
    bool open = false;  // asked for; up once the peer's server has answered
    bool up = false;
    Clock::time_point last_try{};
    std::uint64_t generation = 0;  // of the newest try: an older stream's end changes nothing
  };
  State urgent_state, bulk_state, session_state;
  std::shared_ptr<RaftStream> urgent, bulk;
  std::shared_ptr<SessionStream> session;
  std::optional<Clock::time_point> refused_since;
  bool retired = false;

  std::uint64_t generation_of(const State& state) const {
    std::lock_guard lock(mutex);
    return state.generation;
  }

  void close_all() {
    std::lock_guard lock(mutex);
    retired = true;
    if (urgent) urgent->close();
    if (bulk) bulk->close();
    if (session) session->close();
  }
};

std::shared_ptr<grpc::Channel> open_channel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetMaxSendMessageSize(-1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

Peers::Peers(PeerEvents& events, std::uint64_t cluster_id, NodeId self)
    : events_(events), cluster_id_(cluster_id), self_(self) {}

Peers::~Peers() {
  stop();
}

std::multimap<std::string, std::string> Peers::metadata() const {
  return {{"warren-cluster", std::to_string(cluster_id_)},
          {"warren-node", std::to_string(self_.value)}};
}

std::shared_ptr<Peers::Peer> Peers::find(NodeId node) const {
  std::lock_guard lock(mutex_);
  auto it = peers_.find(node);
  return it == peers_.end() ? nullptr : it->second;
}

void Peers::set_peers(const std::vector<PeerAddress>& addresses) {
  std::vector<std::shared_ptr<Peer>> retired;
  {
    std::lock_guard lock(mutex_);
    std::map<NodeId, std::shared_ptr<Peer>> next;
    for (const PeerAddress& address : addresses) {
      if (address.node == self_) continue;
      auto known = peers_.find(address.node);
      if (known != peers_.end() && known->second->address == address) {
        next.emplace(address.node, known->second);
        continue;
      }
      auto peer = std::make_shared<Peer>();
      peer->address = address;
      peer->urgent_channel = open_channel(address.address);
      peer->bulk_channel = open_channel(address.address);
      next.emplace(address.node, std::move(peer));
    }
    for (auto& [node, peer] : peers_)
      if (auto kept = next.find(node); kept == next.end() || kept->second != peer)
        retired.push_back(peer);
    peers_ = std::move(next);
  }
  for (const auto& peer : retired)
    peer->close_all();
  maintain(Clock::now());
}

void Peers::maintain(Clock::time_point now) {
  std::vector<std::shared_ptr<Peer>> peers;
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    for (auto& [node, peer] : peers_)
      peers.push_back(peer);
  }
  for (const auto& peer : peers) {
    auto due = [&](Peer::State& state) {
      std::lock_guard lock(peer->mutex);
      if (peer->retired || state.open || now - state.last_try < retry_interval) return false;
      state.open = true;
      ++state.generation;
      state.last_try = now;
      return true;
    };
    if (due(peer->urgent_state)) open_raft(peer, true);
    if (due(peer->bulk_state)) open_raft(peer, false);
    if (due(peer->session_state)) open_session(peer);
  }
}

void Peers::open_raft(const std::shared_ptr<Peer>& peer, bool urgent) {
  {
    std::lock_guard lock(mutex_);
    ++open_streams_;
  }
  auto state = [peer, urgent]() -> Peer::State& {
    return urgent ? peer->urgent_state : peer->bulk_state;
  };
  const std::uint64_t generation = peer->generation_of(state());
  RaftStream::Callbacks callbacks;
  callbacks.up = [peer, state] {
    std::lock_guard lock(peer->mutex);
    state().up = true;
    peer->refused_since.reset();
  };
  callbacks.received = [](proto::Closed) {};
  callbacks.done = [this, peer, state, urgent](const grpc::Status& status) {
    bool was_up = false;
    {
      std::lock_guard lock(peer->mutex);
      was_up = std::exchange(state().up, false);
      state().open = false;
      (urgent ? peer->urgent : peer->bulk).reset();
      if (status.error_code() == grpc::StatusCode::UNAVAILABLE && !peer->refused_since)
        peer->refused_since = Clock::now();
    }
    if (was_up) events_.on_peer_reset(peer->address.node);
    stream_done();
  };
  auto stub = std::make_shared<std::unique_ptr<proto::Raft::Stub>>(
      proto::Raft::NewStub(urgent ? peer->urgent_channel : peer->bulk_channel));
  auto stream = RaftStream::open(
      [stub](auto* context, auto* reactor) { (*stub)->async()->Messages(context, reactor); },
      std::move(callbacks), metadata());
  std::lock_guard lock(peer->mutex);
  // The stream may be done already.
  if (state().open && state().generation == generation)
    (urgent ? peer->urgent : peer->bulk) = stream;
  if (peer->retired) stream->close();
}

void Peers::open_session(const std::shared_ptr<Peer>& peer) {
  {
    std::lock_guard lock(mutex_);
    ++open_streams_;
  }
  NodeId node = peer->address.node;
  const std::uint64_t generation = peer->generation_of(peer->session_state);
  SessionStream::Callbacks callbacks;
  callbacks.up = [this, peer, node] {
    {
      std::lock_guard lock(peer->mutex);
      peer->session_state.up = true;
    }
    events_.on_session_up(node);
  };
  callbacks.received = [this, node](proto::SessionFrames frames) {
    events_.on_session_frames(node, std::move(frames));
  };
  callbacks.done = [this, peer, node](const grpc::Status&) {
    bool was_up = false;
    {
      std::lock_guard lock(peer->mutex);
      was_up = std::exchange(peer->session_state.up, false);
      peer->session_state.open = false;
      peer->session.reset();
    }
    if (was_up) events_.on_session_reset(node);
    stream_done();
  };
  auto stub = std::make_shared<std::unique_ptr<proto::Sessions::Stub>>(
      proto::Sessions::NewStub(peer->bulk_channel));
  auto stream = SessionStream::open(
      [stub](auto* context, auto* reactor) { (*stub)->async()->Session(context, reactor); },
      std::move(callbacks), metadata());
  std::lock_guard lock(peer->mutex);
  if (peer->session_state.open && peer->session_state.generation == generation)
    peer->session = stream;
  if (peer->retired) stream->close();
}

void Peers::stream_done() {
  std::lock_guard lock(mutex_);
  --open_streams_;
  all_done_.notify_all();
}

void Peers::stop() {
  std::map<NodeId, std::shared_ptr<Peer>> peers;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    peers = peers_;
  }
  for (auto& [node, peer] : peers)
    peer->close_all();
  std::unique_lock lock(mutex_);
  all_done_.wait(lock, [this] { return open_streams_ == 0; });
}

void Peers::send_raft(NodeId node, const std::vector<raft::Message>& urgent,
                      const std::vector<raft::Message>& bulk) {
  auto peer = find(node);
  if (!peer) return;
  std::shared_ptr<RaftStream> urgent_stream, bulk_stream;
  {
    std::lock_guard lock(peer->mutex);
    urgent_stream = peer->urgent;
    bulk_stream = peer->bulk;
  }
  send_batch(urgent_stream, urgent);
  send_batch(bulk_stream, bulk);
}

bool Peers::send_session(NodeId node, proto::SessionFrames frames) {
  auto peer = find(node);
  if (!peer) return false;
  std::shared_ptr<SessionStream> stream;
  {
    std::lock_guard lock(peer->mutex);
    stream = peer->session;
  }
  return stream && stream->send(std::move(frames));
}

std::optional<Clock::time_point> Peers::refused_since(NodeId node) const {
  auto peer = find(node);
  if (!peer) return std::nullopt;
  std::lock_guard lock(peer->mutex);
  return peer->refused_since;
}

bool Peers::is_up(NodeId node) const {
  auto peer = find(node);
  if (!peer) return false;
  std::lock_guard lock(peer->mutex);
  return peer->urgent_state.up;
}

bool Peers::carries_sessions(NodeId node) const {
  auto peer = find(node);
  if (!peer) return false;
  std::lock_guard lock(peer->mutex);
  return peer->session_state.up && peer->session;
}

std::unique_ptr<proto::Cluster::Stub> Peers::cluster_stub(NodeId node) const {
  auto peer = find(node);
  return peer ? proto::Cluster::NewStub(peer->urgent_channel) : nullptr;
}

std::unique_ptr<proto::Replies::Stub> Peers::replies_stub(NodeId node) const {
  auto peer = find(node);
  return peer ? proto::Replies::NewStub(peer->bulk_channel) : nullptr;
}

std::unique_ptr<proto::Raft::Stub> Peers::raft_stub(NodeId node) const {
  auto peer = find(node);
  return peer ? proto::Raft::NewStub(peer->bulk_channel) : nullptr;
}

}  // namespace warren::cluster
