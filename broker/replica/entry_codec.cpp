// The entry around the batches; see command_codec.h and proto/command.proto.
#include <algorithm>
#include <optional>
#include <utility>

#include "broker/base/codec.h"
#include "broker/replica/command_codec.h"
#include "broker/replica/wire.h"
#include "proto/command.pb.h"

namespace warren::replica {
namespace {

std::unexpected<Error> malformed(const char* what) {
  return fail(ReplyCode::internal_error, std::string("malformed entry: ") + what);
}

using Runs = google::protobuf::RepeatedField<std::uint32_t>;

// Bound of positions in one batch: a run-length column must not blow up.
constexpr std::uint64_t max_positions = 16u << 20;

// Alternately how many are left out, and how many are in.
void put_runs(const std::vector<std::uint32_t>& positions, Runs& out) {
  std::uint32_t next = 0;  // first position not yet covered by runs
  for (std::size_t i = 0; i < positions.size();) {
    std::uint32_t first = positions[i];
    std::uint32_t end = first;
    while (i < positions.size() && positions[i] == end)
      ++i, ++end;
    out.Add(first - next);
    out.Add(end - first);
    next = end;
  }
}

// False: malformed.
bool get_runs(const Runs& in, std::vector<std::uint32_t>& positions) {
  if (in.size() % 2 != 0) return false;
  std::uint64_t position = 0;
  for (int i = 0; i < in.size(); i += 2) {
    position += in.Get(i);
    std::uint64_t end = position + in.Get(i + 1);
    if (end > max_positions) return false;
    for (; position < end; ++position)
      positions.push_back(static_cast<std::uint32_t>(position));
  }
  return true;
}

void put_verdicts(const EntryBatch& batch, proto::BatchVerdict& out) {
  out.set_node(batch.session.node.value);
  out.set_incarnation(batch.session.incarnation.value);
  out.set_number(batch.number.value);
  out.set_released(batch.released.value);
  out.set_length(batch.blob.size());
  put_runs(batch.verdicts.refused, *out.mutable_held_runs());
  put_runs(batch.verdicts.full, *out.mutable_full_runs());
  Delta entry, slot;
  for (const auto& messages : batch.verdicts.spared) {
    out.add_purge_count(static_cast<std::uint32_t>(messages.size()));
    for (MessageId id : messages) {
      out.add_purge_entry(entry.step(id.entry.value));
      out.add_purge_slot(slot.step(id.slot.value));
    }
  }
  for (const SealFound& found : batch.verdicts.sealed) {
    out.add_seal_in_use(found.in_use ? 1 : 0);
    out.add_seal_held(found.held);
  }
}

std::optional<const char*> get_verdicts(const proto::BatchVerdict& in, Verdicts& out) {
  if (!get_runs(in.held_runs(), out.refused) || !get_runs(in.full_runs(), out.full)) return "runs";
  if (in.purge_slot_size() != in.purge_entry_size()) return "purges";
  if (in.seal_held_size() != in.seal_in_use_size()) return "seals";
  Delta entry, slot;
  int next = 0;
  for (std::uint32_t count : in.purge_count()) {
    if (count > static_cast<std::uint32_t>(in.purge_entry_size() - next)) return "purges";
    std::vector<MessageId> messages;
    messages.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i, ++next) {
      EntryIndex e(entry.add(in.purge_entry(next)));
      messages.push_back({e, Slot(static_cast<std::uint32_t>(slot.add(in.purge_slot(next))))});
    }
    out.spared.push_back(std::move(messages));
  }
  for (int i = 0; i < in.seal_in_use_size(); ++i)
    out.sealed.push_back({in.seal_in_use(i) != 0, in.seal_held(i)});
  return std::nullopt;
}

void put_own(const QueueEntry& entry, proto::EntryHeader& header) {
  for (const Mark& mark : entry.marks) {
    header.add_mark_queue(mark.queue.value);
    header.add_mark_priority(mark.level.value);
    header.add_mark_ordinal(mark.ordinal.value);
  }
  for (const Touch& touch : entry.touches) {
    header.add_touch_node(touch.session.node.value);
    header.add_touch_incarnation(touch.session.incarnation.value);
    header.add_touch_queue(touch.queue.value);
  }
  for (const Touch& touch : entry.untouches) {
    header.add_untouch_node(touch.session.node.value);
    header.add_untouch_incarnation(touch.session.incarnation.value);
    header.add_untouch_queue(touch.queue.value);
  }
  for (const Lapse& lapse : entry.lapses) {
    header.add_lapse_node(lapse.session.node.value);
    header.add_lapse_incarnation(lapse.session.incarnation.value);
    header.add_lapse_queue(lapse.queue.value);
    header.add_lapse_term(lapse.through.term.value);
    header.add_lapse_counter(lapse.through.counter);
  }
  for (SessionId session : entry.ended) {
    header.add_ended_node(session.node.value);
    header.add_ended_incarnation(session.incarnation.value);
  }
  for (const QueueRemoval& removal : entry.removed) {
    header.add_removed_queue(removal.queue.value);
    header.add_removed_at(removal.deleted.value);
  }
  header.set_forget_removed(entry.forget_removed.value);
  for (QueueId queue : entry.consumed)
    header.add_consumed_queue(queue.value);
  Delta index, slot;
  for (const Expel& expel : entry.expels) {
    header.add_expel_queue(expel.queue.value);
    header.add_expel_reason(static_cast<std::uint32_t>(expel.reason));
    header.add_expel_count(static_cast<std::uint32_t>(expel.messages.size()));
    for (MessageId id : expel.messages) {
      header.add_expel_entry(index.step(id.entry.value));
      header.add_expel_slot(slot.step(id.slot.value));
    }
  }
  Delta number;
  for (const DeadLetterDone& done : entry.dead_done) {
    header.add_dead_done_queue(done.queue.value);
    header.add_dead_done_number(number.step(done.number.value));
  }
  for (const ReadThrough& read : entry.read_through) {
    header.add_read_queue(read.queue.value);
    header.add_read_tag(read.tag);
    header.add_read_next(read.next.value);
  }
}

// False: malformed.
bool get_expels(const proto::EntryHeader& h, std::vector<Expel>& out) {
  if (h.expel_reason_size() != h.expel_queue_size() ||
      h.expel_count_size() != h.expel_queue_size() || h.expel_slot_size() != h.expel_entry_size())
    return false;
  Delta index, slot;
  int next = 0;
  for (int i = 0; i < h.expel_queue_size(); ++i) {
    const std::uint32_t reason = h.expel_reason(i);
    if (reason > static_cast<std::uint32_t>(queue::DeathReason::delivery_limit)) return false;
    if (h.expel_count(i) > static_cast<std::uint32_t>(h.expel_entry_size() - next)) return false;
    Expel expel{QueueId(h.expel_queue(i)), static_cast<queue::DeathReason>(reason), {}};
    for (std::uint32_t k = 0; k < h.expel_count(i); ++k, ++next) {
      EntryIndex entry(index.add(h.expel_entry(next)));
      expel.messages.push_back(
          {entry, Slot(static_cast<std::uint32_t>(slot.add(h.expel_slot(next))))});
    }
    out.push_back(std::move(expel));
  }
  return next == h.expel_entry_size();
}

constexpr std::uint32_t limits_version = 2;
constexpr std::uint32_t dead_letters_version = 3;  // and delays
constexpr std::uint32_t retries_version = 4;       // and duplicates
constexpr std::uint32_t streams_version = 5;
constexpr std::uint32_t strict_priorities_version = 6;

std::uint32_t version_of(const QueueCreate& create) {
  if (create.settings.size() <= queue::Settings::plain_octets) return 1;
  ByteReader in(create.settings);
  const auto settings = queue::Settings::decode(in);
  if (!settings) return limits_version;
  if (settings->strict_priorities) return strict_priorities_version;
  if (settings->stream) return streams_version;
  if (settings->retry != queue::Retry() || settings->duplicates.keys > 0) return retries_version;
  return settings->dead_letters ? dead_letters_version : limits_version;
}

std::uint32_t version_of(const QueueEntry& entry) {
  const bool limits =
      std::ranges::any_of(entry.marks,
                          [](const Mark& mark) { return mark.level != queue::LevelNumber(); }) ||
      !entry.expels.empty() || std::ranges::any_of(entry.batches, [](const EntryBatch& batch) {
        return !batch.verdicts.full.empty();
      });
  std::uint32_t version = !entry.dead_done.empty() ? dead_letters_version
                          : limits                 ? limits_version
                                                   : 1;
  if (!entry.read_through.empty()) version = streams_version;
  for (const QueueCreate& create : entry.creates)
    version = std::max(version, version_of(create));
  for (const EntryBatch& batch : entry.batches)
    if (const std::uint32_t of_batch = version_of_batch(batch.blob);
        of_batch >= dead_letters_version)
      version = std::max(version, of_batch);
  return version;
}

bool own_columns_consistent(const proto::EntryHeader& h) {
  return h.mark_priority_size() == h.mark_queue_size() &&
         h.mark_ordinal_size() == h.mark_queue_size() &&
         h.touch_incarnation_size() == h.touch_node_size() &&
         h.touch_queue_size() == h.touch_node_size() &&
         h.untouch_incarnation_size() == h.untouch_node_size() &&
         h.untouch_queue_size() == h.untouch_node_size() &&
         h.lapse_incarnation_size() == h.lapse_node_size() &&
         h.lapse_queue_size() == h.lapse_node_size() &&
         h.lapse_term_size() == h.lapse_node_size() &&
         h.lapse_counter_size() == h.lapse_node_size() &&
         h.ended_incarnation_size() == h.ended_node_size() &&
         h.removed_at_size() == h.removed_queue_size() &&
         h.dead_done_number_size() == h.dead_done_queue_size() &&
         h.read_tag_size() == h.read_queue_size() && h.read_next_size() == h.read_queue_size();
}

std::optional<const char*> get_own(const proto::EntryHeader& h, QueueEntry& out) {
  if (!own_columns_consistent(h)) return "columns";
  for (int i = 0; i < h.mark_queue_size(); ++i) {
    if (h.mark_priority(i) > 255) return "marks";
    out.marks.push_back({QueueId(h.mark_queue(i)),
                         queue::LevelNumber(static_cast<std::uint8_t>(h.mark_priority(i))),
                         Ordinal(h.mark_ordinal(i))});
  }
  for (int i = 0; i < h.touch_node_size(); ++i)
    out.touches.push_back({{NodeId(h.touch_node(i)), Incarnation(h.touch_incarnation(i))},
                           QueueId(h.touch_queue(i))});
  for (int i = 0; i < h.untouch_node_size(); ++i)
    out.untouches.push_back({{NodeId(h.untouch_node(i)), Incarnation(h.untouch_incarnation(i))},
                             QueueId(h.untouch_queue(i))});
  for (int i = 0; i < h.lapse_node_size(); ++i)
    out.lapses.push_back({{NodeId(h.lapse_node(i)), Incarnation(h.lapse_incarnation(i))},
                          QueueId(h.lapse_queue(i)),
                          {Term(h.lapse_term(i)), h.lapse_counter(i)}});
  for (int i = 0; i < h.ended_node_size(); ++i)
    out.ended.push_back({NodeId(h.ended_node(i)), Incarnation(h.ended_incarnation(i))});
  for (int i = 0; i < h.removed_queue_size(); ++i)
    out.removed.push_back({QueueId(h.removed_queue(i)), CatalogIndex(h.removed_at(i))});
  out.forget_removed = CatalogIndex(h.forget_removed());
  for (std::uint64_t queue : h.consumed_queue())
    out.consumed.push_back(QueueId(queue));
  if (!get_expels(h, out.expels)) return "expelled messages";
  Delta number;
  for (int i = 0; i < h.dead_done_queue_size(); ++i)
    out.dead_done.push_back({QueueId(h.dead_done_queue(i)),
                             queue::DeadLetterNumber(number.add(h.dead_done_number(i)))});
  for (int i = 0; i < h.read_queue_size(); ++i)
    out.read_through.push_back({QueueId(h.read_queue(i)), h.read_tag(i), Ordinal(h.read_next(i))});
  return std::nullopt;
}

}  // namespace

