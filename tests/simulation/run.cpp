#include "tests/simulation/run.h"

#include <fmt/format.h>

#include <set>

#include "tests/simulation/cluster.h"
#include "tests/simulation/idle.h"
#include "tests/simulation/workload.h"

namespace warren::simulation {
namespace {

using namespace std::chrono_literals;

class Run {
 public:
  Run(std::uint64_t seed, bool trace, bool calm)
      : world_(seed),
        cluster_(world_, world_.chance(700) ? 3 : 5, static_cast<std::uint32_t>(world_.draw(1, 3))),
        workload_(cluster_, static_cast<std::uint32_t>(world_.draw(2, 5)),
                  static_cast<std::uint32_t>(world_.draw(1, 3))) {
    world_.trace = trace;
    world_.faulty = !calm;
    world_.calm = calm;
  }

  RunResult go() {
    for (std::uint32_t n = 1; n <= cluster_.size(); ++n)
      cluster_.start(NodeId(n));
    workload_.start();
    world_.run_until(world_.now() + 4s);
    BootTime end = world_.now() + Milliseconds(world_.draw(5'000, 15'000));
    while (world_.now() < end && !world_.failed()) {
      if (world_.faulty) fault();
      world_.run_until(world_.now() + Milliseconds(world_.draw(100, 1'200)));
    }
    heal();
    drain();
    if (!world_.failed() && !world_.calm && world_.chance(300)) {
      Idle(cluster_, workload_).run();
      drain();
    }
    if (!world_.failed()) last_checks();
    Tally tally = world_.tally;
    tally["published"] += workload_.published();
    tally["confirmed"] += cluster_.checkers.confirmed();
    tally["delivered"] += cluster_.checkers.deliveries();
    return {world_.violations(), tally};
  }

 private:
  enum Ways { there, back, both };
  Ways draw_ways() {
    Ways ways = world_.chance(600) ? both : world_.chance(500) ? there : back;
    if (ways != both) ++world_.tally["cut in one direction"];
    return ways;
  }
  void cut(NodeId a, NodeId b, Ways ways, Milliseconds period) {
    if (ways == back) return cut(b, a, there, period);
    world_.cut(a, b);
    world_.after(period, [this, a, b] { world_.mend(a, b); });
    if (ways == both) cut(b, a, there, period);
  }
  NodeId any() { return NodeId(static_cast<std::uint32_t>(world_.draw(1, cluster_.size()))); }

  void fault() {
    switch (world_.draw(0, 14)) {
      case 0:
      case 1:
      case 2:
        return crash_one();
      case 3:
        return crash_all();
      case 4:
      case 5:
        return isolate();
      case 6:
        return cut_one();
      case 7:
        return declare_dead();
      case 8:
      case 9:
      case 10:
        return rivals();
      case 11:
        return slow_one();
      case 12:
        return stall_one();
      default:
        return reset_one();
    }
  }

  void crash_one() {
    // The leader of some group, as often as anybody.
    NodeId node = any();
    if (Process* leader = cluster_.leader_of(GroupId(1)); leader != nullptr && world_.chance(400))
      for (NodeId n : cluster_.serving())
        if (cluster_.process(n) == leader) node = n;
    crash(node);
  }
  void crash(NodeId node) {
    cluster_.crash(node);
    world_.after(Milliseconds(world_.draw(20, 4'000)), [this, node] { cluster_.start(node); });
  }
  void crash_all() {
    if (!world_.chance(600)) return crash_one();
    ++world_.tally["all nodes at once"];
    for (std::uint32_t n = 1; n <= cluster_.size(); ++n)
      crash(NodeId(n));
  }
  void isolate() {
    NodeId node = any();
    ++world_.tally["partition"];
    world_.note(fmt::format("node {} is cut off", node));
    Milliseconds period(world_.draw(100, 6'000));
    Ways ways = draw_ways();
    for (std::uint32_t n = 1; n <= cluster_.size(); ++n)
      if (NodeId other(n); other != node) cut(node, other, ways, period);
  }
  void cut_one() {
    NodeId a = any(), b = any();
    if (a == b) return;
    ++world_.tally["link cut"];
    world_.note(fmt::format("link {}-{} is cut", a, b));
    cut(a, b, draw_ways(), Milliseconds(world_.draw(100, 6'000)));
  }
  void slow_one() {
    NodeId a = any(), b = any();
    if (a == b) return;
    ++world_.tally["slow link"];
    world_.slow_down(a, b, Milliseconds(world_.draw(100, 3'000)));
  }
  void stall_one() {
    ++world_.tally["stalled disk"];
    cluster_.stall(any(), Milliseconds(world_.draw(100, 2'000)));
  }
  // The leader of a group comes back at once, without its office, and the two others, who do not
  // hear each other and take their time to write that they stand, want its vote.
  void rivals() {
    GroupId group(static_cast<std::uint32_t>(world_.draw(1, cluster_.groups)));
    Process* leader = cluster_.leader_of(group);
    if (leader == nullptr) return crash_one();
    auto status = leader->set().status(group);
    NodeId voter(status->leader.node);
    std::vector<NodeId> others;
    for (const raft::MemberId& member : status->configuration.voters)
      if (NodeId other(member.node); other != voter && cluster_.up(other)) others.push_back(other);
    if (others.size() != 2 || status->leader.node == 0) return crash_one();
    ++world_.tally["rivals"];
    cut(others[0], others[1], both, Milliseconds(world_.draw(200, 2'000)));
    for (NodeId rival : others)
      cluster_.stall(rival, Milliseconds(world_.draw(100, 500)));
    cluster_.doubt(voter, 500ms);
    cluster_.crash(voter);
    world_.after_us(world_.draw(500, 10'000), [this, voter] { cluster_.start(voter); });
  }
  void reset_one() {
    NodeId a = any(), b = any();
    if (a == b) return;
    ++world_.tally["stream reset"];
    cluster_.reset_streams(a, b);
  }
  void declare_dead() {
    NodeId node = any();
    Process* leader = cluster_.leader_of(catalog_group);
    if (leader == nullptr || !world_.chance(300)) return reset_one();
    const catalog::NodeInfo* info = leader->catalog().node(node);
    if (info == nullptr || !info->incarnation) return;
    ++world_.tally["declared dead"];
    world_.note(fmt::format("node {} is declared dead", node));
    leader->soon([leader, command = catalog::NodeDead{node, info->incarnation}] {
      leader->set().command_catalog(command, 1);
      leader->touch();
    });
  }

  void heal() {
    if (world_.failed()) return;
    world_.note("heals");
    world_.mend_all();
    world_.faulty = false;
    for (std::uint32_t n = 1; n <= cluster_.size(); ++n)
      cluster_.start(NodeId(n));
    // Late ends of old faults must find nothing to do.
    world_.run_until(world_.now() + 7s);
    world_.mend_all();
  }

  // Nothing: all leaders are there and all queues are empty.
  std::string leftover() {
    if (!workload_.declared()) return "not all queues could be declared";
    for (const auto& [queue, group] : workload_.queues()) {
      Process* leader = cluster_.leader_of(group);
      if (leader == nullptr) return fmt::format("group {} has no leader", group);
      if (!leader->set().queue_state(group)->machine().dead_letters().empty())
        return fmt::format("group {} has dead letters", group);
      auto counts = leader->set().counts(group, queue);
      if (!counts) continue;
      if (is_stream(queue)) {
        const auto* record = leader->set().queue_state(group)->machine().find(queue);
        if (record == nullptr) continue;
        if (counts->unacknowledged > 0 ||
            !workload_.all_read(queue, record->messages.next(warren::queue::LevelNumber())))
          return fmt::format("stream {} of group {} is not read to its end", queue, group);
        continue;
      }
      if (counts->ready + counts->unacknowledged + counts->delayed > 0)
        return fmt::format("queue {} of group {} has {} ready, {} unacknowledged and {} delayed",
                           queue, group, counts->ready, counts->unacknowledged, counts->delayed);
    }
    return "";
  }

  bool is_stream(QueueId queue) const {
    return cluster_.checkers.kind_of(queue) == QueueKind::stream;
  }

  void drain() {
    workload_.stop_publishing();
    workload_.drain();
    for (int i = 0; i < 600 && !world_.failed(); ++i) {
      world_.run_until(world_.now() + 100ms);
      if (i > 20 && leftover().empty()) return;
    }
    if (std::string what = leftover(); !what.empty() && !world_.failed())
      world_.violation("not drained: " + what);
  }

  void last_checks() {
    world_.run_until(world_.now() + 2s);
    cluster_.checkers.at_end();
    for (std::uint32_t g = 1; g <= cluster_.groups; ++g)
      compare(GroupId(g));
    for (int i = 0; i < 20 && !kept_in_store().empty(); ++i)
      world_.run_until(world_.now() + 500ms);
    if (std::string what = kept_in_store(); !what.empty()) world_.violation(what);
  }

  // Below the log's start every entry must be gone, parts included, that no stream names.
  std::string kept_in_store() {
    for (NodeId node : cluster_.serving())
      for (const auto& [group, disk] : cluster_.process(node)->store().visible())
        if (group.value != catalog_group.value)
          for (auto entry = disk.entries.begin();
               entry != disk.entries.end() && entry->first < disk.first; ++entry)
            if (!is_named(node, GroupId(group.value), EntryIndex(entry->first.value)))
              return fmt::format(
                  "node {} group {}: entry {} is kept below the log, which starts at {}", node,
                  group.value, entry->first.value, disk.first.value);
    return "";
  }
  bool is_named(NodeId node, GroupId group, EntryIndex entry) {
    const auto* state = cluster_.process(node)->set().queue_state(group);
    return state != nullptr && state->machine().names_entry(entry);
  }
  // Does the group hold anything but what its streams keep?
  bool holds_too_much(const queue::Machine& machine) {
    std::set<EntryIndex> kept;
    machine.for_each_queue([&](const queue::QueueRecord& record) {
      if (!record.stream) return;
      record.messages.for_each([&](const queue::Message& message) {
        kept.insert(message.id.entry);
        if (const auto* parts = machine.large_bodies().parts_of(message.id))
          for (const queue::BodyPart& part : *parts)
            kept.insert(part.at.entry);
        return true;
      });
    });
    return machine.live_entries().size() != kept.size();
  }

  // Replicas that applied the same entries hold the same octets.
  void compare(GroupId group) {
    std::map<EntryIndex, std::string> seen;
    for (NodeId node : cluster_.serving()) {
      const auto* state = cluster_.process(node)->set().queue_state(group);
      if (state == nullptr) continue;
      std::string octets = state->ledger().serialise() + state->machine().group_octets();
      for (const auto& [queue, of] : workload_.queues())
        if (of == group) octets += state->machine().queue_octets(queue).value_or("-");
      auto [at, fresh] = seen.try_emplace(state->applied(), octets);
      if (!fresh && at->second != octets)
        world_.violation(fmt::format("replicas of group {} differ at {}", group, at->first));
      if (holds_too_much(state->machine()))
        world_.violation(fmt::format("group {} still names entries", group));
      if (state->machine().large_bodies().upload_count() != 0)
        world_.violation(fmt::format("group {} still has uploads", group));
    }
  }

  World world_;
  Cluster cluster_;
  Workload workload_;
};

}  // namespace

RunResult run(std::uint64_t seed, bool trace, bool calm) {
  return Run(seed, trace, calm).go();
}

const std::vector<std::string>& required_faults() {
  static const std::vector<std::string> required{"packet lost",
                                                 "packet doubled",
                                                 "packet late and overtaken",
                                                 "packet cut off",
                                                 "crash",
                                                 "crash that lost unsynced writes",
                                                 "partition",
                                                 "link cut",
                                                 "stream reset",
                                                 "declared dead",
                                                 "rivals",
                                                 "slow link",
                                                 "stalled disk",
                                                 "cut in one direction",
                                                 "packet on a slow link",
                                                 "stream message lost",
                                                 "crash after a vote",
                                                 "crash before a snapshot was durable",
                                                 "incarnation lost",
                                                 "all nodes at once",
                                                 "leader",
                                                 "delayed",
                                                 "published twice",
                                                 "snapshot installed",
                                                 "upload abandoned",
                                                 "node lost within an upload",
                                                 "expired",
                                                 "dropped",
                                                 "failed too often",
                                                 "rejected",
                                                 "dead letter done",
                                                 "dead letter tried in vain",
                                                 "dead letter twice",
                                                 "publish rejected",
                                                 "read of a stream",
                                                 "reader resumed",
                                                 "reboot",
                                                 "ripe in an idle group",
                                                 "expired in an idle group"};
  return required;
}

}  // namespace warren::simulation
