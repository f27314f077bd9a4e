#include "broker/replica/queue_host.h"

#include <algorithm>
#include <utility>

#include "broker/replica/queue_host_stream.h"

namespace warren::replica {

QueueHost::QueueHost(GroupId group, const QueueState& state, QueueHostPorts& ports,
                     QueueHostConfig config, std::shared_ptr<const catalog::Snapshot> catalog,
                     Term term, Stamp begin, BootTime now)
    : group_(group),
      state_(state),
      ports_(ports),
      config_(config),
      catalog_(std::move(catalog)),
      dispatcher_(state.machine(), config.dispatcher),
      cache_(config.cache_room ? config.cache_room
                               : std::make_shared<CacheRoom>(config.cache_bytes)),
      term_(term),
      clock_{now, std::max(begin, state.stamp())},
      last_stamp_(clock_.at),
      feed_(state.machine().dead_letters(), config.dead_letters) {
  dispatcher_.begin_term(term, now, clock_.at);
}

QueueHost::~QueueHost() = default;

void QueueHost::end(NodeId hint) {
  for (auto& [session, stream] : streams_) {
    stream->stream.on_not_leader(hint);
    session::HostReady ready = stream->stream.take_ready();
    for (session::ToClient& message : ready.messages)
      ports_.send(std::move(message));
  }
  streams_.clear();
  dispatcher_.end_term();
}

QueueHost::Stream* QueueHost::find_stream(SessionId session) const {
  auto at = streams_.find(session);
  return at == streams_.end() ? nullptr : at->second.get();
}

QueueHost::Stream& QueueHost::stream_at(SessionId session) {
  auto& stream = streams_[session];
  if (stream) return *stream;
  stream = std::make_unique<Stream>(session, term_, state_.ledger(), config_.window);
  // One that the group has not met before may be ended in the catalog already: nobody says so
  // again.
  bool known = session.incarnation.value <= catalog_->index().value;
  if (known && ended_in_catalog(session) && !state_.ledger().ended(session))
    to_end_.insert(session);
  return *stream;
}

void QueueHost::on_message(session::ToHost message, BootTime now) {
  Stream& stream = stream_at(message.session);
  stream.stream.on_message(std::move(message), state_.ledger());
  pump(stream, now);
  if (state_.ledger().ended(stream.stream.session())) drop_ended();
}

// Told already, and told again whenever they ask. What they sent and is not applied never will be.
void QueueHost::drop_ended() {
  std::erase_if(streams_, [this](const auto& item) { return state_.ledger().ended(item.first); });
}

void QueueHost::on_stream_lost(SessionId session, BootTime now) {
  Stream* stream = find_stream(session);
  if (stream == nullptr) return;
  stream->stream.on_stream_lost();
  detach(*stream, now);
}

void QueueHost::on_streams_lost(NodeId node, BootTime now) {
  for (auto& [session, stream] : streams_)
    if (session.node == node) {
      stream->stream.on_stream_lost();
      detach(*stream, now);
    }
}

void QueueHost::detach(Stream& stream, BootTime now) {
  SessionId session = stream.stream.session();
  stream.deliveries.clear();
  stream.consumes.clear();
  std::erase_if(requests_, [&](const WaitingRequest& r) { return r.session == session; });
  std::erase_if(parts_, [&](const PendingPart& p) { return p.session == session; });
  if (stream.attached) dispatcher_.session_detached(session, now);
  stream.attached = false;
}

void QueueHost::attach(Stream& stream, session::StreamEpoch epoch, const Bytes& payload,
                       BootTime now) {
  auto claims = decode_claims(payload);
  queue::ClaimReply reply = dispatcher_.session_attached(
      stream.stream.session(), claims ? *claims : std::vector<queue::Claim>(), now);
  stream.attached = true;
  stream.stream.attached(epoch, encode_claim_reply(reply));
}

// Takes over what the stream has for us, and sends what it has for its client.
void QueueHost::pump(Stream& stream, BootTime now) {
  while (stream.stream.has_ready()) {
    session::HostReady ready = stream.stream.take_ready();
    if (ready.opened) detach(stream, now);
    for (session::Batch& batch : ready.batches) {
      auto decoded = decode_batch(batch.payload);
      stream.incoming.push_back({std::move(batch), std::move(decoded)});
      incoming_.push_back(stream.stream.session());
    }
    for (session::ToClient& message : ready.messages)
      ports_.send(std::move(message));
    if (ready.attach) attach(stream, ready.epoch, *ready.attach, now);
    for (session::Request& request : ready.requests) {
      auto decoded = decode_request(request.payload);
      if (decoded)
        requests_.push_back(
            {stream.stream.session(), ready.epoch, request.id, std::move(*decoded)});
    }
  }
}

void QueueHost::pump_all(BootTime now) {
  for (auto& [session, stream] : streams_)
    if (stream->stream.has_ready()) pump(*stream, now);
}

void QueueHost::on_applied(const QueueApplied& applied, BootTime now) {
  for (const auto& [index, contents] : applied.contents)
    remember(index, contents);
  in_flight_.applied(state_.applied());
  std::erase_if(creating_, [this](const auto& item) {
    const QueueId id = item.first;
    return state_.machine().find(id) != nullptr || state_.machine().was_removed(id);
  });
  dispatcher_.on_applied(applied.queues, now);
  feed_.on_buried(applied.queues.dead_letters);
  for (const auto& done : applied.recorded)
    if (Stream* stream = find_stream(done.session))
      stream->stream.on_applied(done.number,
                                state_.ledger().outcome(done.session, done.number).value_or(""));
  for (SessionId session : applied.ended) {
    to_end_.erase(session);
    for (auto& [id, stream] : streams_)
      if (id.node == session.node && id.incarnation <= session.incarnation) {
        stream->stream.on_ended(state_.ledger());
        stream->attached = false;
      }
  }
  for (QueueId queue : applied.queues.sealed)
    ports_.on_queue_sealed(queue);
  pump_all(now);
  if (!applied.ended.empty()) drop_ended();
}

void QueueHost::on_contents(EntryIndex entry, std::shared_ptr<const EntryContents> contents) {
  if (contents) remember(entry, contents);
  auto at = wanted_.find(entry);
  if (at == wanted_.end()) return;
  at->second->arrived = true;
  at->second->contents = std::move(contents);
  wanted_.erase(at);
}

void QueueHost::on_catalog(std::shared_ptr<const catalog::Snapshot> catalog,
                           const catalog::Effects& effects) {
  catalog_ = std::move(catalog);
  if (effects.unknown) {
    reconciled_ = false;
    reconciled_at_.reset();
  }
  for (const catalog::QueueGone& gone : effects.queues_gone)
    if (gone.group == group_ &&
        (state_.machine().find(gone.queue) != nullptr || creating_.contains(gone.queue)))
      to_remove_.insert(gone.queue);
  for (const catalog::IncarnationEnded& ended : effects.incarnations_ended)
    if (SessionId session{ended.node, ended.incarnation}; !state_.ledger().ended(session))
      to_end_.insert(session);
}

bool QueueHost::ended_in_catalog(SessionId session) const {
  const catalog::NodeInfo* node = catalog_->node(session.node);
  if (node == nullptr) return true;
  return node->incarnation > session.incarnation ||
         (node->incarnation == session.incarnation && node->dead);
}

// By this catalog, the names of a client that knew `index`. Not by one from before the deletes that
// the group has forgotten: a node that restarts may have such a one for a while.
bool QueueHost::may_resolve(CatalogIndex index) const {
  return std::max(index, state_.machine().forgotten()) <= catalog_->index();
}

// Once a term, and after a catalog that came as a snapshot: what was decided while nobody here saw
// it. Repeated until the own catalog is as new as what the group knows.
void QueueHost::reconcile() {
  bool certain = true;
  auto index = catalog_->index().value;
  state_.machine().for_each_queue([&](const queue::QueueRecord& record) {
    if (record.id.value > index)
      certain = false;
    else if (catalog_->queue(record.id) == nullptr)
      to_remove_.insert(record.id);
    else if (record.sealed)
      ports_.on_queue_sealed(record.id);
  });
  auto check = [&](SessionId session) {
    if (session.incarnation.value > index)
      certain = false;
    else if (ended_in_catalog(session) && !state_.ledger().ended(session))
      to_end_.insert(session);
  };
  for (SessionId session : state_.ledger().sessions())
    check(session);
  state_.machine().for_each_touch([&](SessionId session, QueueId) { check(session); });
  reconciled_ = certain;
}

bool QueueHost::turn(BootTime now) {
  more_ = false;
  if (auto deadline = dispatcher_.next_deadline(); deadline && *deadline <= now)
    dispatcher_.tick(now);
  if (!reconciled_ && reconciled_at_ != catalog_->index()) {
    reconciled_at_ = catalog_->index();
    reconcile();
  }
  serve_requests(now);
  answer_parts();
  answer_pages();
  read_letters(now);
  add_batches();
  poll(now);
  propose_entry(now);
  // What waited for its contents must not go later than what is handed out now.
  if (surely_leads(now))
    for (auto& [session, stream] : streams_)
      flush(*stream);
  pump_all(now);
  return more_;
}

std::size_t QueueHost::waiting_batches() const {
  return incoming_.size();
}

}  // namespace warren::replica
