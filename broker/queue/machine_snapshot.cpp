// The machine's snapshot chunks. Group: version (u8), term, removed ids with the catalog index of
// their delete, from version 2 on up to where those are forgotten, from version 3 on uploads and
// the parts of large bodies, from version 4 on dead letters. Queue: see QueueRecord::encode.
// Indexes are rebuilt, not written.
#include "broker/base/check.h"
#include "broker/base/codec.h"
#include "broker/queue/machine.h"

namespace warren::queue {

namespace {

constexpr std::uint8_t group_version = 4;

}  // namespace

std::string Machine::group_octets() const {
  ByteWriter out;
  out.u8(group_version);
  out.varint(term_.value);
  out.varint(removed_.size());
  QueueId before;
  for (auto [id, deleted] : removed_) {
    out.varint(id.value - before.value);
    out.varint(deleted.value);
    before = id;
  }
  out.varint(forgotten_.value);
  large_.encode(out);
  dead_letters_.encode(out);
  return out.take();
}

std::optional<std::string> Machine::queue_octets(QueueId id) const {
  const QueueRecord* record = find(id);
  if (record == nullptr) return std::nullopt;
  ByteWriter out;
  record->encode(out);
  return out.take();
}

bool Machine::restore_group(std::string_view octets) {
  CHECK(queues_.empty() && removed_.empty(), "restoring over {} queues", queues_.size());
  ByteReader in(octets);
  const std::uint8_t version = in.u8();
  if (version == 0 || version > group_version) return false;
  term_ = Term(in.varint());
  std::uint64_t count = in.varint();
  QueueId id;
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    id.value += in.varint();
    removed_[id] = CatalogIndex(in.varint());
  }
  if (version >= 2) forgotten_ = CatalogIndex(in.varint());
  if (version >= 3 && in.ok() && !large_.decode(in)) return false;
  if (version >= 4 && in.ok() && !dead_letters_.decode(in)) return false;
  dead_letters_.for_each([this](const DeadLetter& letter) {
    live_.add(letter.message.entry);
    large_.refer(letter.message);
  });
  large_.for_each_part([this](const BodyPart& part) { live_.add(part.at.entry); });
  return in.ok() && in.at_end() && removed_.size() == count;
}

bool Machine::restore_queue(std::string_view octets) {
  ByteReader in(octets);
  auto record = std::make_unique<QueueRecord>();
  if (!record->decode(in) || !in.at_end()) return false;
  QueueId id = record->id;
  if (queues_.contains(id) || removed_.contains(id)) return false;
  const auto refer = [this](MessageId message) {
    live_.add(message.entry);
    if (large_.keeps_any()) large_.refer(message);
  };
  record->messages.for_each([&](const Message& message) { return refer(message.id), true; });
  record->delayed.for_each([&](const DelayedMessage& message) { refer(message.id); });
  due_.move(id, std::nullopt, record->delayed.next_due());
  for (const Touch& touch : record->touched)
    touches_[touch.session].insert(id);
  record->messages.for_each_level([&](LevelNumber, const Level& level) {
    if (level.mark.committed != level.mark.redelivered_below) marked_.insert(id);
  });
  queues_.emplace(id, std::move(record));
  return true;
}

std::size_t Machine::memory_octets() const {
  std::size_t total =
      live_.memory_octets() + large_.memory_octets() + dead_letters_.memory_octets();
  for (const auto& [id, record] : queues_)
    total += sizeof(QueueRecord) + record->messages.memory_octets() +
             (record->failed.size() + record->retries.size()) * 48 +
             record->delayed.memory_octets() + record->duplicates.memory_octets() +
             (record->stream ? record->stream->memory_octets() : 0);
  return total;
}

}  // namespace warren::queue
