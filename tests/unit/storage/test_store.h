// A store in a directory of its own, with the threads that serve it, for one test. post() runs when
// the test pumps, as a reactor would.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "storage/committer.h"
#include "storage/database.h"
#include "storage/group_log.h"
#include "storage/read_pool.h"

namespace warren::storage {

class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "warren-storage-XXXXXX");
    path_ = ::mkdtemp(pattern.data());
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class Mailbox {
 public:
  Post post() {
    return [this](std::function<void()> job) {
      std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
      wake_.notify_one();
    };
  }
  void pump_until(const std::function<bool()>& done) {
    std::unique_lock lock(mutex_);
    while (!done()) {
      wake_.wait(lock, [this] { return !jobs_.empty(); });
      auto job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
      lock.lock();
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
};

// Opens, closes and opens again.
class TestStore {
 public:
  explicit TestStore(const std::string& directory, const DatabaseOptions& options = {},
                     std::size_t cache_bytes = 1u << 20) {
    auto opened = Database::open(directory, options);
    if (!opened) {
      ADD_FAILURE() << opened.error().file << ": " << opened.error().text;
      std::abort();
    }
    database = *std::move(opened);
    committer = std::make_unique<Committer>(*database);
    pool = std::make_unique<ReadPool>(*database);
    log = std::make_unique<GroupLog>(
        *database, *committer, *pool, mailbox.post(),
        [this](std::uint64_t number) { written = number; }, cache_bytes);
  }
  ~TestStore() {
    pool.reset();
    committer.reset();
    log.reset();
    database.reset();
  }

  raft::StoredGroup load(raft::GroupId group) {
    auto stored = log->load(group);
    if (!stored) ADD_FAILURE() << stored.error().text;
    return stored ? *stored : raft::StoredGroup{};
  }
  void write(std::vector<raft::GroupWrite> writes) { log->write(++number, std::move(writes)); }
  void wait_written() {
    mailbox.pump_until([this] { return written == number; });
  }

  Mailbox mailbox;
  std::uint64_t number = 0;
  std::uint64_t written = 0;
  std::unique_ptr<Database> database;
  std::unique_ptr<Committer> committer;
  std::unique_ptr<ReadPool> pool;
  std::unique_ptr<GroupLog> log;
};

inline const raft::GroupId group_one{1};
inline const raft::MemberId self_member{1, 77, 5};

inline raft::Entry make_entry(std::uint64_t term, std::uint64_t index, std::string data) {
  return {raft::Term(term), raft::Index(index), raft::EntryKind::command,
          std::make_shared<const std::string>(std::move(data))};
}

inline raft::GroupWrite append_write(std::uint64_t term, std::uint64_t first, std::uint64_t last,
                                     raft::GroupId group = group_one) {
  raft::GroupWrite write{group, std::nullopt, {}};
  for (std::uint64_t i = first; i <= last; ++i)
    write.entries.push_back(make_entry(term, i, std::to_string(term) + ":" + std::to_string(i)));
  return write;
}

}  // namespace warren::storage
