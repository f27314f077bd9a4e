#include "tests/simulation/cluster.h"

#include <fmt/format.h>

namespace warren::simulation {

using namespace std::chrono_literals;

Cluster::Cluster(World& w, std::uint32_t nodes, std::uint32_t group_count)
    : world(w), checkers(w, 8), groups(group_count), nodes_(nodes) {
  config.raft.seed = world.draw(1, 1u << 30);
  config.host.dispatcher.mark_stride = 8;
  config.host.cache_bytes = 4096;
  config.host.entry_bytes = 4096;
  config.snapshot_log_bytes = 32u << 10;
  config.snapshot_interval = 1500ms;
  config.retain_log_bytes = 16u << 10;
  client_config.batch_bytes = 2048;
  client_config.stream.window = 8;
  config.host.window = 8;
  for (std::uint32_t n = 1; n <= nodes; ++n) {
    auto& store = stores_[NodeId(n)];
    store = std::make_unique<SimStore>();
    store->on_append = [this](raft::GroupId group, const raft::Entry& entry, raft::Term previous) {
      checkers.on_append(GroupId(group.value), entry, previous);
    };
    store->want_sync = [this, slow = world.chance(300), &disk = *store] {
      world.after_us(world.draw(300, slow ? 40'000 : 4'000), [&disk] { disk.sync_one(); });
    };
    store->on_vote = [this, node = NodeId(n)] {
      if (!world.faulty || !world.chance(30)) return;
      ++world.tally["crash after a vote"];
      world.after_us(world.draw(2'000, 60'000), [this, node] {
        crash(node);
        world.after_us(world.draw(1'000, 20'000), [this, node] { start(node); });
      });
    };
  }
}

Cluster::~Cluster() = default;

Process* Cluster::process(NodeId node) {
  auto at = processes_.find(node);
  return at == processes_.end() ? nullptr : at->second.get();
}

std::vector<NodeId> Cluster::serving() const {
  std::vector<NodeId> found;
  for (const auto& [node, process] : processes_)
    if (process->serving()) found.push_back(node);
  return found;
}

Process* Cluster::leader_of(GroupId group) {
  Process* best = nullptr;
  raft::Term term;
  for (auto& [node, process] : processes_)
    if (process->set().leads(group) && process->set().status(group)->term >= term) {
      term = process->set().status(group)->term;
      best = process.get();
    }
  return best;
}

void Cluster::start(NodeId node) {
  if (up(node)) return;
  bool first = stores_.at(node)->stored().empty();
  world.note(fmt::format("node {} starts", node));
  auto& process = processes_[node];
  process = std::make_unique<Process>(*this, node, *stores_.at(node));
  process->boot(first);
}

void Cluster::crash(NodeId node) {
  if (!up(node)) return;
  world.note(fmt::format("node {} crashes", node));
  ++world.tally["crash"];
  processes_.erase(node);
  if (stores_.at(node)->crash()) ++world.tally["crash that lost unsynced writes"];
  for (std::uint32_t n = 1; n <= nodes_; ++n)
    if (NodeId(n) != node) reset_streams(node, NodeId(n));
  for (auto& [other, process] : processes_)
    world.after_us(world.draw(200, 3000), [this, other, node] {
      if (Process* p = this->process(other)) {
        p->set().on_peer_reset(node.value);
        p->touch();
      }
    });
  if (users != nullptr) users->on_node_lost(node);
}

void Cluster::reset_streams(NodeId a, NodeId b) {
  Link& l = link(a, b);
  ++l.generation;
  l.broken = false;
  world.note(fmt::format("streams {}-{} break", a, b));
  // A host learns of the end of a stream before its client opens another: the transport's duty.
  auto notice = [this](NodeId here, NodeId peer) {
    world.after_us(world.draw(100, 10'000), [this, here, peer] {
      if (Process* p = process(here)) p->on_streams_from_lost(peer);
    });
    world.after_us(world.draw(10'000, 30'000), [this, here, peer] {
      if (Process* p = process(here)) p->on_streams_to_lost(peer);
    });
  };
  notice(a, b);
  notice(b, a);
}

void Cluster::stream(NodeId from, NodeId to, std::function<void(Process&)> deliver) {
  std::uint64_t us = from == to ? world.draw(1, 20) : world.draw(100, 500);
  if (from != to && world.faulty && world.chance(30)) us += world.draw(1'000, 40'000);
  if (from != to && world.faulty && world.chance(1)) {
    // What follows still arrives for a while: a proxy between, or a bug of the transport's.
    ++world.tally["stream message lost"];
    world.after_us(world.draw(1'000, 300'000), [this, from, to] { reset_streams(from, to); });
    return;
  }
  BootTime& last = in_order_[{from, to}];
  BootTime when = std::max(world.now() + std::chrono::microseconds(us), last);
  last = when;
  std::uint64_t generation = link(from, to).generation;
  world.at(when, [this, from, to, generation, deliver = std::move(deliver)] {
    Link& l = link(from, to);
    if (from != to && l.generation != generation) return;
    if (!world.connected(from, to)) {
      // What is lost breaks the stream; both ends notice after a while.
      if (std::exchange(l.broken, true)) return;
      world.after_us(world.draw(10'000, 900'000), [this, from, to] {
        if (link(from, to).broken) reset_streams(from, to);
      });
      return;
    }
    if (l.broken) return;
    if (Process* p = process(to)) deliver(*p);
  });
}

}  // namespace warren::simulation
