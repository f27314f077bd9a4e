// Random faults from a seed: loss, delay, doubling, partitions, crashes that lose unsynced writes,
// compaction, membership. Raft's safety properties hold after every step, and the group works again
// once all is healed. RAFT_SEED=n replays one seed; RAFT_SEEDS=n runs that many.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "raft/random.h"
#include "tests/scenario/raft/world.h"

namespace warren::test {
namespace {

using raft::Index;
using raft::MemberId;
using raft::Random;

raft::Config small_config() {
  raft::Config config;
  config.max_append_bytes = 300;
  config.max_inflight_bytes = 1500;
  config.max_cached_bytes = 1000;
  config.max_apply_bytes = 700;
  config.max_uncommitted_bytes = 20000;
  return config;
}

// One run. A step is a millisecond.
class Storm {
 public:
  Storm(std::uint64_t seed, std::uint32_t nodes)
      : random_(seed), world_(small_config(), seed), size_(nodes) {
    raft::Configuration founding;
    for (std::uint32_t n = 1; n <= nodes; ++n)
      founding.voters.push_back(World::member(n));
    for (std::uint32_t n = 1; n <= nodes; ++n)
      world_.create(n, founding);
    world_.create(nodes + 1, {});  // joins later
  }

  void run() {
    // From a storm that lets nothing through to one where much happens between two faults.
    const std::uint64_t rarity = random_.between(150, 1500);
    for (int step = 0; step < 20000 && clean(); ++step) {
      if (chance(rarity)) fault();
      if (chance(10)) propose();
      if (chance(1500)) change_membership();
      advance();
    }
  }

  // Everything up and connected; true once all agree and a new proposal is applied everywhere.
  bool heal() {
    loss_ = doubling_ = 0;
    world_.cut.clear();
    for (auto& [number, node] : world_.nodes()) {
      if (!node->driver) restart(number);
    }
    for (int step = 0; step < 20000 && clean(); ++step) {
      advance();
      if (step > 6000 && step % 100 == 0 && agreed()) return clean();
      if (step % 1000 == 0) propose();
    }
    return false;
  }

  bool clean() const { return world_.invariants.violations().empty() && world_.violations.empty(); }
  std::string words() {
    std::string all;
    for (auto& [number, node] : world_.nodes()) {
      if (!node->driver) continue;
      const raft::Status s = node->driver->status(World::group);
      const auto text = [](auto value) { return " " + std::to_string(value); };
      all += "node" + text(number) + " term" + text(s.term.value) + " leader" +
             text(s.leader.node) + " commit" + text(s.commit.value) + " last" + text(s.last.value) +
             " durable" + text(s.durable.value) + (s.abstaining ? " abstains" : "") + ", voters";
      for (const MemberId& voter : s.configuration.voters)
        all += text(voter.node);
      all += " learners";
      for (const MemberId& learner : s.configuration.learners)
        all += text(learner.node);
      all += "\n";
    }
    for (const auto& violation : world_.invariants.violations())
      all += violation + "\n";
    for (const auto& violation : world_.violations)
      all += violation + "\n";
    return all;
  }
  int snapshots() const { return world_.snapshots_installed; }
  Index applied() { return world_.hashes.empty() ? Index() : world_.hashes.rbegin()->first; }
  std::map<std::string, int> fired;

 private:
  bool chance(std::uint64_t one_in) { return random_.between(1, one_in) == 1; }
  std::uint32_t any_node() { return std::uint32_t(random_.between(1, size_ + 1)); }

  void advance() {
    ++now_;
    std::deque<Packet> sent = std::exchange(world_.network, {});
    for (Packet& packet : sent)
      schedule(std::move(packet));
    while (!due_.empty() && due_.begin()->first <= now_) {
      Packet packet = std::move(due_.begin()->second);
      due_.erase(due_.begin());
      world_.deliver(std::move(packet));
    }
    for (auto& [number, node] : world_.nodes()) {
      if (!node->driver) continue;
      if ((now_ + number) % 10 == 0) node->driver->tick();
      if (chance(4)) world_.sync(number, random_.between(1, 3));
      world_.turn(number);
    }
  }

