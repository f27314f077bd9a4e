#include "storage/power_cut_file_system.h"

#include <filesystem>
#include <fstream>
#include <random>
#include <utility>

namespace warren::storage {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

// Every call takes the file system's lock: a cut falls between two calls, never into one.
class PowerCutFile : public rocksdb::FSWritableFile {
 public:
  // With the lock held.
  PowerCutFile(PowerCutFileSystem& system, std::string name,
               std::unique_ptr<rocksdb::FSWritableFile> file)
      : system_(system), name_(std::move(name)), file_(std::move(file)) {
    system_.open_.insert(this);
  }
  ~PowerCutFile() override {
    std::lock_guard lock(system_.mutex_);
    system_.open_.erase(this);
    write_held();
  }

  IOStatus Append(const rocksdb::Slice& data, const IOOptions&, IODebugContext*) override {
    std::lock_guard lock(system_.mutex_);
    held_.append(data.data(), data.size());
    if (system_.on_log_append_ && name_.ends_with(".log"))
      std::exchange(system_.on_log_append_, nullptr)();
    return IOStatus::OK();
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo&, IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    std::lock_guard lock(system_.mutex_);
    const IOStatus status = write_held();
    return status.ok() ? file_->Close(options, debug) : status;
  }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    std::lock_guard lock(system_.mutex_);
    const IOStatus status = write_held();
    return status.ok() ? file_->Sync(options, debug) : status;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Sync(options, debug);
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    std::lock_guard lock(system_.mutex_);
    const IOStatus status = write_held();
    return status.ok() ? file_->Truncate(size, options, debug) : status;
  }
  std::uint64_t GetFileSize(const IOOptions& options, IODebugContext* debug) override {
    std::lock_guard lock(system_.mutex_);
    return file_->GetFileSize(options, debug) + held_.size();
  }

  // With the lock held.
  const std::string& name() const { return name_; }
  const std::string& held() const { return held_; }

 private:
  IOStatus write_held() {
    IOStatus status;
    if (!held_.empty()) status = file_->Append(held_, IOOptions(), nullptr);
    if (status.ok()) status = file_->Flush(IOOptions(), nullptr);
    held_.clear();
    return status;
  }

  PowerCutFileSystem& system_;
  const std::string name_;
  std::unique_ptr<rocksdb::FSWritableFile> file_;
  std::string held_;
};

class PowerCutDirectory : public rocksdb::FSDirectory {
 public:
  PowerCutDirectory(PowerCutFileSystem& system, std::string name,
                    std::unique_ptr<rocksdb::FSDirectory> directory)
      : system_(system), name_(std::move(name)), directory_(std::move(directory)) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    std::lock_guard lock(system_.mutex_);
    std::erase_if(system_.unsynced_names_, [this](const std::string& file) {
      return file.starts_with(name_ + "/") && file.find('/', name_.size() + 1) == file.npos;
    });
    return directory_->Fsync(options, debug);
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    return directory_->Close(options, debug);
  }
  std::size_t GetUniqueId(char* id, std::size_t size) const override {
    return directory_->GetUniqueId(id, size);
  }

 private:
  PowerCutFileSystem& system_;
  const std::string name_;
  std::unique_ptr<rocksdb::FSDirectory> directory_;
};

PowerCutFileSystem::PowerCutFileSystem(const std::shared_ptr<rocksdb::FileSystem>& disk)
    : rocksdb::FileSystemWrapper(disk) {}

void PowerCutFileSystem::copy_as_cut(const std::string& directory, const std::string& copy,
                                     std::uint64_t tear_seed) {
  std::lock_guard lock(mutex_);
  copy_locked(directory, copy, tear_seed);
}

void PowerCutFileSystem::copy_in_next_append(const std::string& directory, const std::string& copy,
                                             std::uint64_t tear_seed) {
  std::lock_guard lock(mutex_);
  on_log_append_ = [=, this] { copy_locked(directory, copy, tear_seed); };
}

void PowerCutFileSystem::copy_locked(const std::string& directory, const std::string& copy,
                                     std::uint64_t tear_seed) {
  namespace fs = std::filesystem;
  fs::create_directory(copy);
  for (const auto& file : fs::directory_iterator(directory))
    if (!unsynced_names_.contains(file.path().string()))
      fs::copy_file(file.path(), fs::path(copy) / file.path().filename());
  std::mt19937_64 random(tear_seed);
  for (const PowerCutFile* file : open_) {
    const fs::path torn = fs::path(copy) / fs::path(file->name()).filename();
    if (tear_seed == 0 || !fs::exists(torn)) continue;
    const std::size_t length = random() % (file->held().size() + 1);
    std::ofstream(torn, std::ios::binary | std::ios::app) << file->held().substr(0, length);
  }
}

IOStatus PowerCutFileSystem::NewWritableFile(const std::string& name,
                                             const rocksdb::FileOptions& options,
                                             std::unique_ptr<rocksdb::FSWritableFile>* result,
                                             IODebugContext* debug) {
  std::lock_guard lock(mutex_);
  std::unique_ptr<rocksdb::FSWritableFile> file;
  const IOStatus status = target()->NewWritableFile(name, options, &file, debug);
  if (!status.ok()) return status;
  unsynced_names_.insert(name);
  *result = std::make_unique<PowerCutFile>(*this, name, std::move(file));
  return status;
}

IOStatus PowerCutFileSystem::ReopenWritableFile(const std::string& name,
                                                const rocksdb::FileOptions& options,
                                                std::unique_ptr<rocksdb::FSWritableFile>* result,
                                                IODebugContext* debug) {
  std::lock_guard lock(mutex_);
  std::unique_ptr<rocksdb::FSWritableFile> file;
  const IOStatus status = target()->ReopenWritableFile(name, options, &file, debug);
  if (status.ok()) *result = std::make_unique<PowerCutFile>(*this, name, std::move(file));
  return status;
}

IOStatus PowerCutFileSystem::NewDirectory(const std::string& name, const IOOptions& options,
                                          std::unique_ptr<rocksdb::FSDirectory>* result,
                                          IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSDirectory> directory;
  IOStatus status = target()->NewDirectory(name, options, &directory, debug);
  if (status.ok()) *result = std::make_unique<PowerCutDirectory>(*this, name, std::move(directory));
  return status;
}

IOStatus PowerCutFileSystem::DeleteFile(const std::string& name, const IOOptions& options,
                                        IODebugContext* debug) {
  std::lock_guard lock(mutex_);
  unsynced_names_.erase(name);
  return target()->DeleteFile(name, options, debug);
}

IOStatus PowerCutFileSystem::RenameFile(const std::string& from, const std::string& to,
                                        const IOOptions& options, IODebugContext* debug) {
  std::lock_guard lock(mutex_);
  unsynced_names_.erase(from);
  return target()->RenameFile(from, to, options, debug);
}

}  // namespace warren::storage
