#include "broker/runtime/timer.h"

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <utility>

namespace warren::runtime {

// Shared with the pending wait, which may outlive the Timer by one turn.
struct Timer::State {
  explicit State(Reactor& r) : reactor(r), timer(r.io()) {}
  Reactor& reactor;
  boost::asio::steady_timer timer;
  std::shared_ptr<Task> task;  // null: not active; shared so that a task may cancel itself
  Milliseconds period{0};
  std::uint64_t round = 0;  // a wait of an older round is ignored
};

Timer::Timer(Reactor& reactor) : state_(std::make_shared<State>(reactor)) {}

Timer::~Timer() {
  cancel();
}

void Timer::start(Milliseconds after, Task task) {
  state_->reactor.assert_here();
  ++state_->round;
  state_->task = std::make_shared<Task>(std::move(task));
  state_->period = Milliseconds(0);
  state_->timer.expires_after(after);
  arm(state_);
}

void Timer::start_every(Milliseconds period, Task task) {
  CHECK(period.count() > 0);
  start(period, std::move(task));
  state_->period = period;
}

void Timer::cancel() {
  ++state_->round;
  state_->task.reset();
  state_->timer.cancel();
}

bool Timer::is_active() const {
  return state_->task != nullptr;
}

void Timer::arm(const std::shared_ptr<State>& state) {
  state->timer.async_wait([state, round = state->round](const boost::system::error_code&) {
    if (round != state->round || !state->task) return;
    const auto task = state->task;
    if (state->period.count() == 0) {
      state->task.reset();
    } else {
      state->timer.expires_after(state->period);
      arm(state);
    }
    (*task)();
  });
}

}  // namespace warren::runtime
