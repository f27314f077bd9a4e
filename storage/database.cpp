#include "storage/database.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <random>
#include <utility>
#include <vector>

#include "storage/check.h"
#include "storage/keys.h"
#include "storage/store_marker.h"
#include "storage/wal_check.h"

namespace warren::storage {

namespace {

constexpr char disk_key[] = "disk";
using Done = std::expected<void, OpenError>;

std::unexpected<OpenError> refuse(OpenErrorKind kind, std::string file, std::string text) {
  return std::unexpected(OpenError{kind, std::move(file), std::move(text)});
}

std::unexpected<OpenError> refuse_damage(std::string file, const std::string& what) {
  return std::unexpected(damage(std::move(file), what));
}

std::uint64_t random_disk_id() {
  std::random_device device;
  std::uint64_t id = 0;
  while (id == 0)
    id = (static_cast<std::uint64_t>(device()) << 32) | device();
  return id;
}

rocksdb::ColumnFamilyOptions family_options(std::size_t memtable_bytes,
                                            const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = memtable_bytes;
  options.max_write_buffer_number = 2;
  options.compression = rocksdb::kNoCompression;
  options.level_compaction_dynamic_level_bytes = true;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = 16 << 10;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

rocksdb::DBOptions database_options(const DatabaseOptions& given, bool create) {
  rocksdb::DBOptions options;
  options.create_if_missing = create;
  options.create_missing_column_families = create;
  options.paranoid_checks = true;
  // check_wal has cut what may be cut: from here on anything amiss is refused.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kAbsoluteConsistency;
  options.track_and_verify_wals_in_manifest = true;
  options.max_total_wal_size = given.wal_bytes;
  options.max_open_files = given.open_files;
  options.max_background_jobs = 2;
  options.bytes_per_sync = 1 << 20;
  options.keep_log_file_num = 2;
  options.max_log_file_size = 1 << 20;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  if (given.env != nullptr) options.env = given.env;
  return options;
}

}  // namespace

std::string text_of(const OpenError& error) {
  return error.file + ": " + error.text;
}

OpenError damage(std::string file, const std::string& what) {
  return {
      OpenErrorKind::corrupt, std::move(file),
      what +
          ". Nothing was changed. Choices: repair the disk and restore the file from a copy of "
          "this very store; or, if a majority of the cluster lives, move the directory away and "
          "let this node join again with an empty one. Without such a majority, moving it away "
          "loses data"};
}

// The steps of Database::open, in order.
class DatabaseOpener {
 public:
  DatabaseOpener(const std::string& directory, const DatabaseOptions& options)
      : options_(options),
        env_(options.env ? *options.env : *rocksdb::Env::Default()),
        database_(new Database) {
    database_->directory_ = directory;
    database_->env_ = &env_;
  }

  std::expected<std::unique_ptr<Database>, OpenError> run() {
    for (auto step : {&DatabaseOpener::lock, &DatabaseOpener::read_marker,
                      &DatabaseOpener::check_log, &DatabaseOpener::open_rocksdb,
                      &DatabaseOpener::settle_identity, &DatabaseOpener::settle_torn_tail})
      if (Done done = (this->*step)(); !done) return std::unexpected(std::move(done.error()));
    return std::move(database_);
  }

 private:
  const std::string& dir() const { return database_->directory_; }

  // Before all: another process's live log would look torn.
  Done lock() {
    if (auto status = env_.CreateDirIfMissing(dir()); !status.ok())
      return refuse(OpenErrorKind::io, dir(), status.ToString());
    const std::string path = dir() + "/warren-lock";
    if (auto status = env_.LockFile(path, &database_->lock_); !status.ok()) {
      database_->lock_ = nullptr;
      return refuse(OpenErrorKind::io, path,
                    "another process uses the store: " + status.ToString());
    }
    return {};
  }

  Done read_marker() {
    auto found = read_store_marker(env_, dir());
    if (!found) {
      const OpenError& error = found.error();
      return error.kind == OpenErrorKind::corrupt ? refuse_damage(error.file, error.text)
                                                  : std::unexpected(error);
    }
    if (*found) {
      marker_ = **found;
      return {};
    }
    if (has_rocksdb_files(env_, dir()))
      return refuse_damage(dir() + "/warren-store",
                           "the mark of the store is missing, yet there are data");
    marker_ = {false, random_disk_id()};
    return write_store_marker(env_, dir(), marker_);
  }

