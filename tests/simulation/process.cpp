#include <fmt/format.h>

#include <utility>

#include "tests/simulation/cluster.h"
#include "tests/simulation/letter_door.h"

namespace warren::simulation {

using namespace std::chrono_literals;

struct Process::Session final : replica::GroupClientSink {
  Session(Process& owner, GroupId id, SessionId session, replica::GroupClientConfig config)
      : process(owner), group(id), client(session, config, *this) {}

  void send(session::ToHost message) override { process.send_to_host(group, std::move(message)); }
  void seek_leader(NodeId hint) override { process.seek(group, hint); }
  void on_outcomes(std::vector<queue::CommandOutcome> outcomes) override {
    for (const auto& one : outcomes)
      if (!process.letters_->on_outcome(one))
        process.cluster_.users->on_outcome(one.origin.channel, one.origin.tag, one.outcome);
  }
  void on_deliveries(std::uint64_t channel, std::vector<queue::Delivery> deliveries) override {
    for (queue::Delivery& delivery : deliveries) {
      process.cluster_.checkers.on_delivery(group, delivery);
      client.taken(delivery.consumer, 1, process.now());
      process.cluster_.users->on_delivery(channel, group, std::move(delivery));
    }
  }
  void on_consumer_cancelled(std::uint64_t channel, ConsumerNumber) override {
    process.cluster_.users->on_consumer_cancelled(channel);
  }
  void on_holdings_refused(std::uint64_t channel, QueueId queue,
                           std::vector<queue::Held> refused) override {
    ++process.world_.tally["claim refused"];
    process.cluster_.users->on_refused(channel, queue, refused);
  }
  void on_writable() override {}
  void on_session_ended() override {
    process.world_.note(fmt::format("group {} ended the session of node {}", group, process.node_));
    process.lost_ = true;
  }

  void watch(BootTime now) {
    bool flowing = client.phase() == session::ClientStream::Phase::flowing;
    if (flowing && now - flowed_at > 1s) long_outage_end = now;
    if (flowing) flowed_at = now;
  }

  Process& process;
  const GroupId group;
  replica::GroupClient client;
  BootTime flowed_at{};
  BootTime long_outage_end{};
};

namespace {
// Timeouts differ between nodes and between lives, as in production.
replica::GroupSetConfig seeded(replica::GroupSetConfig config, World& world, NodeId node,
                               const Clock& clock) {
  config.raft.seed = world.draw(1, 1u << 30);
  config.boot_id = fmt::format("{}-{}", node, clock.boots);
  return config;
}
}  // namespace

Process::Process(Cluster& cluster, NodeId node, SimStore& store)
    : cluster_(cluster),
      world_(cluster.world),
      node_(node),
      store_(store),
      clock_(cluster.clocks_.at(node)),
      set_(seeded(cluster.config, world_, node, clock_), store, *this, *this),
      catalog_(std::make_shared<const catalog::Snapshot>()),
      letters_(std::make_unique<LetterDoor>(*this)) {
  store.later = [this](std::function<void()> what) {
    world_.after_us(world_.draw(50, 2000), [this, alive = std::weak_ptr(alive_), what] {
      if (alive.expired()) return;
      what();
      touch();
    });
  };
  store.written = [this](std::uint64_t number) {
    set_.on_written(number);
    touch();
  };
  set_.set_observer(this);
}

Process::~Process() {
  store_.later = nullptr;
  store_.written = nullptr;
}

BootTime Process::now() const {
  return clock_.boot(world_.now());
}

bool Process::reachable_since(GroupId group, BootTime since) const {
  auto at = sessions_.find(group);
  if (at == sessions_.end()) return false;
  const Session& session = *at->second;
  return session.long_outage_end < since && world_.now() - session.flowed_at < 1s;
}

replica::Now Process::time() const {
  return {now(), clock_.wall(world_.now())};
}

void Process::boot(bool first) {
  if (first) {
    raft::Configuration founders;
    for (std::uint32_t n = 1; n <= cluster_.size(); ++n)
      founders.voters.push_back({n, n, 1});
    set_.create_group(catalog_group, {node_.value, node_.value, 1}, founders, time());
  }
  for (const raft::StoredGroup& stored : store_.stored()) {
    if (first) break;
    auto added = set_.add_group(stored, time());
    if (!added) world_.violation("snapshot unreadable: " + added.error().text);
    // What the durable snapshot names must be there.
    const auto* state = set_.queue_state(GroupId(stored.group.value));
    if (state == nullptr) continue;
    const auto& entries = store_.visible().at(stored.group).entries;
    state->machine().live_entries().for_each(EntryIndex(UINT64_MAX), [&](EntryIndex live) {
      if (!entries.contains(raft::Index(live.value)))
        world_.violation(fmt::format("node {} group {}: entry {} is named by the snapshot and gone",
                                     node_, stored.group.value, live));
    });
  }
  tick();
}

void Process::tick() {
  world_.after_us(clock_.period_us(10ms), [this, alive = std::weak_ptr(alive_)] {
    if (alive.expired()) return;
    set_.tick(time());
    register_self();
    tick();
    turn();
    check_dispatchers();
  });
}

void Process::touch() {
  if (std::exchange(turn_planned_, true)) return;
  world_.after_us(world_.draw(5, 50), [this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) turn();
  });
}

