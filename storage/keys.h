// Keys and records of the store, as docs/storage-format.md draws them, and the little writer and
// reader that they are made with. Pure: any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "raft/types.h"

namespace warren::storage {

// Big-endian numbers (they sort), varints, and strings with a varint length.
class Encoder {
 public:
  Encoder& u8(std::uint8_t v);
  Encoder& u32(std::uint32_t v);
  Encoder& u64(std::uint64_t v);
  Encoder& varint(std::uint64_t v);
  Encoder& string(std::string_view v);
  Encoder& raw(std::string_view v);
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

// A short input makes every further read zero and ok() false.
class Decoder {
 public:
  explicit Decoder(std::string_view in) : in_(in) {}
  std::uint8_t u8();
  std::uint32_t u32();
  std::uint64_t u64();
  std::uint64_t varint();
  std::string_view string();
  std::string_view rest() const { return in_; }
  bool ok() const { return ok_; }
  bool done() const { return ok_ && in_.empty(); }

 private:
  std::uint64_t fixed(int octets);
  std::string_view in_;
  bool ok_ = true;
};

// Distinguishes an entry that came with a snapshot from one that the log held at the same index.
// 0: written as log.
using Generation = std::uint32_t;

// Column family "log".
std::string log_key(raft::GroupId group, raft::Index index, Generation generation);
struct LogKey {
  raft::GroupId group;
  raft::Index index;
  Generation generation = 0;
};
std::optional<LogKey> parse_log_key(std::string_view key);
std::string log_record_head(const raft::Entry& entry);  // what precedes the data
std::optional<raft::Entry> parse_log_record(raft::Index index, std::string_view record);

// Column family "state".
enum class StateTag : char {
  abstain = 'a',
  begun = 'b',
  clock = 'c',
  data = 'd',
  log_start = 'f',
  hard_state = 'h',
  part_index = 'i',
  member = 'm',
  installed = 'r',
  snapshot = 's',
};
std::string state_key(StateTag tag, raft::GroupId group);
std::string part_index_key(raft::GroupId group, Generation generation, std::string_view part);
std::string part_data_key(raft::GroupId group, std::uint64_t snapshot, std::string_view part);

struct LogStart {
  raft::Index first;
  raft::Term previous;  // term of first - 1
};
struct SnapshotRecord {
  Generation generation = 0;
  std::uint64_t number = 0;  // rises with each snapshot of the group
  raft::SnapshotMeta meta;
};
// Entries that came with a snapshot: found under `generation`, not under 0.
struct InstalledRange {
  Generation generation = 0;
  raft::Index first;
  raft::Index last;
};
struct Begun {
  Generation generation = 0;
  raft::Index after;
};

// What a group's replicated time was at a moment of a boot.
struct ClockRecord {
  std::string boot_id;
  std::int64_t boot_time_ns = 0;  // CLOCK_BOOTTIME
  std::uint64_t stamp_ms = 0;
  bool operator==(const ClockRecord&) const = default;
};

std::string encode(const raft::MemberId& member);
std::string encode(const raft::HardState& state);
std::string encode(const LogStart& start);
std::string encode(const SnapshotRecord& record);
std::string encode(const std::vector<InstalledRange>& ranges);
std::string encode(const Begun& begun);
std::string encode(const ClockRecord& clock);
std::optional<raft::MemberId> decode_member(std::string_view octets);
std::optional<raft::HardState> decode_hard_state(std::string_view octets);
std::optional<LogStart> decode_log_start(std::string_view octets);
std::optional<SnapshotRecord> decode_snapshot(std::string_view octets);
std::optional<std::vector<InstalledRange>> decode_installed(std::string_view octets);
std::optional<Begun> decode_begun(std::string_view octets);
std::optional<ClockRecord> decode_clock(std::string_view octets);

// Under which generation the entry at `index` is kept.
Generation generation_of(const std::vector<InstalledRange>& ranges, raft::Index index);

}  // namespace warren::storage
