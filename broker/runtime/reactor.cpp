#include "broker/runtime/reactor.h"

#include <pthread.h>

#include <boost/asio/post.hpp>
#include <memory>
#include <utility>

#include "broker/runtime/system_clock.h"

namespace warren::runtime {

namespace {
// A turn ends after this many handlers, or after this time, even if more are ready: so that batches
// stay bounded, and timers get their chance on a host that is short of processor time.
constexpr int handlers_per_turn = 256;
constexpr Milliseconds turn_time{10};
}  // namespace

Reactor::Reactor(std::string name)
    : name_(std::move(name)), work_(boost::asio::make_work_guard(io_)), thread_([this] { run(); }) {
  // So that is_here() holds from the first instruction that follows the constructor.
  thread_id_.store(thread_.get_id());
}

Reactor::~Reactor() {
  stop();
}

BootTime Reactor::now() const {
  return boot_now();
}

void Reactor::post(Task task) {
  bool wake = false;
  {
    const std::lock_guard lock(posted_mutex_);
    if (closed_) return;
    wake = posted_.empty();
    posted_.push_back(std::move(task));
  }
  if (wake) boost::asio::post(io_, [this] { run_posted(); });
}

void Reactor::at_turn_end(Task task) {
  assert_here();
  turn_end_.push_back(std::move(task));
}

void Reactor::run() {
  thread_id_.store(std::this_thread::get_id());
  pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());
  while (io_.run_one() > 0) {
    // The first handler may have waited long for its event: the time counts from its end.
    turn_ends_ = now() + turn_time;
    for (int ran = 1; ran < handlers_per_turn && !turn_is_long() && io_.poll_one() > 0;)
      ++ran;
    run_turn_end();
  }
}

bool Reactor::turn_is_long() const {
  return now() >= turn_ends_;
}

void Reactor::run_posted() {
  if (next_task_ == batch_.size()) {
    batch_.clear();
    next_task_ = 0;
    const std::lock_guard lock(posted_mutex_);
    batch_.swap(posted_);
  }
  const BootTime until = now() + turn_time;
  while (next_task_ < batch_.size()) {
    Task task = std::move(batch_[next_task_++]);
    task();
    if (now() >= until) break;
  }
  // What is left goes before what comes meanwhile, but behind the handlers that are ready.
  if (next_task_ < batch_.size()) boost::asio::post(io_, [this] { run_posted(); });
}

void Reactor::run_turn_end() {
  // A task may ask for another one; it runs in this turn too.
  for (std::size_t i = 0; i < turn_end_.size(); ++i) {
    Task task = std::move(turn_end_[i]);
    task();
  }
  turn_end_.clear();
}

void Reactor::stop() {
  if (!thread_.joinable()) return;
  CHECK(!is_here(), "reactor {} cannot wait for itself", name_);
  post([this] { io_.stop(); });
  {
    const std::lock_guard lock(posted_mutex_);
    closed_ = true;
  }
  thread_.join();
}

ReactorPool::ReactorPool(std::string_view prefix, std::size_t count) {
  CHECK(count >= 1);
  for (std::size_t i = 0; i < count; ++i) {
    reactors_.push_back(std::make_unique<Reactor>(fmt::format("{}{}", prefix, i)));
  }
}

Reactor* ReactorPool::here() {
  for (const auto& reactor : reactors_) {
    if (reactor->is_here()) return reactor.get();
  }
  return nullptr;
}

void ReactorPool::stop() {
  for (const auto& reactor : reactors_)
    reactor->stop();
}

}  // namespace warren::runtime
