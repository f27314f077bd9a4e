#include "broker/runtime/spawn.h"

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>

#include "broker/runtime/log.h"

namespace warren::runtime {

class CoroutineCount {
 public:
  explicit CoroutineCount(Reactor& reactor) : reactor_(&reactor) { ++reactor_->coroutines_; }
  CoroutineCount(CoroutineCount&& other) noexcept
      : reactor_(std::exchange(other.reactor_, nullptr)) {}
  CoroutineCount& operator=(CoroutineCount&&) = delete;
  ~CoroutineCount() {
    if (reactor_) --reactor_->coroutines_;
  }

 private:
  Reactor* reactor_;
};

namespace {

void log_end(const std::string& name, const std::exception_ptr& error) {
  if (!error) {
    log_debug("{} ended", name);
    return;
  }
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    log_error("{} ended by an exception: {}", name, e.what());
  } catch (...) {
    log_error("{} ended by an unknown exception", name);
  }
}

}  // namespace

void spawn(Reactor& reactor, std::string name, boost::asio::awaitable<void> coroutine, Task ended) {
  boost::asio::co_spawn(reactor.io(), std::move(coroutine),
                        [name = std::move(name), count = CoroutineCount(reactor),
                         ended = std::move(ended)](std::exception_ptr error) mutable {
                          log_end(name, error);
                          if (ended) ended();
                        });
}

}  // namespace warren::runtime