void Process::soon(std::function<void()> what) {
  soon_.push_back(std::move(what));
  touch();
}

void Process::turn() {
  turn_planned_ = false;
  for (auto& what : std::exchange(soon_, {}))
    what();
  bool more = set_.turn(time());
  check_leaders();
  make_groups();
  if (definitions_) pump_definitions();
  for (auto& [group, session] : sessions_) {
    session->watch(world_.now());
    session->client.turn(now());
    more = more || session->client.has_work();
  }
  if (std::exchange(lost_, false)) {
    world_.note(fmt::format("node {} lost its incarnation", node_));
    ++world_.tally["incarnation lost"];
    sessions_.clear();
    definitions_.reset();
    paths_.clear();
    incarnation_.reset();
    soon([this] { letters_->on_lost(); });
    cluster_.users->on_node_lost(node_);
  }
  if (more) touch();
}

void Process::check_leaders() {
  for (const auto& [id, disk] : store_.visible()) {
    auto status = set_.status(GroupId(id.value));
    if (!status || !status->is_leader) continue;
    cluster_.checkers.on_leader(
        GroupId(id.value), status->term, status->leader, status->last,
        [this, id](raft::Index index) { return store_.log().term(id, index); });
  }
}

void Process::check_dispatchers() {
  for (const auto& [id, disk] : store_.visible())
    if (const auto* host = set_.queue_host(GroupId(id.value)))
      if (std::string broken = host->dispatcher().broken_invariant(); !broken.empty())
        world_.violation(fmt::format("dispatcher of group {}: {}", id.value, broken));
}

// Groups that the catalog places here and that are not yet.
void Process::make_groups() {
  if (!std::exchange(placement_changed_, false)) return;
  catalog_->for_each_group([this](const catalog::GroupInfo& info) {
    if (info.id == catalog_group || set_.contains(info.id)) return;
    raft::Configuration founders;
    std::optional<raft::MemberId> self;
    for (const auto& member : info.desired) {
      raft::MemberId id{member.node.value, member.disk.value, member.assigned.value};
      founders.voters.push_back(id);
      if (member.node == node_) self = id;
    }
    std::sort(founders.voters.begin(), founders.voters.end());
    if (self) set_.create_group(info.id, *self, founders, time());
  });
  touch();
}

// --- Incarnations.

void Process::register_self() {
  if (set_.leads(catalog_group) && catalog_->cluster_id() == 0 && !std::exchange(founding_, true)) {
    catalog::Found found;
    found.cluster_id = 7;
    found.cluster_name = "simulated";
    found.queue_groups = cluster_.groups;
    found.replicas = 3;
    for (std::uint32_t n = 1; n <= cluster_.size(); ++n)
      found.nodes.push_back({fmt::format("node{}", n), NodeId(n), DiskId(n), ""});
    set_.command_catalog(found, next_token_++);
  }
  if (incarnation_ || catalog_->cluster_id() == 0 || !world_.chance(50)) return;
  Process* leader = cluster_.leader_of(catalog_group);
  if (leader == nullptr || !world_.connected(node_, leader->node_)) return;
  catalog::RegisterNode command{fmt::format("node{}", node_), node_, DiskId(node_.value), ""};
  leader->soon([leader, command, node = node_] {
    leader->set_.command_catalog(command, (leader->next_token_++ << 8) | node.value);
    leader->touch();
  });
}

