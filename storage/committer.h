// Committer: the one thread that writes to RocksDB. Everything that all reactors queued while the
// last sync ran becomes one WriteBatch and one sync. A failed write ends the process.
// Owned by the node; submit() from any thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "storage/database.h"

namespace rocksdb {
class WriteBatch;
}

namespace warren::storage {

struct Commit {
  // Adds the operations. Called on the committing thread, in the order of submission.
  std::function<void(rocksdb::WriteBatch&)> fill;
  std::size_t bytes = 0;  // about; bounds one batch
  bool urgent = true;     // false: may wait for an urgent one, a bound of bytes or 200 ms
  // Durable. Called on the committing thread: post it on. May be empty.
  std::function<void()> done;
};

class Committer {
 public:
  explicit Committer(Database& database, std::size_t batch_bytes = 4u << 20);
  ~Committer();  // writes what is queued
  void submit(Commit commit);
  void flush();  // waits until all that was submitted before is durable; tests and shutdown

 private:
  void run();
  std::deque<Commit> take();  // REQUIRES: mutex_ held
  void write(std::deque<Commit>& commits);

  Database& database_;
  const std::size_t batch_bytes_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;
  std::deque<Commit> queue_;
  std::size_t queued_bytes_ = 0;
  bool urgent_ = false;
  bool writing_ = false;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace warren::storage
