// PowerCutFileSystem: a disk that forgets. What was appended and not synced is held back in memory,
// so that kill -9 of the process loses exactly what a power cut may lose, and a copy of the files
// at any moment is what a power cut then would leave. For tests and for the test build of the
// server; never in production. Any thread.
//
// Kinder than a real disk in two things: a file closed without a sync counts as synced, and renames
// and deletions are durable at once.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace warren::storage {

class PowerCutFile;

class PowerCutFileSystem : public rocksdb::FileSystemWrapper {
 public:
  explicit PowerCutFileSystem(const std::shared_ptr<rocksdb::FileSystem>& disk);
  const char* Name() const override { return "PowerCutFileSystem"; }

  // Makes the new directory `copy` what `directory` would be if the power went now; this life goes
  // on as if nothing was. Files whose directory was not synced since they were made are left out.
  // `tear_seed` not 0: of what is held back for each file a random prefix is there, as disks do.
  void copy_as_cut(const std::string& directory, const std::string& copy, std::uint64_t tear_seed);
  // The same, in the midst of the next write to a log: after its append, before its sync.
  void copy_in_next_append(const std::string& directory, const std::string& copy,
                           std::uint64_t tear_seed);

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* result,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* result,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

 private:
  friend class PowerCutFile;
  friend class PowerCutDirectory;

  void copy_locked(const std::string& directory, const std::string& copy, std::uint64_t tear_seed);

  std::mutex mutex_;
  std::function<void()> on_log_append_;  // once
  std::set<PowerCutFile*> open_;
  std::set<std::string> unsynced_names_;  // made since their directory's last sync
};

}  // namespace warren::storage