void Process::on_own_outcome(std::uint64_t token, const catalog::Outcome* outcome) {
  if (outcome == nullptr || outcome->error || !outcome->incarnation) {
    founding_ = false;
    return;
  }
  NodeId node(static_cast<std::uint32_t>(token & 0xff));
  Incarnation incarnation = outcome->incarnation;
  world_.packet(node_, node, [this_cluster = &cluster_, node, incarnation] {
    if (Process* p = this_cluster->process(node)) p->registered(incarnation);
  });
}

void Process::registered(Incarnation incarnation) {
  if (incarnation_) {
    // Another answer: if it is newer, the one in use has ended, which the groups will say.
    return;
  }
  incarnation_ = incarnation;
  world_.note(fmt::format("node {} is incarnation {}", node_, incarnation));
  definitions_ = std::make_unique<replica::CatalogClient>(SessionId{node_, incarnation}, 15s,
                                                          cluster_.client_config.stream);
  seek(catalog_group, NodeId());
}

void Process::pump_definitions() {
  definitions_->tick(now());
  replica::CatalogClientReady ready = definitions_->take_ready();
  for (session::ToHost& message : ready.messages)
    send_to_host(catalog_group, std::move(message));
  if (ready.seek) seek(catalog_group, *ready.seek);
  for (auto& answer : ready.answers)
    answer();
  if (ready.ended) lost_ = true;
}

replica::GroupClient& Process::client(GroupId group) {
  auto& session = sessions_[group];
  if (!session) {
    session = std::make_unique<Session>(*this, group, SessionId{node_, *incarnation_},
                                        cluster_.client_config);
    session->client.set_catalog_index(catalog_->index());
    seek(group, NodeId());
  }
  return session->client;
}

// --- Streams.

void Process::seek(GroupId group, NodeId hint) {
  paths_.erase(group);
  world_.after_us(world_.draw(2'000, 60'000), [this, alive = std::weak_ptr(alive_), group, hint] {
    if (alive.expired() || !incarnation_ || paths_.contains(group)) return;
    NodeId target = hint;
    if (auto status = set_.status(group); !target && status) target = NodeId(status->leader.node);
    if (!target || world_.chance(200))
      target = NodeId(static_cast<std::uint32_t>(world_.draw(1, cluster_.size())));
    if (group != catalog_group && !sessions_.contains(group)) return;
    paths_[group] = target;
    if (group == catalog_group)
      definitions_->connect(now());
    else
      sessions_.at(group)->client.connect(now());
    touch();
  });
}

void Process::send_to_host(GroupId group, session::ToHost message) {
  auto path = paths_.find(group);
  if (path == paths_.end()) return;
  cluster_.stream(node_, path->second, [group, message = std::move(message)](Process& host) {
    host.on_to_host(group, message);
  });
}

void Process::on_to_host(GroupId group, session::ToHost message) {
  soon([this, group, message = std::move(message)] {
    set_.on_session_message(group, message, time());
    touch();
  });
}

void Process::send(GroupId group, session::ToClient message) {
  if (const auto* event = std::get_if<session::Event>(&message.body))
    if (auto decoded = replica::decode_event(event->payload))
      if (const auto* deliveries = std::get_if<replica::Deliveries>(&*decoded))
        for (const auto& delivery : deliveries->deliveries)
          cluster_.checkers.on_handout(group, delivery, set_.queue_state(group)->stamp());
  NodeId to = message.session.node;
  cluster_.stream(node_, to, [group, message = std::move(message)](Process& client) {
    client.on_to_client(group, message);
  });
}

void Process::on_to_client(GroupId group, session::ToClient message) {
  if (!incarnation_ || message.session.incarnation != *incarnation_) return;
  if (group == catalog_group && definitions_)
    definitions_->on_message(std::move(message), now());
  else if (auto at = sessions_.find(group); at != sessions_.end())
    at->second->client.on_message(std::move(message), now());
  touch();
}

