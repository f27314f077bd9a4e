#include "broker/queue/machine.h"

#include <algorithm>
#include <limits>

#include "broker/base/check.h"

namespace warren::queue {

namespace {

constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

// Features §1.C: a reject with requeue and a lost channel count; a nack and a recover do not.
bool counts_as_failure(SettleKind kind) {
  return kind == SettleKind::requeue_reject || kind == SettleKind::requeue_lost;
}

bool is_full(const Enqueue& command, QueueId id) {
  return !command.full.empty() && std::ranges::find(command.full, id) != command.full.end();
}

bool buries_refused(const Settings& settings) {
  return settings.overflow == Overflow::reject_publish_dlx && settings.dead_letters;
}

bool removes(SettleKind kind) {
  return kind == SettleKind::ack || kind == SettleKind::reject;
}

}  // namespace

QueueRecord* Machine::at(QueueId id) {
  auto it = queues_.find(id);
  return it == queues_.end() ? nullptr : it->second.get();
}

const QueueRecord* Machine::find(QueueId id) const {
  auto it = queues_.find(id);
  return it == queues_.end() ? nullptr : it->second.get();
}

bool Machine::takes_messages(QueueId id) const {
  const QueueRecord* record = find(id);
  return record != nullptr && !record->sealed;
}

const Touch* Machine::find_touch(SessionId session, QueueId id) const {
  const QueueRecord* record = find(id);
  if (record == nullptr) return nullptr;
  auto it = std::ranges::lower_bound(record->touched, session, {}, &Touch::session);
  return it == record->touched.end() || it->session != session ? nullptr : &*it;
}

bool Machine::touched(SessionId session, QueueId id) const {
  return find_touch(session, id) != nullptr;
}

CheckoutId Machine::lapsed(SessionId session, QueueId id) const {
  const Touch* touch = find_touch(session, id);
  return touch == nullptr ? CheckoutId{} : touch->lapsed;
}

const std::set<QueueId>* Machine::touched_by(SessionId session) const {
  auto it = touches_.find(session);
  return it == touches_.end() ? nullptr : &it->second;
}

std::uint32_t Machine::failed_deliveries(QueueId id, Ordinal ordinal) const {
  const QueueRecord* record = find(id);
  if (record == nullptr) return 0;
  auto it = record->failed.find(ordinal);
  return it == record->failed.end() ? 0 : it->second;
}

void Machine::create(QueueId id, const Settings& settings, Effects& effects) {
  if (removed_.contains(id) || queues_.contains(id)) return;
  auto record = std::make_unique<QueueRecord>();
  record->id = id;
  record->settings = settings;
  if (settings.stream) record->stream = std::make_unique<StreamBook>();
  queues_.emplace(id, std::move(record));
  changed_.insert(id);
  effects.created.push_back(id);
}

// A full queue refuses for all: the publisher cannot tell who has it.
Outcome Machine::outcome_of(const Taken& taken) {
  if (taken.refused) return {OutcomeCode::rejected, 0};
  return {taken.queues > 0 ? OutcomeCode::ok : OutcomeCode::queue_gone, 0};
}

Outcome Machine::enqueue(const Enqueue& command, Effects& effects) {
  if (command.upload.upload) return enqueue_large(command, effects);
  return outcome_of(append(command, command.size, effects));
}

Machine::Taken Machine::append(const Enqueue& command, std::uint64_t size, Effects& effects) {
  Taken taken;
  for (QueueId id : command.queues) {
    QueueRecord* record = at(id);
    const bool there = record != nullptr && !record->sealed;
    if (there && is_duplicate(*record, command)) {
      ++taken.queues;
      continue;
    }
    const bool full = is_full(command, id);
    taken.refused |= full;
    if (!there) continue;
    const auto octets = static_cast<std::uint32_t>(size);
    if (full) {
      if (!buries_refused(record->settings)) continue;
      bury(*record, command.message, octets, DeathReason::maxlen, effects);
      ++taken.references;
      continue;
    }
    take(*record, command, octets, effects);
    ++taken.queues;
    ++taken.references;
  }
  live_.add(command.message.entry, taken.references);
  return taken;
}

// Before it is found full: what the queue has had already is not refused.
bool Machine::is_duplicate(QueueRecord& record, const Enqueue& command) {
  const DuplicateWindow::Bounds& bounds = record.settings.duplicates;
  if (bounds.keys == 0 || !command.duplicate) return false;
  changed_.insert(record.id);
  return record.duplicates.knows(command.duplicate, command.stamp, bounds);
}

void Machine::take(QueueRecord& record, const Enqueue& command, std::uint32_t octets,
                   Effects& effects) {
  changed_.insert(record.id);
  const DuplicateWindow::Bounds& bounds = record.settings.duplicates;
  if (bounds.keys > 0 && command.duplicate)
    record.duplicates.add(command.duplicate, command.stamp, bounds);
  const LevelNumber level = record.level(command.priority);
  if (command.delay_ms > 0)
    return delay(record, {command.stamp.next(command.delay_ms), command.message, octets,
                          command.properties, level, command.ttl_ms});
  put(record, level, {{}, command.message, octets, command.properties, {}}, command.ttl_ms,
      command.stamp, effects);
  effects.grown.push_back(record.id);
}

Outcome Machine::enqueue_large(const Enqueue& command, Effects& effects) {
  LargeBodies::Parts parts = large_.take_upload(command.upload);
  std::uint64_t octets = 0;
  for (const BodyPart& part : parts)
    octets += part.size;
  // A session that ended took its parts with it: what the next one was sent is not the whole.
  bool whole = !parts.empty() && octets == command.upload_octets;
  const Taken taken = whole ? append(command, command.size + octets, effects) : Taken();
  if (taken.references > 0)
    large_.keep(command.message, std::move(parts), taken.references);
  else
    release(parts, effects);
  return whole ? outcome_of(taken) : Outcome{OutcomeCode::rejected, 0};
}

Outcome Machine::add_part(UploadKey upload, const BodyPart& part, Effects&) {
  live_.add(part.at.entry);
  large_.add_part(upload, part);
  return {};
}

Outcome Machine::drop_upload(UploadKey upload, Effects& effects) {
  release(large_.take_upload(upload), effects);
  return {};
}

void Machine::release(const LargeBodies::Parts& parts, Effects& effects) {
  for (const BodyPart& part : parts)
    if (live_.release(part.at.entry)) effects.dead_entries.push_back(part.at.entry);
}

void Machine::release(MessageId message, Effects& effects) {
  if (live_.release(message.entry)) effects.dead_entries.push_back(message.entry);
  if (large_.keeps_any()) release(large_.release(message), effects);
}

Outcome Machine::settle(QueueId id, SettleKind kind, std::span<const MessageId> accepted,
                        Effects& effects) {
  QueueRecord* record = at(id);
  // Settling what is gone has nothing left to do; nobody holds anything of a stream.
  if (record == nullptr || record->stream) return {};
  if (kind == SettleKind::reject && record->settings.dead_letters)
    expel(id, DeathReason::rejected, accepted, effects);
  else if (removes(kind))
    settle_messages(*record, accepted, effects);
  else
    return_messages(*record, kind, accepted, effects);
  return {};
}

// Its reference to the message is the dead letter's from now on.
void Machine::bury(const QueueRecord& record, MessageId message, std::uint32_t size,
                   DeathReason reason, Effects& effects) {
  dead_letters_.add(record.id, *record.settings.dead_letters,
                    {DeadLetterNumber(), message, now_, reason, size});
  effects.dead_letters.push_back(record.id);
}

void Machine::finish_dead_letter(QueueId id, DeadLetterNumber number, Effects& effects) {
  if (auto message = dead_letters_.finish(id, number)) release(*message, effects);
}

void Machine::die(QueueRecord& record, const Message& message, DeathReason reason,
                  Effects& effects) {
  record.messages.erase(message.id);
  record.failed.erase(message.ordinal);
  record.retries.erase(message.ordinal);
  const MessageRef ref{record.id, message.ordinal, message.id};
  effects.settled.push_back(ref);
  effects.died.push_back({ref, reason});
  if (record.settings.dead_letters)
    bury(record, message.id, message.size, reason, effects);
  else
    release(message.id, effects);
  changed_.insert(record.id);
}

void Machine::expel(QueueId id, DeathReason reason, std::span<const MessageId> messages,
                    Effects& effects) {
  QueueRecord* record = at(id);
  if (record == nullptr || record->stream) return;
  for (MessageId message : messages)
    if (auto found = record->messages.find(message)) die(*record, *found, reason, effects);
}

void Machine::settle_messages(QueueRecord& record, std::span<const MessageId> accepted,
                              Effects& effects) {
  for (MessageId id : accepted) {
    auto message = record.messages.erase(id);
    if (!message) continue;
    if (!record.failed.empty()) record.failed.erase(message->ordinal);
    if (!record.retries.empty()) record.retries.erase(message->ordinal);
    effects.settled.push_back({record.id, message->ordinal, id});
    release(id, effects);
    changed_.insert(record.id);
  }
}

void Machine::return_messages(QueueRecord& record, SettleKind kind,
                              std::span<const MessageId> accepted, Effects& effects) {
  for (MessageId id : accepted) {
    auto message = record.messages.find(id);
    if (!message) continue;
    if (counts_as_failure(kind)) {
      changed_.insert(record.id);
      const auto limit = record.settings.delivery_limit;
      if (++record.failed[message->ordinal] > limit.value_or(unlimited)) {
        die(record, *message, DeathReason::delivery_limit, effects);
        continue;
      }
    }
    delay_retry(record, *message, counts_as_failure(kind));
    effects.returned.push_back({record.id, message->ordinal, id});
  }
}

Outcome Machine::purge(QueueId id, std::span<const MessageId> held, Effects& effects) {
  effects.purged.push_back(id);
  QueueRecord* record = at(id);
  if (record == nullptr || record->sealed) return {OutcomeCode::queue_gone, 0};
  if (record->stream) return {};
  std::vector<MessageId> spared(held.begin(), held.end());
  std::sort(spared.begin(), spared.end());
  std::uint64_t gone = 0;
  record->messages.retain([&](const Message& message) {
    if (std::binary_search(spared.begin(), spared.end(), message.id)) return true;
    ++gone;
    record->failed.erase(message.ordinal);
    record->retries.erase(message.ordinal);
    release(message.id, effects);
    return false;
  });
  gone += record->delayed.size();
  drop_delayed(*record, effects);
  if (gone > 0) changed_.insert(id);
  // Those that wait for a way count as the queue's, and go with the rest.
  if (record->settings.dead_letters && record->settings.dead_letters->retained)
    for (DeadLetterNumber number{1}; const DeadLetter* letter = dead_letters_.next(id, number);) {
      number = letter->number;
      finish_dead_letter(id, number, effects);
    }
  return {OutcomeCode::ok, gone};
}

Outcome Machine::seal(QueueId id, bool if_empty, SealVerdict verdict, Effects& effects) {
  QueueRecord* record = at(id);
  Outcome outcome{OutcomeCode::queue_gone, 0};
  if (record != nullptr && !record->sealed) {
    std::uint64_t all = record->messages.size() + record->delayed.size();
    outcome.value = all - std::min(all, verdict.held);
    outcome.code = if_empty && outcome.value != 0 ? OutcomeCode::not_empty
                   : verdict.in_use               ? OutcomeCode::in_use
                                                  : OutcomeCode::ok;
  }
  if (outcome.code != OutcomeCode::ok) {
    effects.seal_refused.push_back(id);
    return outcome;
  }
  record->sealed = true;
  changed_.insert(id);
  effects.sealed.push_back(id);
  return outcome;
}

void Machine::remove(QueueId id, CatalogIndex deleted, Effects& effects) {
  CatalogIndex& remembered = removed_[id];
  remembered = std::max(remembered, deleted);
  QueueRecord* record = at(id);
  if (record == nullptr) return;
  record->messages.for_each([&](const Message& message) {
    release(message.id, effects);
    return true;
  });
  drop_delayed(*record, effects);
  while (!record->touched.empty())
    clear_touch(record->touched.back().session, id, effects);
  dead_letters_.release_source(id);
  marked_.erase(id);
  queues_.erase(id);
  changed_.insert(id);
  effects.removed.push_back(id);
}

bool Machine::remembers_removed(CatalogIndex through) const {
  return std::any_of(removed_.begin(), removed_.end(),
                     [&](const auto& pair) { return pair.second <= through; });
}

void Machine::forget_removed(CatalogIndex through) {
  forgotten_ = std::max(forgotten_, through);
  std::erase_if(removed_, [&](const auto& pair) { return pair.second <= through; });
}

void Machine::mark(QueueId id, LevelNumber level, Ordinal below, Effects& effects) {
  QueueRecord* record = at(id);
  if (record == nullptr || level.value > record->settings.highest_priority()) return;
  Mark& mark = record->messages.at(level).mark;
  if (below > mark.committed) {
    mark.committed = below;
    marked_.insert(id);
    changed_.insert(id);
  }
  effects.marked.push_back(id);
}

void Machine::consume(QueueId id, Effects& effects) {
  QueueRecord* record = at(id);
  if (record == nullptr) return;
  record->consumed = true;
  changed_.insert(id);
  effects.consumed.push_back(id);
}

void Machine::touch(SessionId session, QueueId id, Effects& effects) {
  QueueRecord* record = at(id);
  if (record == nullptr) return;
  auto it = std::ranges::lower_bound(record->touched, session, {}, &Touch::session);
  if (it == record->touched.end() || it->session != session) {
    record->touched.insert(it, {session, {}});
    touches_[session].insert(id);
    changed_.insert(id);
  }
  effects.touches.push_back({session, id, true});
}

bool Machine::clear_touch(SessionId session, QueueId id, Effects& effects) {
  QueueRecord* record = at(id);
  if (record == nullptr) return false;
  auto it = std::ranges::lower_bound(record->touched, session, {}, &Touch::session);
  if (it == record->touched.end() || it->session != session) return false;
  record->touched.erase(it);
  auto index = touches_.find(session);
  index->second.erase(id);
  if (index->second.empty()) touches_.erase(index);
  changed_.insert(id);
  effects.touches.push_back({session, id, false});
  return true;
}

void Machine::untouch(SessionId session, QueueId id, Effects& effects) {
  clear_touch(session, id, effects);
}

void Machine::lapse(SessionId session, QueueId id, CheckoutId through, Effects& effects) {
  effects.lapses.push_back({session, id, through});
  QueueRecord* record = at(id);
  if (record == nullptr) return;
  auto it = std::ranges::lower_bound(record->touched, session, {}, &Touch::session);
  if (it == record->touched.end() || it->session != session || it->lapsed >= through) return;
  it->lapsed = through;
  changed_.insert(id);
}

void Machine::end_session(SessionId session, Effects& effects) {
  std::vector<std::pair<SessionId, QueueId>> bits;
  for (auto it = touches_.lower_bound(SessionId{session.node, Incarnation(0)});
       it != touches_.end() && it->first <= session; ++it)
    for (QueueId id : it->second)
      bits.emplace_back(it->first, id);
  for (auto [owner, id] : bits)
    clear_touch(owner, id, effects);
  release(large_.take_uploads(session), effects);
  effects.ended.push_back(session);
}

void Machine::on_new_term(Term term, EntryIndex) {
  CHECK(term >= term_, "term {} after {}", term, term_);
  // A leader may write another: what it marked since its first is for itself to hand out.
  if (term == term_) return;
  term_ = term;
  for (QueueId id : marked_) {
    QueueRecord& record = *at(id);
    record.messages.for_each_level([](LevelNumber, Level& level) {
      level.mark.committed = std::min(level.mark.committed, level.next);
      level.mark.redelivered_below = level.mark.committed;
    });
    changed_.insert(id);
  }
  marked_.clear();
}

}  // namespace warren::queue
