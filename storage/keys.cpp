#include "storage/keys.h"

#include <memory>
#include <utility>

namespace warren::storage {

Encoder& Encoder::u8(std::uint8_t v) {
  out_.push_back(static_cast<char>(v));
  return *this;
}
Encoder& Encoder::u32(std::uint32_t v) {
  for (int shift = 24; shift >= 0; shift -= 8)
    u8(static_cast<std::uint8_t>(v >> shift));
  return *this;
}
Encoder& Encoder::u64(std::uint64_t v) {
  for (int shift = 56; shift >= 0; shift -= 8)
    u8(static_cast<std::uint8_t>(v >> shift));
  return *this;
}
Encoder& Encoder::varint(std::uint64_t v) {
  for (; v >= 0x80; v >>= 7)
    u8(static_cast<std::uint8_t>(v) | 0x80);
  return u8(static_cast<std::uint8_t>(v));
}
Encoder& Encoder::string(std::string_view v) {
  return varint(v.size()).raw(v);
}
Encoder& Encoder::raw(std::string_view v) {
  out_.append(v);
  return *this;
}

std::uint64_t Decoder::fixed(int octets) {
  if (in_.size() < static_cast<std::size_t>(octets)) {
    ok_ = false;
    in_ = {};
    return 0;
  }
  std::uint64_t v = 0;
  for (int i = 0; i < octets; ++i)
    v = (v << 8) | static_cast<unsigned char>(in_[i]);
  in_.remove_prefix(octets);
  return v;
}
std::uint8_t Decoder::u8() {
  return static_cast<std::uint8_t>(fixed(1));
}
std::uint32_t Decoder::u32() {
  return static_cast<std::uint32_t>(fixed(4));
}
std::uint64_t Decoder::u64() {
  return fixed(8);
}
std::uint64_t Decoder::varint() {
  std::uint64_t v = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const std::uint8_t b = u8();
    v |= static_cast<std::uint64_t>(b & 0x7f) << shift;
    if ((b & 0x80) == 0) return ok_ ? v : 0;
  }
  ok_ = false;
  in_ = {};
  return 0;
}
std::string_view Decoder::string() {
  const std::uint64_t length = varint();
  if (length > in_.size()) {
    ok_ = false;
    in_ = {};
    return {};
  }
  std::string_view v = in_.substr(0, length);
  in_.remove_prefix(length);
  return v;
}

std::string log_key(raft::GroupId group, raft::Index index, Generation generation) {
  return Encoder().u32(group.value).u64(index.value).u32(generation).take();
}

std::optional<LogKey> parse_log_key(std::string_view key) {
  Decoder in(key);
  LogKey parsed{raft::GroupId(in.u32()), raft::Index(in.u64()), in.u32()};
  return in.done() ? std::optional(parsed) : std::nullopt;
}

std::string log_record_head(const raft::Entry& entry) {
  return Encoder().varint(entry.term.value).u8(static_cast<std::uint8_t>(entry.kind)).take();
}

std::optional<raft::Entry> parse_log_record(raft::Index index, std::string_view record) {
  Decoder in(record);
  raft::Entry entry;
  entry.index = index;
  entry.term = raft::Term(in.varint());
  const std::uint8_t kind = in.u8();
  if (!in.ok() || kind > static_cast<std::uint8_t>(raft::EntryKind::configuration))
    return std::nullopt;
  entry.kind = static_cast<raft::EntryKind>(kind);
  if (!in.rest().empty()) entry.data = std::make_shared<const std::string>(in.rest());
  return entry;
}

std::string state_key(StateTag tag, raft::GroupId group) {
  return Encoder().u8(static_cast<std::uint8_t>(tag)).u32(group.value).take();
}
std::string part_index_key(raft::GroupId group, Generation generation, std::string_view part) {
  return Encoder().raw(state_key(StateTag::part_index, group)).u32(generation).raw(part).take();
}
std::string part_data_key(raft::GroupId group, std::uint64_t snapshot, std::string_view part) {
  return Encoder().raw(state_key(StateTag::data, group)).u64(snapshot).raw(part).take();
}

