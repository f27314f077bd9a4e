#include "storage/store_marker.h"

#include <rocksdb/env.h>

#include <cinttypes>
#include <cstdio>
#include <vector>

#include "storage/crc32c.h"

namespace warren::storage {

namespace {

std::unexpected<OpenError> io_error(const std::string& file, const rocksdb::Status& status) {
  return std::unexpected(OpenError{OpenErrorKind::io, file, status.ToString()});
}

std::string marker_path(const std::string& dir) {
  return dir + "/warren-store";
}
std::string note_path(const std::string& dir) {
  return dir + "/warren-torn-tail";
}

rocksdb::Status sync_directory(rocksdb::Env& env, const std::string& dir) {
  std::unique_ptr<rocksdb::Directory> directory;
  rocksdb::Status status = env.NewDirectory(dir, &directory);
  return status.ok() ? directory->Fsync() : status;
}

rocksdb::Status write_whole(rocksdb::Env& env, const std::string& dir, const std::string& path,
                            const std::string& text) {
  const std::string temporary = path + ".new";
  rocksdb::Status status = rocksdb::WriteStringToFile(&env, text, temporary, /*should_sync=*/true);
  if (status.ok()) status = env.RenameFile(temporary, path);
  return status.ok() ? sync_directory(env, dir) : status;
}

std::string hex(std::uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016" PRIx64, value);
  return text;
}

std::string marker_text(const StoreMarker& marker) {
  std::string text =
      "warren-store 1 " + std::string(marker.ready ? "ready " : "creating ") + hex(marker.disk_id);
  return text + " " + hex(crc32c_extend(0, text.data(), text.size())) + "\n";
}

}  // namespace

std::expected<std::optional<StoreMarker>, OpenError> read_store_marker(rocksdb::Env& env,
                                                                       const std::string& dir) {
  const std::string path = marker_path(dir);
  if (env.FileExists(path).IsNotFound()) return std::nullopt;
  std::string text;
  if (auto status = rocksdb::ReadFileToString(&env, path, &text); !status.ok())
    return io_error(path, status);
  StoreMarker marker;
  char state[9] = {};
  if (std::sscanf(text.c_str(), "warren-store 1 %8s %16" SCNx64, state, &marker.disk_id) == 2) {
    marker.ready = std::string(state) == "ready";
    if (text == marker_text(marker)) return marker;
  }
  if (text.starts_with("warren-store ") && !text.starts_with("warren-store 1 "))
    return std::unexpected(OpenError{OpenErrorKind::foreign, path,
                                     "the store is of a version that this program cannot read"});
  return std::unexpected(
      OpenError{OpenErrorKind::corrupt, path, "the mark of the store is damaged"});
}

std::expected<void, OpenError> write_store_marker(rocksdb::Env& env, const std::string& dir,
                                                  const StoreMarker& marker) {
  auto status = write_whole(env, dir, marker_path(dir), marker_text(marker));
  if (!status.ok()) return io_error(marker_path(dir), status);
  return {};
}

bool has_torn_note(rocksdb::Env& env, const std::string& dir) {
  return !env.FileExists(note_path(dir)).IsNotFound();
}

std::expected<void, OpenError> write_torn_note(rocksdb::Env& env, const std::string& dir,
                                               const std::string& text) {
  auto status = write_whole(env, dir, note_path(dir), text + "\n");
  if (!status.ok()) return io_error(note_path(dir), status);
  return {};
}

std::expected<void, OpenError> remove_torn_note(rocksdb::Env& env, const std::string& dir) {
  auto status = env.DeleteFile(note_path(dir));
  if (status.ok()) status = sync_directory(env, dir);
  if (!status.ok()) return io_error(note_path(dir), status);
  return {};
}

bool has_rocksdb_files(rocksdb::Env& env, const std::string& dir) {
  std::vector<std::string> names;
  if (!env.GetChildren(dir, &names).ok()) return false;
  for (const std::string& name : names)
    if (name == "CURRENT" || name.starts_with("MANIFEST-") || name.ends_with(".sst") ||
        name.ends_with(".log"))
      return true;
  return false;
}

}  // namespace warren::storage
