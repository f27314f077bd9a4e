#include "tests/simulation/idle.h"

namespace warren::simulation {

using namespace std::chrono_literals;

namespace {
constexpr std::int64_t an_hour_ms = 3'600'000;
}

void Idle::run() {
  world_.note("is idle");
  workload_.rest(true);
  wait(1s);
  if (!workload_.publish_timed()) return workload_.rest(false);
  wait(1s);
  for (int i = 0; i < 40 && cluster_.checkers.timed.any_left() && !world_.failed(); ++i)
    event();
  if (cluster_.checkers.timed.any_left() && !world_.failed())
    world_.violation("messages wait for their time for ever");
  workload_.rest(false);
}

void Idle::wait(Milliseconds period) {
  for (const BootTime end = world_.now() + period; world_.now() < end && !world_.failed();) {
    world_.run_until(std::min(end, world_.now() + 100ms));
    watch();
  }
}

void Idle::watch() {
  for (std::uint32_t g = 1; g <= cluster_.groups; ++g)
    note_leader(GroupId(g));
  cluster_.checkers.timed.look([this](GroupId group) -> std::optional<Timed::Led> {
    const auto office = offices_.find(group);
    if (office == offices_.end()) return std::nullopt;
    return Timed::Led{cluster_.process(office->second.node)->set().queue_state(group),
                      office->second.since};
  });
}

bool Idle::has_quorum(const raft::Status& status) const {
  std::size_t up = 0;
  for (const raft::MemberId& voter : status.configuration.voters)
    if (cluster_.up(NodeId(voter.node))) ++up;
  return 2 * up > status.configuration.voters.size();
}

void Idle::note_leader(GroupId group) {
  Process* process = cluster_.leader_of(group);
  const auto status = process == nullptr ? std::nullopt : process->set().status(group);
  if (!status || !has_quorum(*status)) {
    offices_.erase(group);
    return;
  }
  Office& office = offices_[group];
  const NodeId node(status->leader.node);
  if (office.node == node && office.term == status->term) return;
  office = {node, status->term, world_.now()};
}

NodeId Idle::leader_of(GroupId group) {
  auto office = offices_.find(group);
  return office == offices_.end() ? any() : office->second.node;
}

void Idle::event() {
  const NodeId leader =
      leader_of(GroupId(static_cast<std::uint32_t>(world_.draw(1, cluster_.groups))));
  switch (world_.draw(0, 6)) {
    case 0:
      return restart(leader, Milliseconds(world_.draw(20, 12'000)));
    case 1:
      return restart(any(), Milliseconds(world_.draw(20, 12'000)));
    case 2:  // one after the other
      for (std::uint32_t n = 1; n <= cluster_.size(); ++n)
        restart(NodeId(n), Milliseconds(world_.draw(100, 2'000)));
      return;
    case 3:
      return restart_all(Milliseconds(world_.draw(1'000, 20'000)), false);
    case 4:
      return restart_all(Milliseconds(world_.draw(1'000, 20'000)), true);
    case 5: {
      // Booted, with a wrong clock; and it may lead next.
      const NodeId node = world_.chance(500) ? leader : any();
      cluster_.crash(node);
      cluster_.reboot(node, world_.chance(500) ? an_hour_ms : -an_hour_ms);
      return restart(node, Milliseconds(world_.draw(20, 5'000)));
    }
    default:
      return wait(Milliseconds(world_.draw(3'000, 15'000)));
  }
}

// Long enough after it that a leader is there and all have heard of it.
void Idle::restart(NodeId node, Milliseconds down) {
  cluster_.crash(node);
  wait(down);
  cluster_.start(node);
  wait(Milliseconds(world_.draw(2'000, 4'000)));
}

// One clock at most is very wrong, and the median of three is not.
void Idle::restart_all(Milliseconds down, bool boots) {
  world_.note("all nodes stop");
  const NodeId liar = any();
  for (std::uint32_t n = 1; n <= cluster_.size(); ++n)
    cluster_.crash(NodeId(n));
  if (boots) cluster_.checkers.timed.on_all_rebooted();
  for (std::uint32_t n = 1; n <= cluster_.size() && boots; ++n)
    cluster_.reboot(NodeId(n), NodeId(n) != liar    ? usual_error()
                               : world_.chance(500) ? an_hour_ms
                                                    : -an_hour_ms);
  wait(down);
  for (std::uint32_t n = 1; n <= cluster_.size(); ++n)
    world_.after(Milliseconds(world_.draw(0, 50)), [this, n] { cluster_.start(NodeId(n)); });
  wait(Milliseconds(world_.draw(3'000, 5'000)));
}

}  // namespace warren::simulation