  void schedule(Packet packet) {
    // A snapshot's stream tells of its failure; deliver() does so for a cut link.
    if (!packet.snapshot && random_.between(1, 100) <= loss_) {
      ++fired["loss"];
      return;
    }
    const std::uint64_t delay = chance(20) ? random_.between(1, 200) : random_.between(1, 4);
    if (!packet.snapshot && random_.between(1, 100) <= doubling_) {
      ++fired["doubling"];
      due_.emplace(now_ + random_.between(1, 400), packet);
    }
    due_.emplace(now_ + delay, std::move(packet));
  }

  void fault() {
    const std::uint32_t victim = chance(2) && world_.leader() != 0 ? world_.leader() : any_node();
    switch (random_.between(1, 9)) {
      case 1:
        return crash(victim);
      case 2:
        if (!world_.up(victim)) restart(victim);
        return;
      case 3:
        return partition();
      case 4:
        world_.cut.clear();
        return;
      case 5:
        loss_ = random_.between(0, 30);
        doubling_ = random_.between(0, 10);
        return;
      case 6:
        if (world_.up(victim)) world_.compact(victim, world_.node(victim).applied.next());
        ++fired["compaction"];
        return;
      case 7:
        return transfer();
      case 8:
        for (auto& [number, node] : world_.nodes()) {
          if (node->driver && number != victim) node->driver->on_stream_reset(victim);
        }
        ++fired["stream reset"];
        return;
      case 9:
        if (chance(3)) power_cut();
        return;
    }
  }

  void crash(std::uint32_t victim) {
    if (!world_.up(victim)) return;
    ++fired["crash"];
    forget_healed();
    world_.crash(victim);
    if (torn_.empty() && chance(4)) tear(victim);
    if (chance(2)) restart(victim);
  }

  void restart(std::uint32_t number) { world_.restart(number, torn_.contains(number)); }

  void forget_healed() {
    std::erase_if(torn_, [this](std::uint32_t number) {
      if (!world_.up(number)) return false;
      const bool healed = !world_.node(number).driver->status(World::group).abstaining;
      if (healed) ++fired["healed"];
      return healed;
    });
  }

  // Every log ends in a write cut short. One lost what it had promised; the others did not, but
  // cannot know.
  void power_cut() {
    forget_healed();
    if (!torn_.empty()) return;
    ++fired["power cut"];
    const std::uint32_t victim = any_node();
    if (world_.up(victim)) world_.crash(victim);
    tear(victim);
    for (auto& [number, node] : world_.nodes()) {
      if (node->driver) world_.crash(number);
      torn_.insert(number);
    }
    for (auto& [number, node] : world_.nodes())
      restart(number);
  }

  // Takes synced entries and the vote from one member, as damage to its tail would. Only one at a
  // time: nothing can save what a majority has lost.
  void tear(std::uint32_t victim) {
    for (auto& [number, node] : world_.nodes()) {
      if (number == victim) continue;
      // Which voters may hold what was lost must not be in doubt: nobody could answer for it.
      if (!node->driver || !node->driver->status(World::group).configuration_committed) return;
    }
    MemoryLogStore& store = world_.node(victim).store;
    const auto stored = store.stored(World::group, World::member(victim));
    if (!stored || stored->last < stored->first) return;
    const std::uint64_t length = stored->last.value - stored->first.value;
    const Index from =
        stored->last.previous(random_.between(0, std::min(length, std::uint64_t{4})));
    raft::HardState older;
    older.term = store.term(World::group, from.previous()).value_or(raft::Term());
    older.commit = std::min(stored->hard_state.commit, from.previous());
    store.tear(World::group, from, older);
    torn_.insert(victim);
    ++fired["torn tail"];
  }

  void partition() {
    ++fired["partition"];
    const std::uint64_t side = random_.between(1, (1U << (size_ + 1)) - 1);
    const bool one_way = chance(4);
    for (std::uint32_t a = 1; a <= size_ + 1; ++a) {
      for (std::uint32_t b = 1; b <= size_ + 1; ++b) {
        const bool a_in = (side >> (a - 1) & 1) != 0;
        const bool b_in = (side >> (b - 1) & 1) != 0;
        if (a_in && !b_in) world_.cut.insert({a, b});
        if (!one_way && !a_in && b_in) world_.cut.insert({a, b});
      }
    }
  }

