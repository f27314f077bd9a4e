// QueueHost: the leader's side of one queue group: accepts the sessions' batches, resolves them
// against the dispatcher, makes log entries of all that queued, and turns what was applied
// into outcomes and deliveries. Exists while this replica leads; for a local group always. Owned by
// GroupSet or LocalGroup, on the group's reactor; pure: time is an argument. Architecture §7, §8.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "broker/base/clock.h"
#include "broker/catalog/catalog.h"
#include "broker/queue/dispatcher.h"
#include "broker/replica/dead_letter_feed.h"
#include "broker/replica/entries_in_flight.h"
#include "broker/replica/entry_cache.h"
#include "broker/replica/queue_host_ports.h"
#include "broker/replica/queue_state.h"
#include "broker/replica/stream_codec.h"
#include "broker/session/host_stream.h"
#include "raft/ready.h"

namespace warren::replica {

class QueueHost {
 public:
  // Leads `term`, whose no-op is applied. `begin`: the replicated time now, at least the state's.
  // The state and the ports outlive the host.
  QueueHost(GroupId group, const QueueState& state, QueueHostPorts& ports, QueueHostConfig config,
            std::shared_ptr<const catalog::Snapshot> catalog, Term term, Stamp begin, BootTime now);
  ~QueueHost();

  // The term is over: tells every stream. Nothing may be called after.
  void end(NodeId hint);

  void on_message(session::ToHost message, BootTime now);
  void on_stream_lost(SessionId session, BootTime now);
  void on_streams_lost(NodeId node, BootTime now);  // of all that node's sessions
  // What the state just applied. Call before turn().
  void on_applied(const QueueApplied& applied, BootTime now);
  void on_contents(EntryIndex entry, std::shared_ptr<const EntryContents> contents);
  // A newer one; what it lost since the last.
  void on_catalog(std::shared_ptr<const catalog::Snapshot>, const catalog::Effects& effects);
  // Every member's catalog has passed this index. A lower one, of a member that has just restarted,
  // changes nothing.
  void set_catalog_floor(CatalogIndex floor) { catalog_floor_ = std::max(catalog_floor_, floor); }

  // A majority has said since that it had no other leader at this time. A local group needs nobody.
  void set_led_at(BootTime time) { led_at_ = time; }

  // What became of letters that on_dead_letters gave.
  void on_dead_letter_answers(std::span<const DeadLetterAnswer> answers, BootTime now);

  // Proposes and delivers. True: more is due already.
  bool turn(BootTime now);
  // When turn() is due without any input.
  std::optional<BootTime> next_deadline() const;

  const queue::Dispatcher& dispatcher() const { return dispatcher_; }
  std::size_t waiting_batches() const;  // for the catalog, or for room in the log
  std::size_t streams() const { return streams_.size(); }

 private:
  struct Stream;  // queue_host_stream.h
  struct PendingDelivery;
  struct PendingPage;
  struct Wanted;
  struct PendingPart {
    SessionId session;
    session::StreamEpoch epoch;
    session::RequestId id;
    Slot slot;
    std::shared_ptr<Wanted> wanted;
  };
  struct PendingLetter {
    DeadLetterFeed::Next next;
    std::shared_ptr<Wanted> wanted;
  };
  struct WaitingRequest {
    SessionId session;
    session::StreamEpoch epoch;
    session::RequestId id;
    StreamRequest request;
  };

  Stream& stream_at(SessionId session);
  Stream* find_stream(SessionId session) const;
  void pump(Stream& stream, BootTime now);
  void pump_all(BootTime now);
  void detach(Stream& stream, BootTime now);
  void attach(Stream& stream, session::StreamEpoch epoch, const Bytes& claims, BootTime now);
  void drop_ended();
  void reconcile();
  bool ended_in_catalog(SessionId session) const;
  bool may_resolve(CatalogIndex index) const;

