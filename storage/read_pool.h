// ReadPool: two threads that read entries from RocksDB for the reactors. Owned by the node; submit
// from any thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "raft/types.h"
#include "storage/database.h"

namespace warren::storage {

// Neither entry nor error: there is none with this index.
struct ReadEntry {
  raft::Index index;
  std::optional<raft::Entry> entry;
  std::string error;  // a bad record, which may be fetched from another member
};

class ReadPool {
 public:
  explicit ReadPool(Database& database, unsigned threads = 2);
  ~ReadPool();  // finishes what is queued
  void submit(std::function<void(Database&)> job);

 private:
  void run();

  Database& database_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void(Database&)>> jobs_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace warren::storage