namespace {

void put_member(Encoder& out, const raft::MemberId& member) {
  out.varint(member.node).varint(member.disk).varint(member.assigned);
}
raft::MemberId get_member(Decoder& in) {
  raft::MemberId member;
  member.node = static_cast<std::uint32_t>(in.varint());
  member.disk = in.varint();
  member.assigned = in.varint();
  return member;
}
void put_members(Encoder& out, const std::vector<raft::MemberId>& members) {
  out.varint(members.size());
  for (const raft::MemberId& member : members)
    put_member(out, member);
}
std::vector<raft::MemberId> get_members(Decoder& in) {
  std::vector<raft::MemberId> members;
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left)
    members.push_back(get_member(in));
  return members;
}
template <typename T>
std::optional<T> if_done(const Decoder& in, T value) {
  return in.done() ? std::optional<T>(std::move(value)) : std::nullopt;
}

}  // namespace

std::string encode(const raft::MemberId& member) {
  Encoder out;
  put_member(out, member);
  return out.take();
}
std::optional<raft::MemberId> decode_member(std::string_view octets) {
  Decoder in(octets);
  raft::MemberId member = get_member(in);
  return if_done(in, member);
}

std::string encode(const raft::HardState& state) {
  Encoder out;
  out.varint(state.term.value);
  put_member(out, state.vote);
  return out.varint(state.commit.value).take();
}
std::optional<raft::HardState> decode_hard_state(std::string_view octets) {
  Decoder in(octets);
  raft::HardState state;
  state.term = raft::Term(in.varint());
  state.vote = get_member(in);
  state.commit = raft::Index(in.varint());
  return if_done(in, state);
}

std::string encode(const LogStart& start) {
  return Encoder().varint(start.first.value).varint(start.previous.value).take();
}
std::optional<LogStart> decode_log_start(std::string_view octets) {
  Decoder in(octets);
  LogStart start;
  start.first = raft::Index(in.varint());
  start.previous = raft::Term(in.varint());
  return if_done(in, start);
}

std::string encode(const SnapshotRecord& record) {
  Encoder out;
  out.varint(record.generation).varint(record.number);
  out.varint(record.meta.index.value).varint(record.meta.term.value);
  put_members(out, record.meta.configuration.voters);
  put_members(out, record.meta.configuration.learners);
  return out.take();
}
std::optional<SnapshotRecord> decode_snapshot(std::string_view octets) {
  Decoder in(octets);
  SnapshotRecord record;
  record.generation = static_cast<Generation>(in.varint());
  record.number = in.varint();
  record.meta.index = raft::Index(in.varint());
  record.meta.term = raft::Term(in.varint());
  record.meta.configuration.voters = get_members(in);
  record.meta.configuration.learners = get_members(in);
  return if_done(in, std::move(record));
}

std::string encode(const std::vector<InstalledRange>& ranges) {
  Encoder out;
  out.varint(ranges.size());
  for (const InstalledRange& range : ranges)
    out.varint(range.generation).varint(range.first.value).varint(range.last.value);
  return out.take();
}
std::optional<std::vector<InstalledRange>> decode_installed(std::string_view octets) {
  Decoder in(octets);
  std::vector<InstalledRange> ranges;
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    InstalledRange range;
    range.generation = static_cast<Generation>(in.varint());
    range.first = raft::Index(in.varint());
    range.last = raft::Index(in.varint());
    ranges.push_back(range);
  }
  return if_done(in, std::move(ranges));
}

std::string encode(const Begun& begun) {
  return Encoder().varint(begun.generation).varint(begun.after.value).take();
}
std::optional<Begun> decode_begun(std::string_view octets) {
  Decoder in(octets);
  Begun begun;
  begun.generation = static_cast<Generation>(in.varint());
  begun.after = raft::Index(in.varint());
  return if_done(in, begun);
}

std::string encode(const ClockRecord& clock) {
  Encoder out;
  out.string(clock.boot_id).u64(static_cast<std::uint64_t>(clock.boot_time_ns));
  return out.u64(clock.stamp_ms).take();
}
std::optional<ClockRecord> decode_clock(std::string_view octets) {
  Decoder in(octets);
  ClockRecord clock{std::string(in.string()), static_cast<std::int64_t>(in.u64()), in.u64()};
  return if_done(in, std::move(clock));
}

Generation generation_of(const std::vector<InstalledRange>& ranges, raft::Index index) {
  for (const InstalledRange& range : ranges)
    if (range.first <= index && index <= range.last) return range.generation;
  return 0;
}

}  // namespace warren::storage
