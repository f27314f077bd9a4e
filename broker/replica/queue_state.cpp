#include "broker/replica/queue_state.h"

#include <algorithm>

#include "broker/base/codec.h"
#include "broker/replica/outcome_codec.h"

namespace warren::replica {
namespace {

constexpr std::uint8_t part_version = 1;

std::string queue_key(QueueId queue) {
  ByteWriter out;
  out.u8('q');
  out.u64_be(queue.value);
  return out.take();
}

std::unexpected<Error> malformed(const char* what) {
  return fail(ReplyCode::internal_error, std::string("malformed ") + what);
}

// Runs one batch's commands against the machine.
class BatchRun {
 public:
  BatchRun(queue::Machine& machine, Stamp stamp, const EntryBatch& batch, EntryIndex index,
           std::uint32_t first_slot, queue::Effects& effects)
      : machine_(machine),
        stamp_(stamp),
        session_(batch.session),
        verdicts_(batch.verdicts),
        index_(index),
        slot_(first_slot),
        effects_(effects) {}

  queue::Outcome operator()(const queue::Publish& p) {
    queue::Enqueue enqueue;
    enqueue.message = {index_, Slot(slot_++)};
    enqueue.size = static_cast<std::uint32_t>(p.content.body.size());
    enqueue.properties = static_cast<std::uint32_t>(p.content.properties.size());
    enqueue.priority = p.priority;
    enqueue.stamp = stamp_;
    enqueue.ttl_ms = p.ttl_ms;
    enqueue.delay_ms = p.delay_ms;
    enqueue.duplicate = p.duplicate;
    find_full(p);
    enqueue.full = full_queues_;
    if (p.upload) enqueue.upload = {session_, p.upload};
    enqueue.upload_octets = p.upload_octets;
    if (p.queues.size() <= 1) {
      enqueue.queues = std::span(p.queues.data(), p.queues.size());
      return machine_.enqueue(enqueue, effects_);
    }
    once_.assign(p.queues.begin(), p.queues.end());
    std::sort(once_.begin(), once_.end());
    once_.erase(std::unique(once_.begin(), once_.end()), once_.end());
    enqueue.queues = once_;
    return machine_.enqueue(enqueue, effects_);
  }
  queue::Outcome operator()(const queue::Settle& s) {
    accepted_.clear();
    for (const queue::Held& held : s.messages) {
      if (refused_ < verdicts_.refused.size() && verdicts_.refused[refused_] == held_)
        ++refused_;
      else
        accepted_.push_back(held.message);
      ++held_;
    }
    if (accepted_.empty()) return {};
    return machine_.settle(s.queue, s.kind, accepted_, effects_);
  }
  queue::Outcome operator()(const queue::Purge& p) {
    std::span<const MessageId> spared;
    if (purge_ < verdicts_.spared.size()) spared = verdicts_.spared[purge_++];
    return machine_.purge(p.queue, spared, effects_);
  }
  queue::Outcome operator()(const queue::Seal& s) {
    SealFound found;
    if (seal_ < verdicts_.sealed.size()) found = verdicts_.sealed[seal_++];
    return machine_.seal(s.queue, s.if_empty, {found.in_use, found.held}, effects_);
  }
  queue::Outcome operator()(const queue::Part& p) {
    queue::BodyPart part{{index_, Slot(slot_++)}, static_cast<std::uint32_t>(p.octets.body.size())};
    return machine_.add_part({session_, p.upload}, part, effects_);
  }
  queue::Outcome operator()(const queue::DropUpload& d) {
    return machine_.drop_upload({session_, d.upload}, effects_);
  }

 private:
  // Which of its queues the leader found full.
  void find_full(const queue::Publish& p) {
    full_queues_.clear();
    for (QueueId queue : p.queues) {
      if (full_ < verdicts_.full.size() && verdicts_.full[full_] == target_) {
        full_queues_.push_back(queue);
        ++full_;
      }
      ++target_;
    }
  }

