// Walks RocksDB's write-ahead log as octets, before RocksDB opens it, and says whether every batch
// that was ever synced is still there. RocksDB's own recovery modes either refuse a torn tail or
// silently drop what follows a flipped bit. Reads only. Any thread. Architecture §6.
//
// A log file is blocks of 32 KiB; a record never crosses one; a batch is a full record or
// first, middle…, last:
//   [crc32c, masked: u32 le][length: u16 le][type: u8][payload]     crc over type and payload
// A block's last 6 octets or less are filler. A batch begins [sequence: u64 le][count: u32 le],
// and the next batch's sequence is sequence + count, also from one file to the next.
#pragma once

#include <cstdint>
#include <string>

namespace rocksdb {
class Env;
}

namespace warren::storage {

enum class WalVerdict : std::uint8_t {
  intact,
  torn,     // damage, and no intact batch after it: what a power cut leaves
  corrupt,  // damage with intact batches after it or of a single bit; batches missing or twice
  unreadable,
};

struct WalReport {
  WalVerdict verdict = WalVerdict::intact;
  std::string file;           // full path of the damaged one
  std::uint64_t offset = 0;   // of the damage
  std::uint64_t keep = 0;     // torn: the file's length up to the last intact batch
  std::string text;           // what is wrong there
  std::uint64_t batches = 0;  // intact ones before the damage
};

// Every NNNNNN.log in `directory`, in order.
WalReport check_wal(rocksdb::Env& env, const std::string& directory);

// What check_wal found torn: shortens the file to `keep`, durably. Files after it hold no batch.
// Empty: done; otherwise the error.
std::string cut_torn_tail(rocksdb::Env& env, const WalReport& report);

}  // namespace warren::storage
