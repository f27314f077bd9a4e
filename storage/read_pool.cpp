#include "storage/read_pool.h"

#include <utility>

#include "storage/check.h"

namespace warren::storage {

ReadPool::ReadPool(Database& database, unsigned threads) : database_(database) {
  for (unsigned i = 0; i < threads; ++i)
    threads_.emplace_back([this] { run(); });
}

ReadPool::~ReadPool() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_)
    thread.join();
}

void ReadPool::submit(std::function<void(Database&)> job) {
  {
    std::lock_guard lock(mutex_);
    STORAGE_CHECK(!stop_, "a read came after the end");
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void ReadPool::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stop_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job(database_);
    job = nullptr;
    lock.lock();
  }
}

}  // namespace warren::storage
