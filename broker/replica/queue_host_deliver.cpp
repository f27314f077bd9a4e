// Requests of the streams, what the dispatcher hands out, and the contents that go with it.
#include <utility>

#include "broker/queue/dispatcher_readers.h"
#include "broker/replica/queue_host_stream.h"
#include "broker/replica/stream_filter.h"

namespace warren::replica {
namespace {

// `info`: null if it is deleted by now.
Error queue_locked(const catalog::QueueInfo* info) {
  const std::string name =
      info == nullptr ? "" : " '" + info->name + "' in vhost '" + info->vhost + "'";
  return {ReplyCode::resource_locked,
          "cannot obtain access to locked queue" + name +
              ". basic.get operations are not supported by queues with single active consumer"};
}

}  // namespace

void QueueHost::serve_requests(BootTime now) {
  std::deque<WaitingRequest> kept;
  std::set<std::pair<SessionId, ConsumerNumber>> waiting;  // consumers that are not registered yet
  for (WaitingRequest& request : std::exchange(requests_, {})) {
    Stream* stream = find_stream(request.session);
    if (stream == nullptr || !stream->attached || stream->stream.epoch() != request.epoch) continue;
    const auto* cancel = std::get_if<CancelRequest>(&request.request);
    bool behind = cancel != nullptr && waiting.contains({request.session, cancel->number});
    if (!behind && serve(request, *stream, now)) continue;
    if (const auto* consume = std::get_if<ConsumeRequest>(&request.request))
      waiting.insert({request.session, consume->consumer.number});
    kept.push_back(std::move(request));
  }
  requests_ = std::move(kept);
}

QueueHost::Presence QueueHost::presence(CatalogIndex catalog_index, QueueId queue) {
  if (state_.machine().find(queue) != nullptr) return Presence::here;
  if (!may_resolve(catalog_index)) return Presence::coming;
  const catalog::QueueInfo* info = catalog_->queue(queue);
  if (info == nullptr || info->group != group_ || state_.machine().was_removed(queue))
    return Presence::gone;
  if (!creating_.contains(queue)) to_create_.insert(queue);
  return Presence::coming;
}

Error QueueHost::queue_gone(QueueId queue) const {
  const catalog::QueueInfo* info = catalog_->queue(queue);
  if (info == nullptr) return {ReplyCode::not_found, "no queue"};
  return {ReplyCode::not_found, "no queue '" + info->name + "' in vhost '" + info->vhost + "'"};
}

void QueueHost::reply(Stream& stream, session::StreamEpoch epoch, session::RequestId id,
                      const StreamReply& reply) {
  stream.stream.reply(epoch, id, encode_reply(reply));
}

// What it answers with no more than a receipt. False: something else is asked.
bool QueueHost::tell_dispatcher(SessionId session, const StreamRequest& request, BootTime now) {
  if (const auto* cancel = std::get_if<CancelRequest>(&request))
    dispatcher_.cancel_consumer(session, cancel->number, now);
  else if (const auto* taken = std::get_if<TakenRequest>(&request))
    dispatcher_.on_taken(session, taken->number, taken->messages);
  else if (const auto* changed = std::get_if<PrefetchRequest>(&request))
    dispatcher_.set_prefetch(session, changed->number, changed->prefetch);
  else if (const auto* read = std::get_if<ReadRequest>(&request); read == nullptr)
    return false;
  else if (read->cancelled)
    dispatcher_.readers().acknowledge_late(*read->cancelled, read->through);
  else
    dispatcher_.readers().acknowledge(session, read->number, read->acknowledged, read->through);
  return true;
}

// False: it has to wait for the catalog, or for its queue's first entry.
bool QueueHost::serve(const WaitingRequest& waiting, Stream& stream, BootTime now) {
  SessionId session = waiting.session;
  if (tell_dispatcher(session, waiting.request, now)) {
    reply(stream, waiting.epoch, waiting.id, CancelReply{});
    return true;
  }
  if (const auto* consume = std::get_if<ConsumeRequest>(&waiting.request)) {
    Presence where = presence(consume->catalog_index, consume->consumer.queue);
    if (where == Presence::coming) return false;
    if (where == Presence::gone) {
      reply(stream, waiting.epoch, waiting.id,
            queue::ConsumeReply{consume->consumer.number, queue_gone(consume->consumer.queue), {}});
      return true;
    }
    stream.consumes[consume->consumer.number] = waiting.id;
    dispatcher_.add_consumer(session, consume->consumer);
    return true;
  }
  if (const auto* fetch = std::get_if<FetchRequest>(&waiting.request)) {
    Presence where = presence(fetch->catalog_index, fetch->get.queue);
    if (where == Presence::coming) return false;
    queue::GetRequest request = fetch->get;
    if (where == Presence::gone) {
      reply(stream, waiting.epoch, waiting.id,
            queue::GetReply{request.origin, std::nullopt, 0, queue_gone(request.queue)});
      return true;
    }
    request.origin.tag = waiting.id.value;  // how its answer finds the request
    dispatcher_.get(session, request, now);
    return true;
  }
  if (const auto* part = std::get_if<PartRequest>(&waiting.request)) {
    serve_part(waiting, *part);
    return true;
  }
  if (const auto* browse = std::get_if<BrowseRequest>(&waiting.request))
    return serve_browse(waiting, *browse);
  const auto& counts = std::get<CountsRequest>(waiting.request);
  Presence where = presence(counts.catalog_index, counts.queue);
  if (where == Presence::coming) return false;
  CountsReply answer;
  answer.counts.queue = counts.queue;
  if (where == Presence::gone)
    answer.error = queue_gone(counts.queue);
  else {
    answer.counts = dispatcher_.counts(counts.queue);
    dispatcher_.on_used(counts.queue, now);
  }
  reply(stream, waiting.epoch, waiting.id, answer);
  return true;
}

// A leader that is cut off learns late that it was replaced. What may be held by its means its
// successor gives to nobody else before the attach grace is over; half of that is for whatever
// delays the one or hastens the other.
bool QueueHost::surely_leads(BootTime now) const {
  if (config_.dispatcher.local) return true;
  return led_at_ && now - *led_at_ < config_.dispatcher.attach_grace / 2;
}

void QueueHost::poll(BootTime now) {
  if (!surely_leads(now)) return;
  auto may = [this] { return dispatcher_.has_work() && wanted_.size() < config_.reads; };
  for (std::size_t made = 0; made < config_.poll_limit && may(); made += config_.poll_step)
    poll_some(now);
  more_ = more_ || may();
}

void QueueHost::poll_some(BootTime now) {
  dispatcher_.poll(config_.poll_step, now, poll_);
  for (const queue::ConsumeAnswer& answer : poll_.consumes)
    answer_consume(answer);
  for (const queue::GetAnswer& answer : poll_.gets)
    answer_get(answer);
  for (const queue::Handout& handout : poll_.handouts)
    hand_out(handout, {}, 0);
  for (const queue::CancelNotice& notice : poll_.cancelled)
    if (Stream* stream = find_stream(notice.session)) {
      flush(*stream);
      stream->stream.send_event(encode_event(queue::ConsumerCancelled{notice.number}));
    }
  for (QueueId queue : poll_.consumers_gone)
    if (const auto* record = state_.machine().find(queue);
        record != nullptr && record->settings.auto_delete)
      ports_.on_queue_unused(queue);
  for (QueueId queue : poll_.expired)
    ports_.on_queue_unused(queue);
  auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  append(needs_.consumed, poll_.needs.consumed);
  append(needs_.marks, poll_.needs.marks);
  append(needs_.touches, poll_.needs.touches);
  append(needs_.untouches, poll_.needs.untouches);
  append(needs_.lapses, poll_.needs.lapses);
  append(needs_.expels, poll_.needs.expels);
  append(needs_.reads, poll_.needs.reads);
  if (!to_read_.empty()) ports_.read_entries(std::exchange(to_read_, {}));
}

void QueueHost::answer_consume(const queue::ConsumeAnswer& answer) {
  Stream* stream = find_stream(answer.session);
  if (stream == nullptr) return;
  auto asked = stream->consumes.find(answer.number);
  if (asked == stream->consumes.end()) return;
  queue::ConsumeReply said{answer.number, std::nullopt, answer.next};
  if (answer.verdict == queue::ConsumeVerdict::queue_gone)
    said.error = Error{ReplyCode::not_found, "no queue"};
  else if (answer.verdict == queue::ConsumeVerdict::exclusive_use)
    said.error = Error{ReplyCode::access_refused, "queue in exclusive use"};
  reply(*stream, stream->stream.epoch(), asked->second, said);
  stream->consumes.erase(asked);
}

void QueueHost::answer_get(const queue::GetAnswer& answer) {
  Stream* stream = find_stream(answer.session);
  if (stream == nullptr) return;
  session::RequestId id(answer.request.origin.tag);
  if (answer.verdict == queue::GetVerdict::message && answer.handout)
    return hand_out(*answer.handout, id, answer.ready_left);
  queue::GetReply said;
  said.origin = answer.request.origin;
  if (answer.verdict == queue::GetVerdict::queue_gone)
    said.error = queue_gone(answer.request.queue);
  else if (answer.verdict == queue::GetVerdict::locked)
    said.error = queue_locked(catalog_->queue(answer.request.queue));
  reply(*stream, stream->stream.epoch(), id, said);
}

void QueueHost::hand_out(const queue::Handout& handout, session::RequestId get,
                         std::uint64_t ready_left) {
  Stream* stream = find_stream(handout.session);
  if (stream == nullptr) return;
  PendingDelivery pending;
  queue::Delivery& delivery = pending.delivery;
  delivery.consumer = handout.consumer;
  delivery.queue = handout.queue;
  delivery.held = handout.held;
#ifdef WARREN_MUTATION_DROP_DISPATCH_MARK
  delivery.redelivered = false;
#else
  delivery.redelivered = handout.redelivered;
#endif
  delivery.delivery_count = handout.delivery_count;
  delivery.offset = handout.offset;
  pending.get = get;
  pending.ready_left = ready_left;
  if (const auto* parts = state_.machine().large_bodies().parts_of(handout.held.message))
    delivery.parts = *parts;
  pending.wanted = want(handout.held.message.entry);
  stream->deliveries.push_back(std::move(pending));
}

void QueueHost::send_deliveries(Stream& stream, Deliveries& deliveries) {
  if (deliveries.deliveries.empty()) return;
  stream.stream.send_event(encode_event(std::exchange(deliveries, {})));
}

// What a get was given is gone, with its queue as a rule: the asker must not wait for it.
void QueueHost::answer_lost_get(Stream& stream, const PendingDelivery& pending) {
  queue::GetReply said;
  if (state_.machine().find(pending.delivery.queue) == nullptr)
    said.error = queue_gone(pending.delivery.queue);
  reply(stream, stream.stream.epoch(), pending.get, said);
}

bool QueueHost::is_wanted(const Stream& stream, const PendingDelivery& pending,
                          const queue::Content& content) {
  const queue::StreamReading* reading =
      dispatcher_.readers().reading_of(stream.stream.session(), pending.delivery.consumer);
  return reading == nullptr || matches(*reading, content);
}

// In order, as far as the contents are there.
void QueueHost::flush(Stream& stream) {
  Deliveries batch;
  std::size_t bytes = 0;
  while (!stream.deliveries.empty() && stream.deliveries.front().wanted->arrived) {
    PendingDelivery pending = std::move(stream.deliveries.front());
    stream.deliveries.pop_front();
    const auto& contents = pending.wanted->contents;
    std::uint32_t slot = pending.delivery.held.message.slot.value;
    // Settled or purged while it was read: nobody has it.
    const bool lost = !contents || slot >= contents->messages.size();
    if (pending.delivery.offset &&
        (lost || !is_wanted(stream, pending, contents->messages[slot]))) {
      dispatcher_.readers().pass_over(stream.stream.session(), pending.delivery.consumer);
      more_ = true;
      continue;
    }
    if (lost) {
      if (pending.get)
        answer_lost_get(stream, pending);
      else
        dispatcher_.on_taken(stream.stream.session(), pending.delivery.consumer, 1);
      continue;
    }
    if (pending.delivery.offset) {
      pending.delivery.number =
          dispatcher_.readers().number_delivery(stream.stream.session(), pending.delivery.consumer);
      if (pending.delivery.number == 0) continue;  // its consumer is gone
    }
    pending.delivery.entry_term = contents->term;
    pending.delivery.content = contents->messages[slot];
    if (pending.get) {
      send_deliveries(stream, batch);
      queue::GetReply said;
      said.ready_left = pending.ready_left;
      said.delivery = std::move(pending.delivery);
      reply(stream, stream.stream.epoch(), pending.get, said);
      continue;
    }
    bytes += pending.delivery.content.size();
    batch.deliveries.push_back(std::move(pending.delivery));
    if (bytes < config_.event_bytes) continue;
    send_deliveries(stream, batch);
    bytes = 0;
  }
  send_deliveries(stream, batch);
}

}  // namespace warren::replica
