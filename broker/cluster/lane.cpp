#include "broker/cluster/lane.h"

#include <algorithm>
#include <utility>

#include "broker/cluster/membership.h"
#include "broker/cluster/session_codec.h"
#include "broker/runtime/log.h"
#include "broker/runtime/system_clock.h"

namespace warren::cluster {

namespace {
constexpr Milliseconds tick_period{10};  // what raft::Config counts in
constexpr Milliseconds reshape_period{1000};
// Inputs that a turn makes for itself (a client's batch for a group led here) are taken in the
// same turn, but sockets get their chance too.
constexpr int rounds_a_turn = 8;
constexpr Milliseconds turn_time{10};  // no further round after that
}  // namespace

Lane::Lane(runtime::Reactor& reactor, LaneConfig config, replica::GroupStore& store,
           LaneWorld& world)
    : reactor_(reactor),
      config_(std::move(config)),
      world_(world),
      set_(config_.groups, store, *this, *this),
      ticks_(tick_period, config_.groups.raft.heartbeat_ticks),
      tick_timer_(reactor),
      reshape_timer_(reactor) {}

Lane::~Lane() = default;

replica::Now Lane::time() const {
  return {reactor_.now(), Stamp(runtime::wall_ms_now())};
}

void Lane::start() {
  ticks_.start(now());
  tick_timer_.start_every(tick_period, [this] {
    const replica::Now now = time();
    for (std::int64_t due = ticks_.due(now.boot); due > 0; --due)
      set_.tick(now);
    if (handed_over_) try_hand_over();
    turn();
  });
  reshape_timer_.start_every(reshape_period, [this] { reshape(); });
  wake();
}

void Lane::stop() {
  tick_timer_.cancel();
  reshape_timer_.cancel();
  links_.clear();
  local_.reset();
}

void Lane::wake() {
  if (std::exchange(turn_due_, true)) return;
  reactor_.at_turn_end([this] { turn(); });
}

void Lane::turn() {
  turn_due_ = false;
  bool more = true;
  const BootTime until = now() + turn_time;
  for (int round = 0; more && round < rounds_a_turn; ++round) {
    const replica::Now now = time();
    if (round > 0 && now.boot >= until) break;
    more = set_.turn(now);
    if (local_) more |= local_->turn(now.boot);
    more |= turn_links(now.boot);
  }
  flush();
  if (more) reactor_.post([this] { wake(); });
}

bool Lane::turn_links(BootTime now) {
  for (auto& [group, link] : links_)
    link->turn(now);
  // Abandoned ones have told everything; the node's next life has a local group of its own.
  std::erase_if(links_, [this](const auto& entry) {
    return is_local(entry.first) && node_of_local(entry.first) != config_.self &&
           entry.second->client().phase() == session::ClientStream::Phase::ended &&
           entry.second->client().idle();
  });
  auto loopback = std::exchange(loopback_, {});
  for (auto& [group, message] : loopback) {
    if (local_ && group == local_->id())
      local_->on_session_message(std::move(message), now);
    else
      set_.on_session_message(group, std::move(message), time());
  }
  return !loopback.empty();
}

void Lane::flush() {
  for (auto& [node, frames] : std::exchange(to_hosts_, {}))
    world_.send_to_hosts(node, std::move(frames));
  for (auto& [node, frames] : std::exchange(to_clients_, {}))
    world_.send_to_clients(node, std::move(frames));
}

// --- Inputs

void Lane::receive_raft(std::vector<raft::Message> messages) {
  const replica::Now now = time();
  for (const raft::Message& message : messages)
    (void)set_.answers_to(GroupId(message.group.value), message.to, now);
  set_.receive(std::move(messages), now);
  wake();
}

void Lane::receive_requests(NodeId from,
                            std::vector<std::pair<GroupId, session::ToHost>> messages) {
  for (auto& [group, message] : messages) {
    if (message.session.node != from) continue;
    if (local_ && group == local_->id())
      local_->on_session_message(std::move(message), now());
    else
      set_.on_session_message(group, std::move(message), time());
  }
  wake();
}

void Lane::receive_replies(NodeId from,
                           std::vector<std::pair<GroupId, session::ToClient>> messages) {
  for (auto& [group, message] : messages) {
    if (group == catalog_group) {
      world_.on_catalog_reply(from, std::move(message));
      continue;
    }
    auto link = links_.find(group);
    if (link != links_.end()) link->second->on_message(from, std::move(message), now());
  }
  wake();
}

void Lane::on_written(std::uint64_t number) {
  set_.on_written(number);
  wake();
}

void Lane::on_peer_reset(NodeId node) {
  set_.on_peer_reset(node.value);
  wake();
}

void Lane::on_dead_letter_answers(GroupId group,
                                  std::span<const replica::DeadLetterAnswer> answers) {
  if (local_ && group == local_->id())
    local_->on_dead_letter_answers(answers, now());
  else
    set_.on_dead_letter_answers(group, answers, time());
  wake();
}

void Lane::on_client_streams_lost(NodeId node) {
  set_.on_session_streams_lost(node, time());
  if (local_) local_->on_session_streams_lost(node, now());
  wake();
}

void Lane::on_host_node_lost(NodeId node) {
  for (auto& [group, link] : links_)
    link->on_node_lost(node, now());
  wake();
}

void Lane::on_host_node_up(NodeId node) {
  for (auto& [group, link] : links_)
    link->on_node_up(node);
  wake();
}

// --- Sessions

void Lane::start_session(SessionId session) {
  session_ = session;
  replica::LocalGroupOutlet& outlet = *this;
  if (Lane::index_of(local_group_of(config_.self), config_.count) == config_.index)
    local_ = std::make_unique<replica::LocalGroup>(session, outlet, config_.groups.host, catalog_,
                                                   Stamp(runtime::wall_ms_now()), now());
  wake();
}

void Lane::end_session() {
  session_.reset();
  // Whoever waits for an answer gets one; nobody can make a new client meanwhile.
  for (auto& [group, link] : links_) {
    link->client().abandon();
    link->client().turn(now());
  }
  if (local_) local_->end();
  flush();
  local_.reset();
  links_.clear();
}

replica::GroupClient* Lane::client(GroupId group) {
  if (!session_) return nullptr;
  auto& link = links_[group];
  if (!link) {
    LinkHost& host = *this;
    Incarnation life = is_local(group) ? life_of(node_of_local(group)) : Incarnation();
    link = std::make_unique<GroupLink>(group, life, *session_, config_.client, host);
    if (catalog_) link->client().set_catalog_index(catalog_->index());
    abandon_lost(*link);
  }
  wake();
  return &link->client();
}

// --- LinkHost

NodeId Lane::leader_of(GroupId group) const {
  if (is_local(group)) return node_of_local(group);
  auto status = set_.status(group);
  if (!status) return NodeId();
  // Until its host is up, a fresh leader answers nobody.
  if (status->is_leader) return set_.leads(group) ? config_.self : NodeId();
  return NodeId(status->leader.node);
}

std::vector<NodeId> Lane::candidates(GroupId group) const {
  std::vector<NodeId> nodes;
  if (!catalog_ || is_local(group)) return nodes;
  // A member here would have told who leads: nobody does.
  if (set_.contains(group)) return nodes;
  if (const auto* info = catalog_->group(group))
    for (const auto& member : info->desired)
      nodes.push_back(member.node);
  return nodes;
}

bool Lane::reachable(NodeId node) const {
  return node == config_.self || world_.reachable(node);
}

void Lane::send_to_host(NodeId node, GroupId group, session::ToHost message) {
  if (node == config_.self)
    loopback_.emplace_back(group, std::move(message));
  else
    encode(group, message, *to_hosts_[node].add_frames());
}

void Lane::on_outcomes(std::vector<replica::CommandOutcome> outcomes) {
  world_.on_outcomes(std::move(outcomes));
}
void Lane::on_deliveries(std::uint64_t channel, std::vector<queue::Delivery> deliveries) {
  world_.on_deliveries(channel, std::move(deliveries));
}
void Lane::on_consumer_cancelled(std::uint64_t channel, ConsumerNumber number) {
  world_.on_consumer_cancelled(channel, number);
}
void Lane::on_holdings_refused(std::uint64_t channel, QueueId queue,
                               std::vector<queue::Held> refused) {
  world_.on_holdings_refused(channel, queue, std::move(refused));
}
void Lane::on_writable(GroupId group) {
  world_.on_writable(group);
}
void Lane::on_session_ended(GroupId group) {
  // Another node's local group ends our session when that node dies: only that group is gone.
  if (is_local(group) && node_of_local(group) != config_.self) return;
  if (session_) world_.on_session_ended(*session_);
}

// --- GroupSetOutlet, LocalGroupOutlet

void Lane::send(GroupId group, session::ToClient message) {
  if (group == catalog_group) {
    world_.on_catalog_answer(std::move(message));
    return;
  }
  NodeId node = message.session.node;
  if (node != config_.self) {
    encode(group, message, *to_clients_[node].add_frames());
    return;
  }
  auto link = links_.find(group);
  if (link != links_.end()) link->second->on_message(node, std::move(message), now());
}

void Lane::on_status(GroupId group, const raft::Status& status) {
  runtime::log_info("group {}: term {}, leader node {}{}", group.value, status.term.value,
                    status.leader.node, status.is_leader ? " (this node)" : "");
  auto link = links_.find(group);
  if (link != links_.end()) link->second->on_leader_known(NodeId(status.leader.node), now());
  if (group == catalog_group)
    world_.on_catalog_status(status);
  else
    world_.on_leading(group, status.is_leader);
}

void Lane::on_catalog(std::shared_ptr<const catalog::Snapshot> catalog,
                      const catalog::Effects& effects) {
  world_.on_catalog_applied(std::move(catalog), effects);
}
void Lane::on_read_ready(GroupId group, std::uint64_t context, bool ok) {
  if (group == catalog_group) world_.on_catalog_read(context, ok);
}
void Lane::on_own_outcome(std::uint64_t token, const catalog::Outcome* outcome) {
  world_.on_catalog_outcome(token, outcome);
}
void Lane::on_queue_sealed(GroupId, QueueId queue) {
  world_.on_queue_sealed(queue);
}
void Lane::on_queue_unused(GroupId, QueueId queue) {
  world_.on_queue_unused(queue);
}

void Lane::on_dead_letters(GroupId group, std::vector<replica::DeadLetterJob> letters) {
  world_.on_dead_letters(config_.index, group, std::move(letters));
}

// --- raft::Transport

void Lane::send(std::uint32_t node, std::vector<raft::Message> urgent,
                std::vector<raft::Message> bulk) {
  world_.send_raft(NodeId(node), std::move(urgent), std::move(bulk));
}
void Lane::send_snapshot(raft::GroupId group, raft::Term term, raft::MemberId to) {
  world_.send_snapshot(GroupId(group.value), term, to);
}

// --- Group 0

void Lane::send_catalog_request(NodeId node, session::ToHost message) {
  send_to_host(node, catalog_group, std::move(message));
  wake();
}
void Lane::send_catalog_answer(session::ToClient message) {
  NodeId node = message.session.node;
  encode(catalog_group, message, *to_clients_[node].add_frames());
  wake();
}
bool Lane::command_catalog(catalog::Command command, std::uint64_t token) {
  wake();
  return set_.command_catalog(std::move(command), token);
}
raft::ReadOutcome Lane::read_catalog(std::uint64_t context) {
  wake();
  return set_.read_index(catalog_group, context);
}

}  // namespace warren::cluster
