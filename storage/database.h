// Database: one node's RocksDB. Opens it only when nothing that was ever promised is in doubt:
// checks the write-ahead log itself first, cuts a torn tail, refuses any other damage and touches
// nothing then. Owned by the node; any thread. Architecture §6.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class Env;
class FileLock;
}  // namespace rocksdb

namespace warren::storage {

enum class OpenErrorKind : std::uint8_t {
  io,       // permissions, missing disk, another process holds the store
  corrupt,  // damage other than a torn tail; the store was left as it is
  foreign,  // not a store of ours, or of a version that we cannot read
};

struct OpenError {
  OpenErrorKind kind = OpenErrorKind::io;
  std::string file;
  std::string text;  // for the operator: what is wrong and what may be done
};

// "FILE: what is wrong", for the operator.
std::string text_of(const OpenError& error);

// A store that a node must not start with: what is wrong, and what may be done.
OpenError damage(std::string file, const std::string& what);

struct DatabaseOptions {
  // What a consumer that keeps up leaves behind dies here, unwritten. While one is written to a
  // file there are two of them in memory, of the 512 MiB that a node may have in all.
  std::size_t memtable_bytes = 64u << 20;
  // Bounds the replay at start.
  std::size_t wal_bytes = 256u << 20;
  std::size_t block_cache_bytes = 32u << 20;
  int open_files = 512;
  rocksdb::Env* env = nullptr;  // null: the operating system's; tests cut the power with another
};

class Database {
 public:
  // Creates the store when the directory is empty or absent.
  static std::expected<std::unique_ptr<Database>, OpenError> open(const std::string& directory,
                                                                  const DatabaseOptions& options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  rocksdb::DB& db() const { return *db_; }
  rocksdb::ColumnFamilyHandle* log() const { return log_; }
  rocksdb::ColumnFamilyHandle* state() const { return state_; }
  rocksdb::ColumnFamilyHandle* identity() const { return identity_; }
  std::uint64_t disk_id() const { return disk_id_; }  // random, once
  bool tail_was_torn() const { return tail_was_torn_; }
  // As of now or of an earlier start, and some replica has not recovered from it. What is missing
  // may have been here.
  bool may_lack_replicas() const { return may_lack_replicas_; }
  const std::string& directory() const { return directory_; }

 private:
  Database() = default;
  friend class DatabaseOpener;

  std::string directory_;
  rocksdb::Env* env_ = nullptr;
  rocksdb::FileLock* lock_ = nullptr;
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::ColumnFamilyHandle* default_ = nullptr;
  rocksdb::ColumnFamilyHandle* log_ = nullptr;
  rocksdb::ColumnFamilyHandle* state_ = nullptr;
  rocksdb::ColumnFamilyHandle* identity_ = nullptr;
  std::uint64_t disk_id_ = 0;
  bool tail_was_torn_ = false;
  bool may_lack_replicas_ = false;
};

}  // namespace warren::storage
