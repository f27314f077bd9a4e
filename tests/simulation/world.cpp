#include "tests/simulation/world.h"

#include <cstdio>

namespace warren::simulation {

void World::at(BootTime when, std::function<void()> what) {
  events_.push({when, ++order_, std::move(what)});
}

void World::run_until(BootTime when) {
  while (!events_.empty() && events_.top().when <= when && !failed()) {
    // top() is const only to keep the order, which moving out of `what` leaves alone.
    Event event = std::move(const_cast<Event&>(events_.top()));
    events_.pop();
    now_ = event.when;
    event.what();
  }
  if (!failed()) now_ = when;
}

std::uint64_t World::latency_us(NodeId from, NodeId to) {
  auto slow = slow_.find({from, to});
  if (!faulty || slow == slow_.end() || slow->second < now_) return draw(100, 600);
  ++tally["packet on a slow link"];
  return draw(1'000, 60'000);
}

void World::packet(NodeId from, NodeId to, const std::function<void()>& deliver) {
  if (!reaches(from, to)) {
    ++tally["packet cut off"];
    return;
  }
  std::uint64_t us = latency_us(from, to);
  if (faulty) {
    if (chance(15)) {
      ++tally["packet lost"];
      return;
    }
    if (chance(20)) {
      ++tally["packet doubled"];
      after_us(us + draw(0, 20'000), deliver);
    }
    if (chance(30)) {
      ++tally["packet late and overtaken"];
      us += draw(1'000, 60'000);
    }
  }
  after_us(us, [this, from, to, deliver] {
    if (reaches(from, to)) deliver();
  });
}

void World::violation(std::string what) {
  note("VIOLATION " + what);
  violations_.push_back(std::move(what));
}

void World::note(const std::string& what) const {
  if (!trace) return;
  auto us = std::chrono::duration_cast<std::chrono::microseconds>(now_).count();
  std::fprintf(stderr, "%10.3f ms  %s\n", static_cast<double>(us - 1'000'000'000) / 1000.0,
               what.c_str());
}

}  // namespace warren::simulation