  Done check_log() {
    if (!marker_.ready) return {};  // nothing was promised yet; RocksDB starts over
    if (env_.FileExists(dir() + "/CURRENT").IsNotFound())
      return refuse_damage(dir() + "/CURRENT", "the file is missing");
    const WalReport report = check_wal(env_, dir());
    const std::string where = report.text + " at offset " + std::to_string(report.offset);
    switch (report.verdict) {
      case WalVerdict::intact:
        return {};
      case WalVerdict::unreadable:
        return refuse(OpenErrorKind::io, report.file, report.text);
      case WalVerdict::corrupt:
        return refuse_damage(report.file, where);
      case WalVerdict::torn:
        break;
    }
    // Noted first: a crash between must not lose that promises may be gone.
    if (auto noted = write_torn_note(env_, dir(), report.file + ": " + where); !noted) return noted;
    if (std::string error = cut_torn_tail(env_, report); !error.empty())
      return refuse(OpenErrorKind::io, report.file, error);
    return {};
  }

  Done open_rocksdb() {
    auto cache = rocksdb::NewLRUCache(options_.block_cache_bytes);
    // Small families are flushed when the log's size demands it.
    const std::vector<rocksdb::ColumnFamilyDescriptor> families{
        {rocksdb::kDefaultColumnFamilyName, family_options(1 << 20, cache)},
        {"log", family_options(options_.memtable_bytes, cache)},
        {"state", family_options(options_.memtable_bytes / 4, cache)},
        {"identity", family_options(1 << 20, cache)}};
    const rocksdb::DBOptions db_options = database_options(options_, !marker_.ready);
    // A creation that was interrupted may have left anything; nothing was promised from it.
    if (!marker_.ready) rocksdb::DestroyDB(dir(), rocksdb::Options(db_options, {}));
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* db = nullptr;
    auto status = rocksdb::DB::Open(db_options, dir(), families, &handles, &db);
    if (!status.ok()) {
      const bool io = status.IsIOError() || status.IsNoSpace() || status.IsBusy();
      return io ? refuse(OpenErrorKind::io, dir(), status.ToString())
                : refuse_damage(dir(), status.ToString());
    }
    database_->db_.reset(db);
    database_->default_ = handles[0];
    database_->log_ = handles[1];
    database_->state_ = handles[2];
    database_->identity_ = handles[3];
    return {};
  }

  Done settle_identity() {
    database_->disk_id_ = marker_.disk_id;
    const std::string expected = Encoder().u64(marker_.disk_id).take();
    if (!marker_.ready) {
      rocksdb::WriteBatch batch;
      batch.Put(database_->identity_, disk_key, expected);
      if (auto done = write_synced(batch); !done) return done;
      marker_.ready = true;
      return write_store_marker(env_, dir(), marker_);
    }
    std::string found;
    auto status =
        database_->db_->Get(rocksdb::ReadOptions(), database_->identity_, disk_key, &found);
    if (status.ok() && found == expected) return {};
    return refuse_damage(dir(), status.ok() ? "the disk id in the store is another than its mark's"
                                            : "the disk id is missing in the store");
  }

  bool any_abstains() const {
    const std::string from(1, static_cast<char>(StateTag::abstain));
    std::unique_ptr<rocksdb::Iterator> abstaining(
        database_->db_->NewIterator(rocksdb::ReadOptions(), database_->state_));
    abstaining->Seek(from);
    return abstaining->Valid() && abstaining->key().starts_with(from);
  }

  Done settle_torn_tail() {
    database_->tail_was_torn_ = has_torn_note(env_, dir());
    database_->may_lack_replicas_ = database_->tail_was_torn_ || any_abstains();
    if (!database_->tail_was_torn_) return {};
    rocksdb::WriteBatch batch;
    const std::string from(1, static_cast<char>(StateTag::member));
    std::unique_ptr<rocksdb::Iterator> members(
        database_->db_->NewIterator(rocksdb::ReadOptions(), database_->state_));
    for (members->Seek(from); members->Valid() && members->key().starts_with(from);
         members->Next()) {
      Decoder key(std::string_view(members->key().data(), members->key().size()).substr(1));
      batch.Put(database_->state_, state_key(StateTag::abstain, raft::GroupId(key.u32())), "");
    }
    if (!members->status().ok())
      return refuse_damage(dir(), "the list of groups: " + members->status().ToString());
    if (auto done = write_synced(batch); !done) return done;
    return remove_torn_note(env_, dir());
  }

  Done write_synced(rocksdb::WriteBatch& batch) {
    rocksdb::WriteOptions options;
    options.sync = true;
    if (auto status = database_->db_->Write(options, &batch); !status.ok())
      return refuse(OpenErrorKind::io, dir(), status.ToString());
    return {};
  }

  const DatabaseOptions options_;
  rocksdb::Env& env_;
  std::unique_ptr<Database> database_;
  StoreMarker marker_;
};

std::expected<std::unique_ptr<Database>, OpenError> Database::open(const std::string& directory,
                                                                   const DatabaseOptions& options) {
  return DatabaseOpener(directory, options).run();
}

Database::~Database() {
  if (db_) {
    for (auto* family : {default_, log_, state_, identity_})
      db_->DestroyColumnFamilyHandle(family);
    db_.reset();
  }
  if (lock_ != nullptr) env_->UnlockFile(lock_);
}

}  // namespace warren::storage
