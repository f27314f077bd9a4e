#include "tests/simulation/cluster.h"

#include <fmt/format.h>

namespace warren::simulation {

using namespace std::chrono_literals;

BootTime Clock::boot(BootTime world) const {
  const BootTime passed = world - booted;
  return passed + passed * drift_ppm / 1'000'000;
}

Stamp Clock::wall(BootTime world) const {
  // Right, but for wrong_ms, when the world begins.
  const BootTime fast = world + (world - World::begin) * drift_ppm / 1'000'000;
  const auto ms = std::chrono::duration_cast<Milliseconds>(fast).count() + wrong_ms;
  return Stamp(1'700'000'000'000 + static_cast<std::uint64_t>(ms));
}

std::uint64_t Clock::period_us(Milliseconds period) const {
  return static_cast<std::uint64_t>(period.count() * 1'000'000'000 / (1'000'000 + drift_ppm));
}

Cluster::Cluster(World& w, std::uint32_t nodes, std::uint32_t group_count)
    : world(w), checkers(w, 8), groups(group_count), nodes_(nodes) {
  config.raft.seed = world.draw(1, 1u << 30);
  config.host.dispatcher.mark_stride = 8;
  config.host.cache_bytes = 4096;
  config.host.dispatcher.message_octets = 16;
  config.host.dispatcher.window_octets = 2048;
  config.host.dispatcher.tight_window_octets = 512;
  config.host.dispatcher.session_octets = 4096;
  config.host.entry_bytes = 4096;
  config.host.entries_in_flight = world.draw(1, 3);
  config.host.full_entry = world.draw(64, 4096);
  config.snapshot_log_bytes = world.draw(4, 48) << 10;
  config.snapshot_log_bytes_min = world.draw(1, 16) << 10;
  config.snapshot_interval = Milliseconds(world.draw(200, 2'000));
  config.retain_log_bytes = world.draw(2, 24) << 10;
  client_config.batch_bytes = 2048;
  client_config.stream.window = 8;
  config.host.window = 8;
  for (std::uint32_t n = 1; n <= nodes; ++n)
    make_store(NodeId(n));
}

void Cluster::make_store(NodeId node) {
  // Far worse than a quartz.
  clocks_[node].drift_ppm = static_cast<std::int64_t>(world.draw(0, 20'000)) - 10'000;
  clocks_[node].wrong_ms = static_cast<std::int64_t>(world.draw(0, 4'000)) - 2'000;
  auto& store = stores_[node];
  store = std::make_unique<SimStore>();
  store->on_append = [this](raft::GroupId group, const raft::Entry& entry, raft::Term previous) {
    checkers.on_append(GroupId(group.value), entry, previous);
  };
  store->want_sync = [this, node, slow = world.chance(300), &disk = *store] {
    bool stalled = world.faulty && stalled_[node] > world.now();
    std::uint64_t us = world.draw(300, stalled ? 60'000 : slow ? 40'000 : 4'000);
    if (stalled) ++world.tally["write to a stalled disk"];
    world.after_us(us, [&disk] { disk.sync_one(); });
  };
  auto crash_in = [this, node](std::uint64_t us, std::uint64_t down_us) {
    world.after_us(us, [this, node, down_us] {
      if (!world.faulty) return;
      crash(node);
      world.after_us(down_us, [this, node] { start(node); });
    });
  };
  // Who comes back before the election has ended may be asked for the same vote again.
  store->on_vote = [this, node, crash_in] {
    if (!world.faulty || !(doubted_[node] > world.now() || world.chance(30))) return;
    ++world.tally["crash after a vote"];
    crash_in(world.draw(60, 10'000), world.draw(200, 10'000));
  };
  store->on_before_snapshot = [this, crash_in] {
    if (!world.faulty || !world.chance(40)) return;
    ++world.tally["crash before a snapshot was durable"];
    crash_in(0, world.draw(1'000, 500'000));
  };
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

void Cluster::reboot(NodeId node, std::int64_t wrong_ms) {
  Clock& clock = clocks_.at(node);
  clock.booted = world.now();
  clock.wrong_ms = wrong_ms;
  ++clock.boots;
  ++world.tally["reboot"];
  world.note(fmt::format("node {} is booted, its wall clock wrong by {} ms", node, wrong_ms));
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
  std::uint64_t us = from == to ? world.draw(1, 20) : world.latency_us(from, to);
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
    if (!world.reaches(from, to)) {
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
