// The small files beside RocksDB's own in a store's directory: what makes it ours, and what must be
// remembered while it is being repaired. Each is written whole, synced, and renamed into place.
// Any thread, one at a time.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "storage/database.h"

namespace warren::storage {

// "warren-store": one line, "warren-store 1 <creating|ready> <disk id, hex> <crc32c, hex>".
struct StoreMarker {
  bool ready = false;  // false: nothing was ever promised from here
  std::uint64_t disk_id = 0;
};

// Nothing: there is none.
std::expected<std::optional<StoreMarker>, OpenError> read_store_marker(rocksdb::Env& env,
                                                                       const std::string& dir);
std::expected<void, OpenError> write_store_marker(rocksdb::Env& env, const std::string& dir,
                                                  const StoreMarker& marker);

// "warren-torn-tail": a tail is being cut; the groups do not know it yet.
bool has_torn_note(rocksdb::Env& env, const std::string& dir);
std::expected<void, OpenError> write_torn_note(rocksdb::Env& env, const std::string& dir,
                                               const std::string& text);
std::expected<void, OpenError> remove_torn_note(rocksdb::Env& env, const std::string& dir);

// Any file of RocksDB's: there is, or was, a store here.
bool has_rocksdb_files(rocksdb::Env& env, const std::string& dir);

}  // namespace warren::storage