  queue::Machine& machine_;
  const Stamp stamp_;
  const SessionId session_;
  const Verdicts& verdicts_;
  const EntryIndex index_;
  std::uint32_t slot_;
  queue::Effects& effects_;
  std::uint32_t held_ = 0;   // position among the batch's held
  std::size_t refused_ = 0;  // next of verdicts.refused
  std::size_t purge_ = 0, seal_ = 0;
  std::uint32_t target_ = 0;  // position among the queues of the batch's publishes
  std::size_t full_ = 0;      // next of verdicts.full
  std::vector<QueueId> full_queues_;
  std::vector<QueueId> once_;
  std::vector<MessageId> accepted_;
};

}  // namespace

Result<void> QueueState::apply(EntryIndex index, Term term,
                               const std::shared_ptr<const std::string>& data,
                               QueueApplied& applied) {
  auto entry = decode_entry(data);
  if (!entry) return std::unexpected(entry.error());
  std::vector<std::pair<QueueId, queue::Settings>> creates;
  for (const QueueCreate& create : entry->creates) {
    ByteReader in(create.settings);
    auto settings = queue::Settings::decode(in);
    if (!settings) return malformed("queue settings");
    creates.emplace_back(create.queue, *settings);
  }

  applied_ = index;
  stamp_ = std::max(stamp_, entry->stamp);
  machine_.set_time(stamp_);
  for (const auto& [queue, settings] : creates)
    machine_.create(queue, settings, applied.queues);
  for (QueueId queue : entry->consumed)
    machine_.consume(queue, applied.queues);
  for (const Touch& touch : entry->touches)
    machine_.touch(touch.session, touch.queue, applied.queues);
  // First: they were chosen before anything here was resolved, and a purge or a seal counts without
  // them.
  for (const Expel& expel : entry->expels)
    machine_.expel(expel.queue, expel.reason, expel.messages, applied.queues);
  for (const DeadLetterDone& done : entry->dead_done)
    machine_.finish_dead_letter(done.queue, done.number, applied.queues);
  for (const ReadThrough& read : entry->read_through)
    machine_.read_through(read.queue, read.tag, read.next);
  machine_.ripen(stamp_, applied.queues);
  auto contents = std::make_shared<EntryContents>();
  contents->term = term;
  contents->bytes = data->size();
  contents->only_parts = true;
  std::uint32_t slot = 0;
  for (const EntryBatch& batch : entry->batches)
    apply_batch(batch, index, slot, *contents, applied);
  for (const Mark& mark : entry->marks)
    machine_.mark(mark.queue, mark.level, mark.ordinal, applied.queues);
  for (const Lapse& lapse : entry->lapses)
    machine_.lapse(lapse.session, lapse.queue, lapse.through, applied.queues);
  for (const Touch& touch : entry->untouches)
    machine_.untouch(touch.session, touch.queue, applied.queues);
  for (SessionId session : entry->ended) {
    ledger_.end(session);
    machine_.end_session(session, applied.queues);
    applied.ended.push_back(session);
  }
  for (const QueueRemoval& removal : entry->removed)
    machine_.remove(removal.queue, removal.deleted, applied.queues);
  if (entry->forget_removed) machine_.forget_removed(entry->forget_removed);
  if (!contents->messages.empty()) applied.contents.emplace_back(index, std::move(contents));
  return {};
}

void QueueState::apply_batch(const EntryBatch& batch, EntryIndex index, std::uint32_t& next_slot,
                             EntryContents& contents, QueueApplied& applied) {
  auto decoded = decode_batch(batch.blob);
  // Slots are counted whether or not the batch is applied: readers of the entry know no ledger.
  std::uint32_t first_slot = next_slot;
  if (decoded) {
    for (const auto& command : decoded->commands)
      if (const auto* p = std::get_if<queue::Publish>(&command)) {
        contents.messages.push_back(p->content);
        contents.only_parts = false;
      } else if (const auto* part = std::get_if<queue::Part>(&command)) {
        contents.messages.push_back(part->octets);
      }
    next_slot = static_cast<std::uint32_t>(contents.messages.size());
  }
  if (ledger_.admit(batch.session, batch.number) != session::Admission::apply) return;
  std::string octets;
  if (decoded) {
    std::vector<queue::Outcome> outcomes;
    outcomes.reserve(decoded->commands.size());
    BatchRun run(machine_, stamp_, batch, index, first_slot, applied.queues);
    for (const auto& command : decoded->commands)
      outcomes.push_back(std::visit(run, command));
    octets = encode_outcomes(outcomes);
  }
  ledger_.record(batch.session, batch.number, std::move(octets));
  ledger_.release(batch.session, batch.released);
  applied.recorded.push_back({batch.session, batch.number});
}

void QueueState::apply_no_op(EntryIndex index, Term term) {
  applied_ = index;
  machine_.on_new_term(term, index);
}

StatePart QueueState::group_part() const {
  ByteWriter group;
  group.u8(part_version);
  group.varint(applied_.value);
  group.varint(stamp_.value);
  group.string(ledger_.serialise());
  group.string(machine_.group_octets());
  return {"g", group.take()};
}

std::vector<StatePart> QueueState::parts() const {
  std::vector<StatePart> parts{group_part()};
  machine_.for_each_queue([&](const queue::QueueRecord& record) {
    parts.push_back({queue_key(record.id), machine_.queue_octets(record.id)});
  });
  return parts;
}

std::vector<StatePart> QueueState::take_parts(bool everything) {
  std::vector<StatePart> parts;
  if (everything) {
    parts = this->parts();
  } else {
    parts.push_back(group_part());
    for (QueueId queue : machine_.changed())
      parts.push_back({queue_key(queue), machine_.queue_octets(queue)});
  }
  machine_.clear_changed();
  return parts;
}

Result<void> QueueState::restore(const std::string& key, const std::string& octets) {
  if (key != "g") {
    if (key.empty() || key[0] != 'q' || !machine_.restore_queue(octets))
      return malformed("queue in a snapshot");
    return {};
  }
  ByteReader in(octets);
  if (in.u8() != part_version) return malformed("snapshot: unknown version");
  applied_ = EntryIndex(in.varint());
  stamp_ = Stamp(in.varint());
  auto ledger = session::Ledger::restore(in.string());
  std::string_view machine = in.string();
  if (!in.ok() || !in.at_end() || !ledger || !machine_.restore_group(machine))
    return malformed("group in a snapshot");
  ledger_ = std::move(*ledger);
  return {};
}

}  // namespace warren::replica
