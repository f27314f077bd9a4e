// A few nodes, each with the production driver, a memory log store and a machine that hashes what
// it applies, joined by a network that a test delivers by hand. Deterministic.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "raft/driver.h"
#include "raft/invariants.h"
#include "tests/support/memory_log_store.h"

namespace warren::test {

class World;

// Survives crashes; only `driver` and the machine's memory die.
struct Node : raft::Transport, raft::StateMachine {
  Node(World& world, std::uint32_t number, raft::MemberId self)
      : world(world), number(number), self(self) {}

  void send(std::uint32_t to, std::vector<raft::Message> urgent,
            std::vector<raft::Message> bulk) override;
  void send_snapshot(raft::GroupId group, raft::Term term, raft::MemberId to) override;
  void apply(raft::GroupId group, std::span<const raft::Entry> entries) override;
  void on_status(raft::GroupId group, const raft::Status& status) override;
  void on_read_ready(raft::GroupId group, std::uint64_t context, bool ok) override;

  World& world;
  std::uint32_t number;
  raft::MemberId self;
  MemoryLogStore store;
  std::unique_ptr<raft::Driver> driver;  // null: down
  std::uint64_t incarnation = 0;
  raft::Index applied;
  std::uint64_t hash = 0;
  raft::Configuration applied_configuration;
  std::map<raft::Index, raft::Term> seen;             // of the log, for the checks
  std::vector<std::pair<std::uint64_t, bool>> reads;  // answered: context, ok
};

struct Packet {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::uint64_t sender_incarnation = 0;
  raft::Message message;
  // Set: a snapshot instead.
  std::optional<raft::SnapshotMeta> snapshot;
  raft::MemberId snapshot_to;
  std::string state;
};

class World {
 public:
  static constexpr raft::GroupId group{7};

  World(raft::Config config, std::uint64_t seed) : config_(config), seed_(seed) {}

  static raft::MemberId member(std::uint32_t number, std::uint64_t disk = 1) {
    return {number, disk, 1};
  }

  // Starts `number` for the first time; empty unless `founding` names it.
  Node& create(std::uint32_t number, const raft::Configuration& founding, std::uint64_t disk = 1);
  // Prepares a store as if the node had run before; start() it then.
  Node& prepare(std::uint32_t number, const raft::GroupWrite& write,
                const raft::SnapshotMeta& snapshot);
  void crash(std::uint32_t number);
  void restart(std::uint32_t number, bool abstain = false);

  std::map<std::uint32_t, std::unique_ptr<Node>>& nodes() { return nodes_; }
  Node& node(std::uint32_t number) { return *nodes_.at(number); }
  bool up(std::uint32_t number) { return node(number).driver != nullptr; }
  std::uint32_t leader();  // of the highest term; 0: none

  void turn(std::uint32_t number);  // until idle
  void sync(std::uint32_t number, std::size_t count = SIZE_MAX);
  void deliver(Packet packet);  // or drops it, if the node is down or the link is cut
  // Turns, syncs and delivers in order until nothing moves; `trace` sees what is delivered.
  void settle();
  void compact(std::uint32_t number, raft::Index keep_from);

  std::set<std::pair<std::uint32_t, std::uint32_t>> cut;  // directed
  std::deque<Packet> network;
  std::function<void(const Packet&, bool delivered)> trace;
  raft::Invariants invariants;
  std::map<raft::Index, std::uint64_t> hashes;  // of the state after an index, on whichever node
  std::map<std::uint64_t, raft::Index>
      read_floors;  // of a read: what was applied when it was asked
  int snapshots_installed = 0;
  std::vector<std::string> violations;  // besides those of `invariants`

 private:
  void observe(Node& node);
  void fail_snapshot(const Packet& packet, bool ok);

  raft::Config config_;
  std::uint64_t seed_;
  std::map<std::uint32_t, std::unique_ptr<Node>> nodes_;
};

}  // namespace warren::test
