// The replicated queue machine of one group: a pure function of the log. It knows messages and
// queues; not consumers (Dispatcher), sessions' batch numbers (session::Ledger), bodies or storage.
// Local groups use the same machine with a counter for a log. Owned by the group's state machine,
// on its reactor; deterministic: same commands, byte-identical snapshot. docs/architecture.md §7.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/base/ids.h"
#include "broker/queue/client_command.h"
#include "broker/queue/dead_letters.h"
#include "broker/queue/effects.h"
#include "broker/queue/large_bodies.h"
#include "broker/queue/live_entries.h"
#include "broker/queue/queue_record.h"

namespace warren::queue {

struct Enqueue {
  MessageId message;
  std::uint32_t size = 0;                // octets of the body
  std::optional<std::uint8_t> priority;  // as its publisher gave it
  Stamp stamp;                           // the entry's
  std::span<const QueueId> queues;       // each once
  UploadKey upload;                      // its parts come before the message's own octets; or none
  std::uint64_t upload_octets = 0;
  std::optional<std::uint64_t> ttl_ms;  // `expiration`; a queue's own may be shorter
  std::uint32_t properties = 0;         // octets
  // Those of `queues` that the leader found full, and that reject what is too much.
  std::span<const QueueId> full = {};
  std::uint64_t delay_ms = 0;  // `x-delay`: ready so much later
  DuplicateKey duplicate;      // a queue that looks for them takes it once
};

// What the leader knew when it proposed a seal.
struct SealVerdict {
  bool in_use = false;     // if_unused was asked, and there is a consumer
  std::uint64_t held = 0;  // handed out and not being settled: not ready
};

class Machine {
 public:
  // --- Commands of committed entries, in log order. What they did is appended to `effects`.

  // Of the entry whose commands follow. REQUIRES: before its first command.
  void set_time(Stamp stamp) { now_ = stamp; }
  // Makes the queue, unless it exists or was removed. The leader writes it on first touch.
  void create(QueueId id, const Settings& settings, Effects& effects);
  // REQUIRES: message above every one enqueued before. queue_gone: no target takes messages.
  // A duplicate counts as taken. rejected: a target is full, or the upload does not have the octets
  // that it should have. The upload is over in any case.
  Outcome enqueue(const Enqueue& command, Effects& effects);
  Outcome add_part(UploadKey upload, const BodyPart& part, Effects& effects);
  Outcome drop_upload(UploadKey upload, Effects& effects);
  // `accepted` is what the leader's verdicts left; what is not there any more is passed over.
  // Kinds ack and reject remove; the requeue kinds return, and count a failure by their rule.
  Outcome settle(QueueId id, SettleKind kind, std::span<const MessageId> accepted,
                 Effects& effects);
  // The leader found them expired, or too many, and has handed them to nobody.
  void expel(QueueId id, DeathReason reason, std::span<const MessageId> messages, Effects& effects);
  // The dead letter is where it goes to, or nowhere.
  void finish_dead_letter(QueueId id, DeadLetterNumber number, Effects& effects);
  // What is due by the entry's stamp becomes ready, the first of it first: so many in an entry, to
  // go on with the next. Before the entry's batches.
  void ripen(Stamp stamp, Effects& effects);
  // Of a stream: the consumers of that tag are done with everything below `next`.
  void read_through(QueueId id, std::string_view tag, Ordinal next);
  // Removes everything but `held`, what is delayed as well. Outcome value: how many went.
  Outcome purge(QueueId id, std::span<const MessageId> held, Effects& effects);
  // Outcome value: messages that nobody held.
  Outcome seal(QueueId id, bool if_empty, SealVerdict verdict, Effects& effects);
  // Forgets the queue and its messages; its id, deleted from the catalog by the entry `deleted`, is
  // remembered and never made again.
  void remove(QueueId id, CatalogIndex deleted, Effects& effects);
  // Every member's catalog has passed this index: nobody names a queue that was deleted by then.
  void forget_removed(CatalogIndex through);
  // Messages of that level below `below` may be handed out from now on. Never moves back.
  void mark(QueueId id, LevelNumber level, Ordinal below, Effects& effects);
  // It is about to have its first consumer (auto_delete).
  void consume(QueueId id, Effects& effects);
  void touch(SessionId session, QueueId id, Effects& effects);
  void untouch(SessionId session, QueueId id, Effects& effects);
  // What the session holds of the queue by checkouts up to `through` is its own no more.
  void lapse(SessionId session, QueueId id, CheckoutId through, Effects& effects);
  // Clears the bits and drops the uploads of that node's incarnations up to this one.
  void end_session(SessionId session, Effects& effects);
  // A new leader's no-op; another of the same term does nothing: marks are cut down to what exists,
  // and what is below them from now on counts as possibly handed out by an earlier leader.
  void on_new_term(Term term, EntryIndex no_op);

