// From batches to one log entry: verdicts, creates, marks, and the leader's own housekeeping.
#include <algorithm>
#include <utility>

#include "broker/base/codec.h"
#include "broker/catalog/queue_settings.h"
#include "broker/replica/queue_host_stream.h"

namespace warren::replica {
namespace {

constexpr std::uint64_t longest_sleep_ms = 3'600'000;

}  // namespace

Stamp QueueHost::stamp(BootTime now) {
  return last_stamp_ = std::max(last_stamp_, clock_.stamp(now));
}

void QueueHost::propose_entry(BootTime now) {
  if (!unproposed_) {
    if (!may_propose()) return;
    plan_marks(next_entry_);
    add_own(next_entry_);
    if (next_entry_.empty()) {
      const auto ripens = ripens_at();
      if (!ripens || *ripens > now) return;
      ripened_at_ = now;
    }
    next_entry_.stamp = stamp(now);
    unproposed_ = encode_entry(std::exchange(next_entry_, {}));
    in_flight_.built();
    next_entry_bytes_ = 0;
  }
  // A full log: what was resolved stays resolved, and goes first once there is room.
  raft::ProposeResult result = ports_.propose(unproposed_);
  if (result.outcome != raft::ProposeOutcome::proposed) return;
  in_flight_.proposed(EntryIndex(result.index.value));
  unproposed_ = nullptr;
  more_ = more_ || !incoming_.empty() || !next_entry_.empty();
}

// When an entry is due of which nothing is wanted but its stamp: that makes ready what was delayed.
// Whatever is on its way does so too, or is followed by a turn.
std::optional<BootTime> QueueHost::ripens_at() const {
  const auto due = state_.machine().next_due();
  if (!due || in_flight_.size() > 0 || unproposed_) return std::nullopt;
  // However far away, it is looked at again: a deadline is no place for centuries.
  const Stamp soon = std::min(*due, last_stamp_.next(longest_sleep_ms));
  return std::max(clock_.time(soon), ripened_at_ + Milliseconds(1));
}

std::optional<BootTime> QueueHost::next_deadline() const {
  std::optional<BootTime> first;
  for (const auto& due : {dispatcher_.next_deadline(), feed_.next_deadline(), ripens_at()})
    if (due && (!first || *due < *first)) first = due;
  return first;
}

bool QueueHost::may_propose() {
  in_flight_.applied(state_.applied());
  return in_flight_.size() < config_.entries_in_flight || next_entry_bytes_ >= config_.full_entry;
}

// Into the next entry, whenever that goes: what a consumer settles gives it credit now.
void QueueHost::add_batches() {
  QueueEntry& entry = next_entry_;
  std::deque<SessionId> kept;
  std::set<SessionId> blocked;  // a session's batches keep their order
  while (!incoming_.empty() && next_entry_bytes_ < config_.entry_bytes) {
    SessionId session = incoming_.front();
    incoming_.pop_front();
    Stream* found = find_stream(session);
    if (found == nullptr || found->incoming.empty()) continue;
    Stream& stream = *found;
    const auto& decoded = stream.incoming.front().decoded;
    if (blocked.contains(session) || (decoded && !may_resolve(decoded->catalog_index))) {
      blocked.insert(session);
      kept.push_back(session);
      continue;
    }
    Stream::Incoming next = std::move(stream.incoming.front());
    stream.incoming.pop_front();
    EntryBatch batch;
    batch.session = session;
    batch.number = next.batch.number;
    batch.released = next.batch.released;
    // One that this build cannot read goes without its octets, and every replica answers it as
    // malformed: a newer one could read them, and would do what the others do not.
    if (next.decoded) {
      resolve(session, *next.decoded, batch.verdicts, entry);
      batch.blob = std::move(next.batch.payload);
    }
    next_entry_bytes_ += batch.blob.size();
    entry.batches.push_back(std::move(batch));
  }
  incoming_.insert(incoming_.begin(), kept.begin(), kept.end());
}

void QueueHost::resolve(SessionId session, const DecodedBatch& batch, Verdicts& verdicts,
                        QueueEntry& entry) {
  std::uint32_t position = 0, target = 0;
  for (const queue::ClientCommand& command : batch.commands) {
    if (const auto* publish = std::get_if<queue::Publish>(&command)) {
      resolve_publish(*publish, target, verdicts, entry);
    } else if (const auto* settle = std::get_if<queue::Settle>(&command)) {
      resolve_settle(session, *settle, position, verdicts);
    } else if (const auto* purge = std::get_if<queue::Purge>(&command)) {
      touch_queue(purge->queue, entry);
      verdicts.spared.push_back(dispatcher_.resolve_purge(session, purge->queue));
    } else if (const auto* seal = std::get_if<queue::Seal>(&command)) {
      touch_queue(seal->queue, entry);
      queue::SealVerdict found = dispatcher_.resolve_seal(session, seal->queue, seal->if_unused);
      verdicts.sealed.push_back({found.in_use, found.held});
    }
  }
}

// A queue that rejects what is too much counts what is on its way as well: never one over.
void QueueHost::resolve_publish(const queue::Publish& publish, std::uint32_t& target,
                                Verdicts& verdicts, QueueEntry& entry) {
  const std::uint64_t size = publish.content.body.size() + publish.upload_octets;
  for (QueueId queue : publish.queues) {
    const std::uint32_t position = target++;
    const queue::Settings* settings = touch_queue(queue, entry);
    if (settings == nullptr) continue;
    if (settings->limits_length() && settings->overflow != queue::Overflow::drop_head) {
      if (!dispatcher_.has_room(queue, *settings, in_flight_.coming(queue), size)) {
        verdicts.full.push_back(position);
        continue;
      }
      in_flight_.add(queue, size);
    }
    if (publish.delay_ms == 0 && !settings->stream)
      ++enqueued_[{queue, queue::level_for(publish.priority, *settings)}];
  }
}

void QueueHost::resolve_settle(SessionId session, const queue::Settle& settle,
                               std::uint32_t& position, Verdicts& verdicts) {
  for (const queue::Held& held : settle.messages) {
    if (!dispatcher_.resolve_settle(session, settle.queue, held))
      verdicts.refused.push_back(position);
    ++position;
  }
}

// What the machine knows of the queue, or will by the time this entry's commands run; null: it is
// gone. Valid until the next entry is applied or built.
const queue::Settings* QueueHost::touch_queue(QueueId queue, QueueEntry& entry) {
  if (const queue::QueueRecord* record = state_.machine().find(queue)) return &record->settings;
  if (auto known = creating_.find(queue); known != creating_.end()) return &known->second;
  if (state_.machine().was_removed(queue)) return nullptr;
  const catalog::QueueInfo* info = catalog_->queue(queue);
  if (info == nullptr || info->group != group_) return nullptr;
  queue::Settings& settings = creating_[queue] = catalog::queue_settings(*info);
  ByteWriter octets;
  settings.encode(octets);
  entry.creates.push_back({queue, octets.take()});
  return &settings;
}

void QueueHost::plan_marks(QueueEntry& entry) {
  for (const auto& [where, count] : enqueued_) {
    const auto [queue, level] = where;
    if (state_.machine().find(queue) == nullptr) continue;  // no consumer can be there yet
    queue::EnqueuePlan plan = dispatcher_.plan_enqueue(queue, level, count);
    if (plan.mark) entry.marks.push_back({plan.mark->queue, plan.mark->level, plan.mark->below});
    for (const queue::TouchNeed& touch : plan.touches)
      entry.touches.push_back({touch.session, touch.queue});
  }
  enqueued_.clear();
}

void QueueHost::add_own(QueueEntry& entry) {
  for (QueueId queue : std::exchange(to_create_, {}))
    touch_queue(queue, entry);
  for (const queue::MarkNeed& mark : needs_.marks)
    entry.marks.push_back({mark.queue, mark.level, mark.below});
  for (const queue::TouchNeed& touch : needs_.touches)
    entry.touches.push_back({touch.session, touch.queue});
  for (const queue::LapseNeed& lapse : needs_.lapses)
    entry.lapses.push_back({lapse.session, lapse.queue, lapse.through});
  for (queue::ExpelNeed& expel : needs_.expels)
    entry.expels.push_back({expel.queue, expel.reason, std::move(expel.messages)});
  for (queue::ReadNeed& read : needs_.reads)
    entry.read_through.push_back({read.queue, std::move(read.tag), read.next});
  entry.consumed = std::exchange(needs_.consumed, {});
  entry.dead_done = feed_.take_done();
  needs_.marks.clear();
  needs_.touches.clear();
  needs_.lapses.clear();
  needs_.expels.clear();
  needs_.reads.clear();
  entry.ended.insert(entry.ended.end(), to_end_.begin(), to_end_.end());
  to_end_.clear();
  for (QueueId queue : to_remove_)
    entry.removed.push_back({queue, catalog_->index()});
  to_remove_.clear();
  if (entry.empty()) return;
  // No hurry with the rest.
  for (const queue::TouchNeed& touch : needs_.untouches)
    entry.untouches.push_back({touch.session, touch.queue});
  needs_.untouches.clear();
  if (catalog_floor_ <= std::exchange(forgetting_, catalog_floor_)) return;
  if (state_.machine().remembers_removed(catalog_floor_)) entry.forget_removed = catalog_floor_;
}

}  // namespace warren::replica
