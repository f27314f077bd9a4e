#include "tests/scenario/raft/world.h"

#include <utility>

#include "raft/configuration.h"

namespace warren::test {

using raft::Index;
using raft::Term;

void Node::send(std::uint32_t to, std::vector<raft::Message> urgent,
                std::vector<raft::Message> bulk) {
  for (auto* messages : {&urgent, &bulk}) {
    for (raft::Message& message : *messages) {
      Packet packet;
      packet.from = number;
      packet.to = to;
      packet.sender_incarnation = incarnation;
      packet.message = std::move(message);
      world.network.push_back(std::move(packet));
    }
  }
}

void Node::send_snapshot(raft::GroupId group, Term, raft::MemberId to) {
  Packet packet;
  packet.from = number;
  packet.to = to.node;
  packet.sender_incarnation = incarnation;
  packet.snapshot = store.snapshot(group);
  packet.snapshot_to = to;
  packet.state = store.snapshot_state(group);
  if (!packet.snapshot) world.violations.emplace_back("a snapshot was asked for and there is none");
  world.network.push_back(std::move(packet));
}

void Node::apply(raft::GroupId group, std::span<const raft::Entry> entries) {
  for (const raft::Entry& entry : entries) {
    if (entry.index != applied.next()) world.violations.emplace_back("applied out of order");
    applied = entry.index;
    if (entry.kind == raft::EntryKind::configuration) {
      applied_configuration = *raft::decode_configuration(entry.bytes());
    }
    hash = hash * 0x100000001B3ULL ^ entry.term.value;
    for (const char byte : entry.bytes())
      hash = hash * 0x100000001B3ULL ^ std::uint64_t(byte);
    world.invariants.observe_applied(entry, driver->status(group).term);
    const auto [known, fresh] = world.hashes.try_emplace(applied, hash);
    if (!fresh && known->second != hash) world.violations.emplace_back("states differ");
  }
}

void Node::on_status(raft::GroupId, const raft::Status&) {}

void Node::on_read_ready(raft::GroupId, std::uint64_t context, bool ok) {
  const auto floor = world.read_floors.find(context);
  if (ok && floor != world.read_floors.end() && applied < floor->second) {
    world.violations.emplace_back("a read is older than its question");
  }
  reads.emplace_back(context, ok);
}

Node& World::create(std::uint32_t number, const raft::Configuration& founding, std::uint64_t disk) {
  nodes_[number] = std::make_unique<Node>(*this, number, member(number, disk));
  Node& node = this->node(number);
  node.driver = std::make_unique<raft::Driver>(node.store, node, node);
  raft::Config config = config_;
  config.seed = seed_ * 1000 + number;
  node.driver->create_group(config, group, node.self, founding);
  return node;
}

Node& World::prepare(std::uint32_t number, const raft::GroupWrite& write,
                     const raft::SnapshotMeta& snapshot) {
  nodes_[number] = std::make_unique<Node>(*this, number, member(number));
  Node& node = this->node(number);
  node.store.write(1, {write});
  node.store.sync();
  node.store.compact(group, snapshot, "", Index(1));
  node.store.take_completed();
  return node;
}

void World::crash(std::uint32_t number) {
  Node& node = this->node(number);
  node.driver.reset();
  node.store.crash();
  ++node.incarnation;
  node.seen.clear();
}

void World::restart(std::uint32_t number, bool abstain) {
  Node& node = this->node(number);
  raft::Config config = config_;
  config.seed = seed_ * 1000 + number * 100 + node.incarnation;
  node.driver = std::make_unique<raft::Driver>(node.store, node, node);
  node.applied = Index();
  node.hash = 0;
  std::optional<raft::StoredGroup> stored = node.store.stored(group, node.self);
  if (!stored) {
    node.driver->create_group(config, group, node.self, {});
    return;
  }
  if (stored->snapshot) {
    node.applied = stored->snapshot->index;
    node.applied_configuration = stored->snapshot->configuration;
    const std::string& state = node.store.snapshot_state(group);
    node.hash = state.empty() ? 0 : std::stoull(state);
  }
  stored->abstain = abstain;
  node.driver->add_group(config, *stored);
}

std::uint32_t World::leader() {
  std::uint32_t found = 0;
  Term term;
  for (auto& [number, node] : nodes_) {
    if (!node->driver) continue;
    const raft::Status status = node->driver->status(group);
    if (!status.is_leader || status.term < term) continue;
    found = number;
    term = status.term;
  }
  return found;
}

void World::turn(std::uint32_t number) {
  Node& node = this->node(number);
  if (!node.driver) return;
  while (!node.driver->idle())
    node.driver->turn();
  observe(node);
}

// Reads what the node's store would say of its log, and holds it against everyone's.
void World::observe(Node& node) {
  const raft::Status status = node.driver->status(group);
  const auto term_at = [&](Index index) { return node.store.term(group, index); };
  while (!node.seen.empty() && node.seen.rbegin()->first > status.last) {
    node.seen.erase(std::prev(node.seen.end()));
  }
  for (Index index = status.last; index > Index(); index = index.previous()) {
    const std::optional<Term> term = term_at(index);
    const auto seen = node.seen.find(index);
    if (!term || (seen != node.seen.end() && seen->second == *term)) break;
    node.seen[index] = *term;
    const std::vector<raft::Entry> entry = node.store.entries(group, index, index, 1);
    const std::optional<Term> before = term_at(index.previous());
    if (entry.empty() || (!before && index > Index(1))) break;
    invariants.observe_entry(entry.front(), before.value_or(Term()));
  }
  if (status.is_leader) invariants.observe_leader(status.term, node.self, status.last, term_at);
}

void World::sync(std::uint32_t number, std::size_t count) {
  Node& node = this->node(number);
  if (!node.driver) return;
  node.store.sync(count);
  for (const std::uint64_t write : node.store.take_completed())
    node.driver->on_written(write);
}

void World::fail_snapshot(const Packet& packet, bool ok) {
  Node& sender = node(packet.from);
  if (!packet.snapshot || !sender.driver || sender.incarnation != packet.sender_incarnation) return;
  sender.driver->on_snapshot_sent(group, packet.snapshot_to, packet.snapshot->index, ok);
}

void World::deliver(Packet packet) {
  const auto found = nodes_.find(packet.to);
  const bool reached =
      found != nodes_.end() && found->second->driver && !cut.contains({packet.from, packet.to});
  if (trace) trace(packet, reached);
  fail_snapshot(packet, reached);
  if (!reached) return;
  Node& node = *found->second;
  if (!packet.snapshot) {
    std::vector<raft::Message> messages;
    messages.push_back(std::move(packet.message));
    node.driver->receive(std::move(messages));
    return;
  }
  if (packet.snapshot_to != node.self) return;
  if (!node.driver->begin_restore(group, *packet.snapshot)) return;
  node.store.install(group, *packet.snapshot, packet.state);
  node.applied = packet.snapshot->index;
  node.applied_configuration = packet.snapshot->configuration;
  node.hash = std::stoull(packet.state);
  node.seen.clear();
  ++snapshots_installed;
  node.driver->restore_snapshot(group, *packet.snapshot);
}

void World::settle() {
  bool moved = true;
  while (moved) {
    moved = false;
    for (auto& [number, node] : nodes_) {
      if (!node->driver) continue;
      moved = moved || !node->driver->idle() || node->store.has_unsynced();
      turn(number);
      sync(number);
      turn(number);
    }
    for (std::deque<Packet> due = std::exchange(network, {}); !due.empty(); due.pop_front()) {
      moved = true;
      deliver(std::move(due.front()));
    }
  }
}

void World::compact(std::uint32_t number, Index keep_from) {
  Node& node = this->node(number);
  if (node.applied == Index()) return;
  const std::optional<Term> term = node.store.term(group, node.applied);
  if (!term) return;
  raft::SnapshotMeta meta{node.applied, *term, node.applied_configuration};
  node.store.compact(group, meta, std::to_string(node.hash), keep_from);
  for (const std::uint64_t write : node.store.take_completed())
    node.driver->on_written(write);
}

}  // namespace warren::test