  // --- Reading.

  const QueueRecord* find(QueueId id) const;
  // Exists and is not sealed.
  bool takes_messages(QueueId id) const;
  bool was_removed(QueueId id) const { return removed_.contains(id); }
  // Is any queue remembered that was deleted by then?
  bool remembers_removed(CatalogIndex through) const;
  // Queues deleted up to here may be forgotten: who resolves names by an older catalog could make
  // one of them again.
  CatalogIndex forgotten() const { return forgotten_; }
  bool touched(SessionId session, QueueId id) const;
  // None: nothing lapsed.
  CheckoutId lapsed(SessionId session, QueueId id) const;
  std::uint32_t failed_deliveries(QueueId id, Ordinal ordinal) const;
  Term term() const { return term_; }
  // When the next delayed message is due in any queue.
  std::optional<Stamp> next_due() const { return due_.next(); }

  // visit(const QueueRecord&) in order of ids.
  template <typename Visit>
  void for_each_queue(Visit&& visit) const {
    for (const auto& [id, record] : queues_)
      visit(std::as_const(*record));
  }
  // visit(SessionId, QueueId) for each touch bit, in order.
  template <typename Visit>
  void for_each_touch(Visit&& visit) const {
    for (const auto& [session, queues] : touches_)
      for (QueueId id : queues)
        visit(session, id);
  }
  // Where the session has the bit; null: nowhere.
  const std::set<QueueId>* touched_by(SessionId session) const;
  std::uint64_t queue_count() const { return queues_.size(); }

  // True while some queue has an unsettled message with octets in that entry, or a dead letter or
  // an upload has.
  bool names_entry(EntryIndex entry) const { return live_.references(entry) != 0; }
  const LiveEntries& live_entries() const { return live_; }
  const LargeBodies& large_bodies() const { return large_; }
  const DeadLetters& dead_letters() const { return dead_letters_; }

  std::size_t memory_octets() const;

  // --- Snapshots: one chunk for the group, one for each queue.

  std::string group_octets() const;
  // Nothing: no such queue (any more).
  std::optional<std::string> queue_octets(QueueId id) const;
  // Queues whose chunk changed or went since clear_changed(), in order.
  const std::set<QueueId>& changed() const { return changed_; }
  void clear_changed() { changed_.clear(); }
  // Restoring starts with an empty machine: the group's chunk, then each queue's. False: malformed.
  bool restore_group(std::string_view octets);
  bool restore_queue(std::string_view octets);

 private:
  QueueRecord* at(QueueId id);
  const Touch* find_touch(SessionId session, QueueId id) const;
  struct Taken {
    std::uint64_t queues = 0;      // that have it as a message, or had it already
    std::uint64_t references = 0;  // of messages, and of dead letters that it became at once
    bool refused = false;
  };
  static Outcome outcome_of(const Taken& taken);
  Taken append(const Enqueue& command, std::uint64_t size, Effects& effects);
  bool is_duplicate(QueueRecord& record, const Enqueue& command);
  void take(QueueRecord& record, const Enqueue& command, std::uint32_t octets, Effects& effects);
  void delay_retry(QueueRecord& record, const Message& message, bool failed);
  void put(QueueRecord& record, LevelNumber level, Message message,
           std::optional<std::uint64_t> ttl_ms, Stamp now, Effects& effects);
  void retain(QueueRecord& record, Stamp now, Effects& effects);
  void delay(QueueRecord& record, const DelayedMessage& message);
  void drop_delayed(QueueRecord& record, Effects& effects);
  Outcome enqueue_large(const Enqueue& command, Effects& effects);
  void release(MessageId message, Effects& effects);
  void bury(const QueueRecord& record, MessageId message, std::uint32_t size, DeathReason reason,
            Effects& effects);
  void die(QueueRecord& record, const Message& message, DeathReason reason, Effects& effects);
  void release(const LargeBodies::Parts& parts, Effects& effects);
  void settle_messages(QueueRecord& record, std::span<const MessageId> accepted, Effects& effects);
  void return_messages(QueueRecord& record, SettleKind kind, std::span<const MessageId> accepted,
                       Effects& effects);
  bool clear_touch(SessionId session, QueueId id, Effects& effects);

  Stamp now_;  // not in snapshots: each entry has its own
  Term term_;
  std::map<QueueId, std::unique_ptr<QueueRecord>> queues_;
  std::map<QueueId, CatalogIndex> removed_;
  CatalogIndex forgotten_;  // never falls
  std::set<QueueId> changed_;
  std::set<QueueId> marked_;                        // queues whose mark rose since the term began
  std::map<SessionId, std::set<QueueId>> touches_;  // the records' bits, by session
  DueQueues due_;                                   // by their first delayed message
  LiveEntries live_;
  LargeBodies large_;
  DeadLetters dead_letters_;
};

}  // namespace warren::queue