  void transfer() {
    const std::uint32_t leader = world_.leader();
    if (leader == 0) return;
    const auto outcome =
        world_.node(leader).driver->transfer(World::group, World::member(any_node()));
    if (outcome == raft::TransferOutcome::started) ++fired["transfer"];
  }

  void propose() {
    for (auto& [number, node] : world_.nodes()) {
      if (!node->driver) continue;
      std::string data = std::to_string(++proposed_);
      data.resize(data.size() + random_.between(0, 200), '.');
      node->driver->propose(World::group, std::make_shared<const std::string>(std::move(data)));
      if (!chance(5)) continue;
      world_.read_floors[proposed_] = applied();
      node->driver->read_index(World::group, proposed_);
      ++fired["read"];
    }
  }

  // The extra member walks from stranger to learner to voter and back; any voter may go.
  void change_membership() {
    const std::uint32_t leader = world_.leader();
    forget_healed();
    if (leader == 0 || !torn_.empty()) return;
    raft::Driver& driver = *world_.node(leader).driver;
    raft::Configuration next = driver.status(World::group).configuration;
    const MemberId member = World::member(any_node());
    if (std::erase(next.learners, member) != 0) {
      insert(next.voters, member);
    } else if (next.voters.size() > 2 && std::erase(next.voters, member) != 0) {
      if (chance(2)) insert(next.learners, member);
    } else if (std::ranges::find(next.voters, member) == next.voters.end()) {
      insert(next.learners, member);
    }
    const auto result = driver.propose_configuration(World::group, next);
    if (result.outcome == raft::ProposeOutcome::proposed) ++fired["membership"];
  }

  static void insert(std::vector<MemberId>& members, MemberId member) {
    members.insert(std::ranges::upper_bound(members, member), member);
  }

  bool agreed() {
    const std::uint32_t leader = world_.leader();
    if (leader == 0) return false;
    const raft::Status head = world_.node(leader).driver->status(World::group);
    if (head.commit != head.last || head.applied != head.last) return false;
    const auto same = [&](const MemberId& member) {
      return world_.node(member.node).applied == head.applied;
    };
    return std::ranges::all_of(head.configuration.voters, same) &&
           std::ranges::all_of(head.configuration.learners, same);
  }

  Random random_;
  World world_;
  std::uint32_t size_;
  std::multimap<std::uint64_t, Packet> due_;
  std::uint64_t now_ = 0;
  std::uint64_t loss_ = 0;
  std::uint64_t doubling_ = 0;
  std::uint64_t proposed_ = 0;
  std::set<std::uint32_t> torn_;  // abstain, or will when they start
};

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

TEST(RaftUnderFaults, StaysSafeAndRecoversOnEverySeed) {
  const std::uint64_t only = from_environment("RAFT_SEED", 0);
  const std::uint64_t count = from_environment("RAFT_SEEDS", 200);
  std::map<std::string, int> fired;
  std::uint64_t applied = 0;
  for (std::uint64_t seed = only != 0 ? only : 1; seed <= (only != 0 ? only : count); ++seed) {
    Storm storm(seed, seed % 3 == 0 ? 5 : 3);
    storm.run();
    ASSERT_TRUE(storm.clean()) << storm.words() << "replay: RAFT_SEED=" << seed << " scenario_raft";
    ASSERT_TRUE(storm.heal()) << storm.words() << "replay: RAFT_SEED=" << seed << " scenario_raft";
    applied += storm.applied().value;
    fired["snapshot"] += storm.snapshots();
    for (const auto& [kind, times] : storm.fired)
      fired[kind] += times;
  }
  std::printf("%llu entries applied", static_cast<unsigned long long>(applied));
  for (const auto& [kind, times] : fired)
    std::printf(", %s %d", kind.c_str(), times);
  std::printf("\n");
  if (only != 0) return;
  EXPECT_GT(applied, 100 * count);
  for (const char* kind :
       {"loss", "doubling", "partition", "crash", "compaction", "transfer", "stream reset",
        "membership", "torn tail", "power cut", "healed", "read", "snapshot"}) {
    EXPECT_GT(fired[kind], 0) << kind << " never fired";
  }
}

}  // namespace
}  // namespace warren::test