std::shared_ptr<const std::string> encode_entry(const QueueEntry& entry) {
  proto::EntryHeader header;
  header.set_version(version_of(entry));
  header.set_stamp_ms(entry.stamp.value);
  for (const QueueCreate& create : entry.creates) {
    auto* out = header.add_create();
    out->set_queue(create.queue.value);
    out->set_settings(create.settings);
  }
  put_own(entry, header);
  std::size_t octets = 0;
  for (const EntryBatch& batch : entry.batches) {
    put_verdicts(batch, *header.add_batch());
    octets += batch.blob.size();
  }
  std::string out = frame(header, octets);
  for (const EntryBatch& batch : entry.batches)
    out.append(batch.blob.view());
  return std::make_shared<const std::string>(std::move(out));
}

Result<QueueEntry> decode_entry(const std::shared_ptr<const std::string>& data) {
  if (!data) return malformed("no data");
  proto::EntryHeader header;
  auto octets = unframe(*data, header);
  if (!octets) return malformed("header");
  if (header.version() == 0 || header.version() > command_version) return malformed("version");
  QueueEntry entry;
  entry.stamp = Stamp(header.stamp_ms());
  for (const auto& create : header.create())
    entry.creates.push_back({QueueId(create.queue()), create.settings()});
  if (auto wrong = get_own(header, entry)) return malformed(*wrong);
  Bytes rest(data, *octets);
  entry.batches.reserve(static_cast<std::size_t>(header.batch_size()));
  for (const auto& in : header.batch()) {
    if (in.length() > rest.size()) return malformed("lengths");
    EntryBatch batch;
    batch.session = {NodeId(in.node()), Incarnation(in.incarnation())};
    batch.number = BatchNumber(in.number());
    batch.released = BatchNumber(in.released());
    if (auto wrong = get_verdicts(in, batch.verdicts)) return malformed(*wrong);
    batch.blob = rest.slice(0, in.length());
    rest = rest.slice(in.length(), rest.size() - in.length());
    entry.batches.push_back(std::move(batch));
  }
  if (!rest.empty()) return malformed("left-over octets");
  return entry;
}

}  // namespace warren::replica
