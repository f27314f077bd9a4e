// World: simulated time, randomness, network and the list of what went wrong and what was tried.
// Single-threaded; everything in a run follows from its seed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <queue>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/ids.h"
#include "raft/random.h"

namespace warren::simulation {

// How often each kind of fault, and each rare path, happened.
using Tally = std::map<std::string, std::uint64_t>;

class World {
 public:
  static constexpr BootTime begin = std::chrono::seconds(1000);

  explicit World(std::uint64_t seed) : random_(seed) {}

  BootTime now() const { return now_; }
  std::uint64_t draw(std::uint64_t low, std::uint64_t high) { return random_.between(low, high); }
  bool chance(std::uint64_t per_mille) { return draw(0, 999) < per_mille; }

  void at(BootTime when, std::function<void()> what);
  void after(Milliseconds delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }
  void after_us(std::uint64_t us, std::function<void()> what) {
    at(now_ + std::chrono::microseconds(us), std::move(what));
  }
  // Until `when`, or a violation.
  void run_until(BootTime when);

  // The network. Nodes count from 1. Each direction of a link is cut and slowed for itself.
  bool reaches(NodeId from, NodeId to) const { return !cut_.contains({from, to}); }
  bool connected(NodeId a, NodeId b) const { return reaches(a, b) && reaches(b, a); }
  void cut(NodeId from, NodeId to) { cut_.insert({from, to}); }
  void mend(NodeId from, NodeId to) { cut_.erase({from, to}); }
  void mend_all() { cut_.clear(); }
  void slow_down(NodeId from, NodeId to, Milliseconds period) { slow_[{from, to}] = now_ + period; }
  // What a packet between two nodes takes now.
  std::uint64_t latency_us(NodeId from, NodeId to);
  // One packet, which may be lost, late, doubled or overtaken while `faulty`.
  void packet(NodeId from, NodeId to, const std::function<void()>& deliver);
  bool faulty = true;
  bool calm = false;  // nothing ever went wrong

  void violation(std::string what);
  bool failed() const { return !violations_.empty(); }
  const std::vector<std::string>& violations() const { return violations_; }
  Tally tally;
  bool trace = false;
  void note(const std::string& what) const;

 private:
  struct Event {
    BootTime when;
    std::uint64_t order;
    std::function<void()> what;
    bool operator>(const Event& other) const {
      return std::pair(when, order) > std::pair(other.when, other.order);
    }
  };

  raft::Random random_;
  BootTime now_ = begin;
  std::uint64_t order_ = 0;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::set<std::pair<NodeId, NodeId>> cut_;
  std::map<std::pair<NodeId, NodeId>, BootTime> slow_;  // until then
  std::vector<std::string> violations_;
};

}  // namespace warren::simulation
