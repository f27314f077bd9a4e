// Reactor: one thread with its own io_context(1); it owns what lives on it. Objects of other
// threads reach it by post, never by a lock. Constructing it starts the thread; stop() or the
// destructor ends it after the tasks that are already there. Lifetime: the node's; outlives all
// that lives on it.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "broker/base/check.h"
#include "broker/base/clock.h"

namespace warren::runtime {

using Task = std::move_only_function<void()>;

class Reactor {
 public:
  explicit Reactor(std::string name);
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  // Any thread. Tasks of one thread run in the order posted; all that gathered runs in one turn,
  // unless it takes longer than 10 ms. After stop() they are dropped.
  void post(Task task);

  // On the reactor. Runs once when the handlers that are ready now have run, or 10 ms of them: the
  // place for what is done once per batch (one write per connection, one proposal per group).
  void at_turn_end(Task task);

  bool is_here() const { return std::this_thread::get_id() == thread_id_.load(); }
  // The check at the door of each object that lives here.
  void assert_here() const { CHECK(is_here(), "not on reactor {}", name_); }

  const std::string& name() const { return name_; }
  boost::asio::io_context& io() { return io_; }
  // CLOCK_BOOTTIME as of now.
  BootTime now() const;
  // Coroutines started by spawn that have not ended. Any thread.
  std::uint64_t running_coroutines() const { return coroutines_.load(); }

  // Any thread but its own. Runs what was posted before, then ends the thread. Idempotent.
  void stop();

 private:
  friend class CoroutineCount;

  void run();
  void run_posted();
  void run_turn_end();
  bool turn_is_long() const;

  const std::string name_;
  std::atomic<std::uint64_t> coroutines_{0};  // before io_, whose end still counts down
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::atomic<std::thread::id> thread_id_;

  std::mutex posted_mutex_;
  std::vector<Task> posted_;
  bool closed_ = false;

  std::vector<Task> batch_;  // taken from posted_; those before next_task_ have run
  std::size_t next_task_ = 0;
  std::vector<Task> turn_end_;
  BootTime turn_ends_{0};  // when it is long
  std::thread thread_;     // last: it uses all of the above
};

// A few reactors, one per core, named "<prefix>0", "<prefix>1", ….
class ReactorPool {
 public:
  // REQUIRES: count >= 1.
  ReactorPool(std::string_view prefix, std::size_t count);

  std::size_t size() const { return reactors_.size(); }
  Reactor& at(std::size_t index) { return *reactors_.at(index); }
  // Round robin, for whatever comes new. Any thread.
  Reactor& next() { return *reactors_[next_.fetch_add(1) % reactors_.size()]; }
  // The reactor that the caller runs on, or null.
  Reactor* here();
  void stop();

 private:
  std::vector<std::unique_ptr<Reactor>> reactors_;
  std::atomic<std::size_t> next_{0};
};

}  // namespace warren::runtime