void Process::on_streams_to_lost(NodeId host) {
  for (auto& [group, target] : std::map(paths_)) {
    if (target != host) continue;
    paths_.erase(group);
    if (group == catalog_group)
      definitions_->disconnect(NodeId());
    else if (auto at = sessions_.find(group); at != sessions_.end())
      at->second->client.disconnect(NodeId());
  }
  touch();
}

void Process::on_streams_from_lost(NodeId client) {
  set_.on_session_streams_lost(client, time());
  touch();
}

// --- The group set's side.

void Process::on_status(GroupId group, const raft::Status& status) {
  if (!status.is_leader) return;
  ++world_.tally["leader"];
  world_.note(fmt::format("node {} leads group {} in term {}", node_, group, status.term.value));
}

void Process::on_dead_letters(GroupId group, std::vector<replica::DeadLetterJob> letters) {
  soon([this, group, letters = std::move(letters)] { letters_->take(group, letters); });
}

void Process::answer_letters(GroupId group, std::span<const replica::DeadLetterAnswer> answers) {
  for (const replica::DeadLetterAnswer& answer : answers)
    ++world_.tally[answer.done ? "dead letter done" : "dead letter tried in vain"];
  set_.on_dead_letter_answers(group, answers, time());
  touch();
}

void Process::on_catalog(std::shared_ptr<const catalog::Snapshot> catalog,
                         const catalog::Effects&) {
  catalog_ = std::move(catalog);
  placement_changed_ = true;
  for (auto& [group, session] : sessions_)
    session->client.set_catalog_index(catalog_->index());
}

void Process::on_entry(GroupId group, const raft::Entry& entry) {
  cluster_.checkers.on_entry(node_, group, entry,
                             store_.visible().at(raft::GroupId(group.value)).hard_state.term);
}

void Process::on_applied(GroupId group, const replica::QueueApplied& applied) {
  Stamp& before = stamps_[group];
  cluster_.checkers.on_applied(group, applied, before);
  before = set_.queue_state(group)->stamp();
}

void Process::receive(std::vector<raft::Message> messages) {
  set_.receive(std::move(messages), time());
  touch();
}

void Process::send(std::uint32_t node, std::vector<raft::Message> urgent,
                   std::vector<raft::Message> bulk) {
  for (auto* half : {&urgent, &bulk}) {
    if (half->empty()) continue;
    world_.packet(node_, NodeId(node), [cluster = &cluster_, node, messages = *half] {
      if (Process* p = cluster->process(NodeId(node))) p->receive(messages);
    });
  }
}

void Process::send_snapshot(raft::GroupId group, raft::Term, raft::MemberId to) {
  // Pinned as of now; it takes a while.
  GroupDisk disk = store_.visible().at(group);
  NodeId target(to.node);
  auto finish = [this, alive = std::weak_ptr(alive_), group, to](raft::Index index, bool ok) {
    if (alive.expired()) return;
    set_.on_snapshot_sent(GroupId(group.value), to, index, ok);
    touch();
  };
  if (!disk.snapshot) return world_.after(10ms, [finish] { finish(raft::Index(), false); });
  world_.after_us(world_.draw(2'000, 50'000), [disk, target, group, finish, from = node_,
                                               &world = world_, cluster = &cluster_] {
    Process* p = cluster->process(target);
    raft::SnapshotMeta meta = *disk.snapshot;
    if (p == nullptr || !world.connected(from, target) ||
        !p->set_.begin_install(GroupId(group.value), meta))
      return finish(meta.index, false);
    ++world.tally["snapshot installed"];
    p->store_.install(group, disk, [p, group, meta] { p->installed(GroupId(group.value), meta); });
    p->touch();
    finish(meta.index, true);
  });
}

void Process::installed(GroupId group, raft::SnapshotMeta meta) {
  auto done = set_.finish_install(group, meta, time());
  if (!done) world_.violation("installed snapshot unreadable: " + done.error().text);
}

}  // namespace warren::simulation