  // queue_host_propose.cpp
  void propose_entry(BootTime now);
  std::optional<BootTime> ripens_at() const;
  bool may_propose();
  void add_batches();
  void resolve_publish(const queue::Publish& publish, std::uint32_t& target, Verdicts& verdicts,
                       QueueEntry& entry);
  void resolve(SessionId session, const DecodedBatch& batch, Verdicts& verdicts, QueueEntry& entry);
  void resolve_settle(SessionId session, const queue::Settle& settle, std::uint32_t& position,
                      Verdicts& verdicts);
  void plan_marks(QueueEntry& entry);
  void add_own(QueueEntry& entry);
  const queue::Settings* touch_queue(QueueId queue, QueueEntry& entry);
  Stamp stamp(BootTime now);

  // queue_host_deliver.cpp
  void serve_requests(BootTime now);
  bool serve(const WaitingRequest& waiting, Stream& stream, BootTime now);
  bool tell_dispatcher(SessionId session, const StreamRequest& request, BootTime now);
  enum class Presence : std::uint8_t { here, coming, gone };
  Presence presence(CatalogIndex catalog_index, QueueId queue);
  Error queue_gone(QueueId queue) const;
  void reply(Stream& stream, session::StreamEpoch epoch, session::RequestId id,
             const StreamReply& reply);
  bool surely_leads(BootTime now) const;
  void poll(BootTime now);
  void poll_some(BootTime now);
  void answer_consume(const queue::ConsumeAnswer& answer);
  void answer_get(const queue::GetAnswer& answer);
  void hand_out(const queue::Handout& handout, session::RequestId get, std::uint64_t ready_left);
  void flush(Stream& stream);
  bool is_wanted(const Stream& stream, const PendingDelivery& pending,
                 const queue::Content& content);
  void answer_lost_get(Stream& stream, const PendingDelivery& pending);
  void send_deliveries(Stream& stream, Deliveries& deliveries);

  // queue_host_parts.cpp
  std::shared_ptr<Wanted> want(EntryIndex entry);
  void remember(EntryIndex entry, const std::shared_ptr<const EntryContents>& contents);
  void serve_part(const WaitingRequest& waiting, const PartRequest& request);
  void answer_parts();

  // queue_host_browse.cpp
  bool serve_browse(const WaitingRequest& waiting, const BrowseRequest& request);
  void fill(PendingPage& page, const queue::QueueRecord& record, Ordinal from);
  void answer_pages();

  // queue_host_letters.cpp
  void read_letters(BootTime now);
  void give_letters(BootTime now);

  const GroupId group_;
  const QueueState& state_;
  QueueHostPorts& ports_;
  const QueueHostConfig config_;
  std::shared_ptr<const catalog::Snapshot> catalog_;
  queue::Dispatcher dispatcher_;
  EntryCache cache_;

  const Term term_;
  std::optional<BootTime> led_at_;
  queue::StampClock clock_;
  Stamp last_stamp_;
  BootTime ripened_at_{0};  // when an entry was made for that alone

  std::map<SessionId, std::unique_ptr<Stream>> streams_;
  std::deque<SessionId> incoming_;  // a session for each of its waiting batches
  std::deque<WaitingRequest> requests_;
  std::deque<PendingPart> parts_;                  // being read, or to be answered
  std::vector<PendingPage> pages_;                 // likewise
  QueueEntry next_entry_;                          // its batches are resolved already
  std::size_t next_entry_bytes_ = 0;               // of those batches
  std::shared_ptr<const std::string> unproposed_;  // built, but the log was full
  EntriesInFlight in_flight_;
  std::map<QueueId, queue::Settings> creating_;  // proposed in this term, not applied yet
  // By the entry under construction.
  std::map<std::pair<QueueId, queue::LevelNumber>, std::uint64_t> enqueued_;
  queue::Needs needs_;
  std::set<QueueId> to_create_;  // for a consumer or a get
  std::set<QueueId> to_remove_;
  std::set<SessionId> to_end_;
  bool reconciled_ = false;
  std::optional<CatalogIndex> reconciled_at_;
  CatalogIndex catalog_floor_;
  CatalogIndex forgetting_;  // the floor by which removed queues were looked through last
  std::map<EntryIndex, std::shared_ptr<Wanted>> wanted_;  // contents on their way
  std::vector<EntryIndex> to_read_;
  DeadLetterFeed feed_;
  std::deque<PendingLetter> letters_;  // in order; the first may wait for its content
  queue::Poll poll_;
  bool more_ = false;
};

}  // namespace warren::replica
