// The entry around the batches; see command_codec.h and proto/command.proto.
#include <optional>

#include "broker/replica/command_codec.h"
#include "broker/replica/wire.h"
#include "proto/command.pb.h"

namespace warren::replica {
namespace {

std::unexpected<Error> malformed(const char* what) {
  return fail(ReplyCode::internal_error, std::string("malformed entry: ") + what);
}

void put_verdicts(const EntryBatch& batch, proto::BatchVerdict& out) {
  out.set_node(batch.session.node.value);
  out.set_incarnation(batch.session.incarnation.value);
  out.set_number(batch.number.value);
  out.set_released(batch.released.value);
  out.set_length(batch.blob.size());
  std::uint32_t next = 0;  // first position not yet covered by runs
  for (std::size_t i = 0; i < batch.verdicts.refused.size();) {
    std::uint32_t first = batch.verdicts.refused[i];
    std::uint32_t end = first;
    while (i < batch.verdicts.refused.size() && batch.verdicts.refused[i] == end)
      ++i, ++end;
    out.add_held_runs(first - next);
    out.add_held_runs(end - first);
    next = end;
  }
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

// Bound of positions in one batch: a run-length column must not blow up.
constexpr std::uint64_t max_positions = 16u << 20;

std::optional<const char*> get_verdicts(const proto::BatchVerdict& in, Verdicts& out) {
  if (in.held_runs_size() % 2 != 0) return "runs";
  std::uint64_t position = 0;
  for (int i = 0; i < in.held_runs_size(); i += 2) {
    position += in.held_runs(i);
    std::uint64_t end = position + in.held_runs(i + 1);
    if (end > max_positions) return "runs";
    for (; position < end; ++position)
      out.refused.push_back(static_cast<std::uint32_t>(position));
  }
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
    header.add_mark_priority(mark.priority);
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
         h.removed_at_size() == h.removed_queue_size();
}

std::optional<const char*> get_own(const proto::EntryHeader& h, QueueEntry& out) {
  if (!own_columns_consistent(h)) return "columns";
  for (int i = 0; i < h.mark_queue_size(); ++i)
    out.marks.push_back({QueueId(h.mark_queue(i)), static_cast<std::uint8_t>(h.mark_priority(i)),
                         Ordinal(h.mark_ordinal(i))});
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
  return std::nullopt;
}

}  // namespace

std::shared_ptr<const std::string> encode_entry(const QueueEntry& entry) {
  proto::EntryHeader header;
  header.set_version(command_version);
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
