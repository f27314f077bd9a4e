#include "broker/cluster/catalog_keeper.h"

#include <algorithm>
#include <utility>

#include "broker/runtime/log.h"

namespace warren::cluster {

namespace {
constexpr Milliseconds tick_period{20};
// Until the first lease, and after a lost one.
constexpr Milliseconds impatient_renewal{50};
// An unanswered question is asked again.
constexpr Milliseconds question_timeout{1000};
}  // namespace

CatalogKeeper::CatalogKeeper(Lane& lane, KeeperConfig config, KeeperWorld& world)
    : lane_(lane),
      config_(std::move(config)),
      world_(world),
      timer_(lane.reactor()),
      path_(catalog_group, lane.link_host()),
      lease_(config_.lease),
      holders_(config_.lease),
      gate_(holders_) {}

CatalogKeeper::~CatalogKeeper() = default;

void CatalogKeeper::start() {
  timer_.start_every(tick_period, [this] { tick(); });
}

void CatalogKeeper::stop() {
  stopped_ = true;
  timer_.cancel();
  client_.reset();
  drop_questions();
}

// Whoever asked is answered: a question that waits for ever keeps the listener open.
void CatalogKeeper::drop_questions() {
  for (auto& [context, read] : std::exchange(reads_, {}))
    read.done(proto::LeaseReply());
  for (auto& [token, done] : std::exchange(commands_, {}))
    done(nullptr);
}

void CatalogKeeper::tick() {
  BootTime now = lane_.now();
  if (client_) {
    if (path_.next(now)) client_->connect(now);
    client_->tick(now);
    pump_client();
  }
  lead(now);
  renew_lease(now);
  publish_lease();
}

// --- The node's side

void CatalogKeeper::start_session(SessionId session) {
  session_ = session;
  client_ = std::make_unique<replica::CatalogClient>(session, config_.operation_timeout);
  path_.lost(NodeId(), lane_.now());
  path_.expedite();
  asking_ = false;
  renew_lease(lane_.now());
}

void CatalogKeeper::end_session() {
  session_.reset();
  // Whoever waits for an answer gets one, and may ask again in return.
  if (auto client = std::exchange(client_, nullptr)) {
    client->abandon();
    for (auto& answer : client->take_ready().answers)
      answer();
  }
  lease_.revoke();
  publish_lease();
}

void CatalogKeeper::define(const catalog::Command& command, replica::CatalogClient::Done done) {
  if (!client_) {
    done(fail(ReplyCode::internal_error, "this node is not a member of the cluster now"));
    return;
  }
  client_->define(command, std::move(done), lane_.now());
  pump_client();
}

void CatalogKeeper::on_reply(NodeId from, session::ToClient message) {
  if (!client_ || from != path_.node()) return;
  client_->on_message(std::move(message), lane_.now());
  pump_client();
}

void CatalogKeeper::pump_client() {
  replica::CatalogClientReady ready = client_->take_ready();
  for (session::ToHost& message : ready.messages)
    if (path_.node()) lane_.send_catalog_request(path_.node(), std::move(message));
  if (ready.seek) path_.lost(*ready.seek, lane_.now());
  for (auto& answer : ready.answers)
    answer();
  if (ready.ended) world_.on_incarnation_lost();
}

void CatalogKeeper::on_host_node_lost(NodeId node) {
  if (!client_ || node != path_.node()) return;
  client_->disconnect(NodeId());
  path_.lost(NodeId(), lane_.now());
  pump_client();
}

void CatalogKeeper::on_host_node_up(NodeId) {
  path_.expedite();
}

void CatalogKeeper::renew_lease(BootTime now) {
  if (!session_) return;
  const bool overdue = asking_ && now - asked_ > BootTime(question_timeout);
  if (asking_ && !overdue) return;
  const auto period = lease_.valid(now) ? config_.lease_renewal : impatient_renewal;
  if (now - asked_ < BootTime(period)) return;
  NodeId leader = lane_.catalog_leader();
  if (!leader) return;
  asking_ = true;
  asked_ = now;
  proto::LeaseRequest request;
  request.set_node(config_.self.value);
  request.set_incarnation(session_->incarnation.value);
  request.set_applied(catalog_ ? catalog_->index().value : 0);
  auto done = [this, now, asked_as = *session_](proto::LeaseReply reply) {
    if (session_ == asked_as) take_lease(now, reply);
  };
  if (leader == config_.self)
    lease(request, std::move(done));
  else
    world_.ask_lease(leader, std::move(request), std::move(done));
}

void CatalogKeeper::take_lease(BootTime asked, const proto::LeaseReply& reply) {
  if (asked == asked_) asking_ = false;
  if (reply.dead()) {
    world_.on_incarnation_lost();
    return;
  }
  if (!reply.granted()) return;
  lease_.granted(asked, CatalogIndex(reply.index()));
  if (reply.floor()) world_.on_catalog_floor(CatalogIndex(reply.floor()));
  publish_lease();
}

void CatalogKeeper::publish_lease() {
  const BootTime now = lane_.now();
  // Between two ticks it may end and come again: a front end may have seen the end, and wait.
  const bool lapsed = routable_ && !may_route(now);
  valid_until_.store(lease_.valid_until().count());
  const bool was_routable = std::exchange(routable_, lease_.valid(now)) && !lapsed;
  if (routable_ && !was_routable)
    world_.on_routable();
  else if (lapsed && session_)
    runtime::log_warning(
        "no routing lease: publishes wait until the catalog's leader answers again");
}

void CatalogKeeper::on_applied(std::shared_ptr<const catalog::Snapshot> catalog) {
  catalog_ = std::move(catalog);
  lease_.applied(catalog_->index());
  publish_lease();
  if (leading_) {
    holders_.applied(config_.self, catalog_->index());
    applied_[config_.self] = catalog_->index();
    release_answers();
  } else {
    report_applied();
  }
}

void CatalogKeeper::report_applied() {
  if (reporting_ || !session_ || !catalog_ || reported_ >= catalog_->index()) return;
  NodeId leader = lane_.catalog_leader();
  if (!leader || leader == config_.self) return;
  reporting_ = true;
  reported_ = catalog_->index();
  proto::AppliedRequest request;
  request.set_node(config_.self.value);
  request.set_incarnation(session_->incarnation.value);
  request.set_applied(reported_.value);
  world_.report_applied(leader, std::move(request), [this] {
    reporting_ = false;
    report_applied();
  });
}

// --- Leadership

bool CatalogKeeper::leads() const {
  return lane_.groups().leads(catalog_group);
}

void CatalogKeeper::on_status(const raft::Status& status) {
  reported_ = CatalogIndex();
  report_applied();
  // A leader that hangs never says that it leads no more.
  NodeId leader(status.leader.node);
  if (client_ && leader && leader != path_.node()) {
    if (!path_.seeking()) {
      client_->disconnect(leader);
      pump_client();
    }
    path_.lost(leader, lane_.now());
    path_.expedite();
  }
  if (status.is_leader || !leading_) return;
  leading_ = false;
  for (session::ToClient& message : gate_.end())
    deliver(std::move(message));
  for (auto& [context, read] : std::exchange(reads_, {}))
    read.done(proto::LeaseReply());
}

void CatalogKeeper::lead(BootTime now) {
  if (leading_ && !leads()) leading_ = false;
  begin_leading(now);
  if (!leading_) return;
  found();
  bury_the_dead(now);
  release_answers();
}

// At the latest when the host answers the first time: what former leaders granted is unknown.
void CatalogKeeper::begin_leading(BootTime now) {
  if (leading_ || !leads()) return;
  leading_ = true;
  holders_.begin_term(now);
  heard_.clear();
  applied_.clear();
  if (catalog_) holders_.applied(config_.self, catalog_->index());
}

void CatalogKeeper::found() {
  const replica::CatalogState* state = lane_.groups().catalog_state();
  if (config_.found.nodes.empty() || !state || state->catalog().founded() || !commands_.empty())
    return;
  std::uint64_t token = ++last_token_;
  if (lane_.command_catalog(config_.found, token))
    commands_[token] = [](const catalog::Outcome* outcome) {
      if (outcome && outcome->error)
        runtime::log_error("founding the cluster: {}", outcome->error->text);
    };
}

void CatalogKeeper::bury_the_dead(BootTime now) {
  if (!catalog_) return;
  std::vector<catalog::NodeDead> dead;
  catalog_->for_each_node([&](const catalog::NodeInfo& node) {
    if (node.id == config_.self || node.dead || !node.incarnation) return;
    auto [heard, is_new] = heard_.try_emplace(node.id, now);
    const BootTime silent = now - heard->second;
    const auto refused = world_.refused_for(node.id);
    if (silent >= BootTime(config_.dead_silent) ||
        (refused && *refused >= config_.dead_refused && silent >= BootTime(config_.dead_refused)))
      dead.push_back({node.id, node.incarnation});
  });
  for (const catalog::NodeDead& command : dead) {
    runtime::log_warning("node {} is dead: its exclusive and transient queues go",
                         command.node.value);
    heard_[command.node] = now;
    lane_.command_catalog(command, ++last_token_);
  }
}

std::vector<NodeId> CatalogKeeper::living_nodes() const {
  std::vector<NodeId> nodes;
  if (catalog_)
    catalog_->for_each_node([&](const catalog::NodeInfo& node) {
      if (!node.dead && node.incarnation) nodes.push_back(node.id);
    });
  return nodes;
}

CatalogIndex CatalogKeeper::floor() const {
  CatalogIndex lowest = catalog_ ? catalog_->index() : CatalogIndex();
  for (NodeId node : living_nodes()) {
    auto it = applied_.find(node);
    lowest = std::min(lowest, it == applied_.end() ? CatalogIndex() : it->second);
  }
  return lowest;
}

void CatalogKeeper::on_answer(session::ToClient message) {
  const replica::CatalogState* state = lane_.groups().catalog_state();
  begin_leading(lane_.now());
  gate_.hold(std::move(message), state->catalog().index());
  release_answers();
}

void CatalogKeeper::release_answers() {
  if (gate_.empty()) return;
  for (session::ToClient& message : gate_.release(lane_.now(), living_nodes()))
    deliver(std::move(message));
}

void CatalogKeeper::deliver(session::ToClient message) {
  if (message.session.node != config_.self) {
    lane_.send_catalog_answer(std::move(message));
    return;
  }
  // Not from within the host's turn.
  lane_.reactor().post([this, message = std::move(message)]() mutable {
    on_reply(config_.self, std::move(message));
  });
}

// --- Questions of other nodes

void CatalogKeeper::enrol(const proto::RegisterRequest& request,
                          std::function<void(proto::RegisterReply)> done) {
  const replica::CatalogState* state = lane_.groups().catalog_state();
  proto::RegisterReply refusal;
  if (state && request.cluster_id() != 0 && state->catalog().founded() &&
      request.cluster_id() != state->catalog().snapshot()->cluster_id()) {
    refusal.set_error(
        "this node's store belongs to another cluster; check cluster_formation and the addresses");
    done(std::move(refusal));
    return;
  }
  if (stopped_ || !leads() || !state || !state->catalog().founded()) {
    NodeId leader = lane_.catalog_leader();
    refusal.set_leader_hint(leader.value);
    if (const auto* node = catalog_ ? catalog_->node(leader) : nullptr)
      refusal.set_leader_address(node->address);
    refusal.set_error("the catalog has no leader here yet");
    done(std::move(refusal));
    return;
  }
  catalog::RegisterNode command;
  command.name = request.node().name();
  command.node = NodeId(request.node().node());
  command.disk = DiskId(request.node().disk());
  command.address = request.node().address();
  std::uint64_t token = ++last_token_;
  commands_[token] = [this, done](const catalog::Outcome* outcome) {
    proto::RegisterReply reply;
    if (!outcome)
      reply.set_error("the catalog's leader changed meanwhile");
    else if (outcome->error)
      reply.set_error(outcome->error->text);
    else
      reply = registered(*outcome);
    done(std::move(reply));
  };
  if (!lane_.command_catalog(std::move(command), token)) on_outcome(token, nullptr);
}

proto::RegisterReply CatalogKeeper::registered(const catalog::Outcome& outcome) const {
  auto catalog = lane_.groups().catalog_state()->catalog().snapshot();
  proto::RegisterReply reply;
  reply.set_accepted(true);
  reply.set_node(outcome.node.value);
  reply.set_incarnation(outcome.incarnation.value);
  reply.set_cluster_id(catalog->cluster_id());
  reply.set_cluster_name(catalog->cluster_name());
  if (const auto* group = catalog->group(catalog_group))
    for (const auto& member : group->desired)
      if (member.node == outcome.node) reply.set_assigned(member.assigned.value);
  catalog->for_each_node([&reply](const catalog::NodeInfo& info) {
    auto* node = reply.add_nodes();
    node->set_node(info.id.value);
    node->set_name(info.name);
    node->set_address(info.address);
  });
  return reply;
}

void CatalogKeeper::on_outcome(std::uint64_t token, const catalog::Outcome* outcome) {
  auto node = commands_.extract(token);
  if (!node.empty()) node.mapped()(outcome);
}

void CatalogKeeper::lease(const proto::LeaseRequest& request,
                          std::function<void(proto::LeaseReply)> done) {
  proto::LeaseReply refusal;
  NodeId node(request.node());
  const auto* info = catalog_ ? catalog_->node(node) : nullptr;
  if (leading_ && info && (info->dead || info->incarnation.value > request.incarnation())) {
    refusal.set_dead(true);
    done(std::move(refusal));
    return;
  }
  std::uint64_t context = ++last_read_;
  if (stopped_ || !leading_ || !info || info->incarnation.value != request.incarnation() ||
      lane_.read_catalog(context) != raft::ReadOutcome::accepted) {
    refusal.set_leader_hint(lane_.catalog_leader().value);
    done(std::move(refusal));
    return;
  }
  heard_[node] = lane_.now();
  reads_.emplace(context, PendingRead{request, std::move(done)});
}

void CatalogKeeper::on_read(std::uint64_t context, bool ok) {
  auto node = reads_.extract(context);
  if (node.empty()) return;
  PendingRead& read = node.mapped();
  proto::LeaseReply reply;
  if (ok && leading_) {
    NodeId holder(read.request.node());
    holders_.grant(holder, lane_.now());
    holders_.applied(holder, CatalogIndex(read.request.applied()));
    applied_[holder] = CatalogIndex(read.request.applied());
    reply.set_granted(true);
    reply.set_index(lane_.groups().catalog_state()->catalog().index().value);
    reply.set_floor(floor().value);
    release_answers();
  }
  read.done(std::move(reply));
}

void CatalogKeeper::applied(const proto::AppliedRequest& request) {
  if (!leading_) return;
  NodeId node(request.node());
  heard_[node] = lane_.now();
  holders_.applied(node, CatalogIndex(request.applied()));
  applied_[node] = CatalogIndex(request.applied());
  release_answers();
}

}  // namespace warren::cluster
