#include "storage/committer.h"

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <chrono>
#include <utility>

#include "storage/check.h"

namespace warren::storage {

namespace {

// How long what nobody waits for may wait for somebody else's sync.
constexpr std::chrono::milliseconds patience{200};

}  // namespace

Committer::Committer(Database& database, std::size_t batch_bytes)
    : database_(database), batch_bytes_(batch_bytes), thread_([this] { run(); }) {}

Committer::~Committer() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Committer::submit(Commit commit) {
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    STORAGE_CHECK(!stop_, "a commit came after the end");
    wake = queue_.empty() || (commit.urgent && !urgent_);
    queued_bytes_ += commit.bytes;
    urgent_ = urgent_ || commit.urgent || queued_bytes_ >= batch_bytes_;
    queue_.push_back(std::move(commit));
    wake = wake || urgent_;
  }
  if (wake) wake_.notify_one();
}

void Committer::flush() {
  std::unique_lock lock(mutex_);
  urgent_ = urgent_ || !queue_.empty();
  wake_.notify_one();
  idle_.wait(lock, [this] { return queue_.empty() && !writing_; });
}

void Committer::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stop_ || !queue_.empty(); });
    if (queue_.empty()) return;
    if (!urgent_) wake_.wait_for(lock, patience, [this] { return stop_ || urgent_; });
    std::deque<Commit> commits = take();
    writing_ = true;
    lock.unlock();
    write(commits);
    for (Commit& commit : commits)
      if (commit.done) commit.done();
    commits.clear();
    lock.lock();
    writing_ = false;
    if (queue_.empty()) idle_.notify_all();
  }
}

// A prefix of the queue: whatever came first is durable first.
std::deque<Commit> Committer::take() {
  std::deque<Commit> commits;
  std::size_t bytes = 0;
  while (!queue_.empty() && (commits.empty() || bytes + queue_.front().bytes <= batch_bytes_)) {
    bytes += queue_.front().bytes;
    commits.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  queued_bytes_ -= bytes;
  // What is left was queued behind an urgent one or beyond the bound: at once.
  urgent_ = !queue_.empty();
  return commits;
}

void Committer::write(std::deque<Commit>& commits) {
  std::size_t bytes = 64;
  for (const Commit& commit : commits)
    bytes += commit.bytes + 64;
  rocksdb::WriteBatch batch(bytes);
  for (Commit& commit : commits)
    commit.fill(batch);
  rocksdb::WriteOptions options;
  options.sync = true;
  const rocksdb::Status status = database_.db().Write(options, &batch);
  STORAGE_CHECK(status.ok(), "cannot write to " + database_.directory() + ": " + status.ToString() +
                                 ". What was not confirmed may be lost; what was is on disk");
}

}  // namespace warren::storage
