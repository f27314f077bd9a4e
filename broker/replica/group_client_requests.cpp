// Consumers, gets, deliveries and claims of a GroupClient.
#include <iterator>
#include <utility>

#include "broker/replica/group_client.h"

namespace warren::replica {
namespace {

using session::ClientStream;

Error no_leader() {
  return {ReplyCode::internal_error, "no leader of the queue's group answered"};
}

}  // namespace

void GroupClient::ask(StreamRequest request, ClientStream::RequestOrder order,
                      std::uint64_t channel, std::function<void(Result<StreamReply>, bool)> done,
                      BootTime now) {
  now_ = now;
  if (ended_ || !stream_.may_request()) {
    to_tell_.push_back([done = std::move(done)] { done(std::unexpected(no_leader()), false); });
    return;
  }
  session::RequestId id = stream_.request(encode_request(request), order);
  asked_[id] = Asked{now + config_.request_timeout, channel, false, std::move(done)};
}

void GroupClient::handle(session::Reply reply) {
  auto at = asked_.find(reply.id);
  if (at == asked_.end()) return;
  Asked asked = std::move(at->second);
  asked_.erase(at);
  asked.done(decode_reply(reply.payload), asked.abandoned);
}

// A request that may be on its way is only abandoned; otherwise the next attach settles what the
// leader may have made of it.
void GroupClient::expire_requests(BootTime now) {
  for (auto at = asked_.begin(); at != asked_.end();) {
    auto& [id, asked] = *at;
    if (asked.abandoned || asked.deadline > now) {
      ++at;
      continue;
    }
    asked.done(std::unexpected(no_leader()), false);
    if (stream_.phase() == ClientStream::Phase::flowing) {
      asked.abandoned = true;
      ++at;
    } else {
      stream_.forget(id);
      at = asked_.erase(at);
    }
  }
}

void GroupClient::fail_requests() {
  for (auto& [id, asked] : std::exchange(asked_, {}))
    if (!asked.abandoned) asked.done(std::unexpected(no_leader()), false);
}

void GroupClient::consume(queue::Consumer consumer,
                          std::function<void(Result<ConsumerNumber>)> done, BootTime now) {
  ConsumerNumber number = consumer.number;
  std::uint64_t channel = consumer.channel;
  consumers_[number].consumer = consumer;
  ask(
      ConsumeRequest{catalog_index_, std::move(consumer)}, ClientStream::RequestOrder::at_once,
      channel,
      [this, number, done = std::move(done)](Result<StreamReply> reply, bool abandoned) {
        finish_consume(number, std::move(reply), abandoned, done);
      },
      now);
}

void GroupClient::finish_consume(ConsumerNumber number, Result<StreamReply> reply, bool abandoned,
                                 const std::function<void(Result<ConsumerNumber>)>& done) {
  Result<ConsumerNumber> result = number;
  const auto* answer = reply ? std::get_if<queue::ConsumeReply>(&*reply) : nullptr;
  if (!reply)
    result = std::unexpected(reply.error());
  else if (answer == nullptr)
    result = std::unexpected(no_leader());
  else if (answer->error)
    result = std::unexpected(*answer->error);
  // Nobody wants it: the caller was told that it failed, or has cancelled it while there was no
  // stream to say so on.
  auto at = consumers_.find(number);
  if (result && (abandoned || at == consumers_.end())) cancel_at_leader(number, nullptr, now_);
  if (abandoned) return;
  if (!result)
    consumers_.erase(number);
  else if (at != consumers_.end()) {
    at->second.confirmed = true;
    if (answer->next) at->second.reading.emplace(*answer->next);
  }
  to_tell_.push_back([done, result = std::move(result)] { done(result); });
}

// Its leader may know the consumers; else the next attach does not claim those that are gone.
bool GroupClient::may_cancel_at_leader() const {
  const auto phase = stream_.phase();
  return phase == ClientStream::Phase::attaching || phase == ClientStream::Phase::flowing;
}

void GroupClient::cancel(ConsumerNumber number, std::function<void()> done, BootTime now) {
  auto at = consumers_.find(number);
  if (at == consumers_.end() || !may_cancel_at_leader()) {
    forget_consumer(number);  // the next attach does not claim it
    to_tell_.push_back(std::move(done));
    return;
  }
  at->second.cancelled = true;
  cancel_at_leader(number, [this, done = std::move(done)] { to_tell_.push_back(done); }, now);
}

void GroupClient::cancel_at_leader(ConsumerNumber number, std::function<void()> done,
                                   BootTime now) {
  ask(
      CancelRequest{number}, ClientStream::RequestOrder::at_once, 0,
      [this, number, done = std::move(done)](const Result<StreamReply>&, bool abandoned) {
        forget_consumer(number);
        if (done && !abandoned) done();
      },
      now);
}

// Lost with its stream: the next attach begins with nothing on its way.
void GroupClient::taken(ConsumerNumber number, std::uint64_t messages, BootTime now) {
  if (stream_.phase() != ClientStream::Phase::flowing) return;
  ask(
      TakenRequest{number, messages}, ClientStream::RequestOrder::at_once, 0,
      [](const Result<StreamReply>&, bool) {}, now);
}

// Asked whether a stream flows or not: one that went before, and is sent again after the next
// attach, must not have the last word.
void GroupClient::set_prefetch(ConsumerNumber number, std::uint32_t prefetch, BootTime now) {
  auto at = consumers_.find(number);
  if (at == consumers_.end()) return;
  at->second.consumer.prefetch = prefetch;
  ask(
      PrefetchRequest{number, prefetch}, ClientStream::RequestOrder::at_once, 0,
      [](const Result<StreamReply>&, bool) {}, now);
}

// Of a stream; null: it is not known, or reads none.
ClientConsumer* GroupClient::reader(ConsumerNumber number) {
  for (auto* all : {&consumers_, &leaving_})
    if (auto at = all->find(number); at != all->end() && at->second.reading) return &at->second;
  return nullptr;
}

void GroupClient::acknowledge(ConsumerNumber number, std::span<const Ordinal> offsets,
                              BootTime now) {
  now_ = now;
  ClientConsumer* consuming = reader(number);
  if (consuming == nullptr) return;
  for (Ordinal offset : offsets)
    consuming->reading->acknowledge(offset);
  consuming->untold = true;
  tell_reading(number);
}

// One word at a time: what is acknowledged meanwhile is told together. Asked whether a stream flows
// or not, since a claim that is on its way already does not say it.
void GroupClient::tell_reading(ConsumerNumber number) {
  ClientConsumer* consuming = reader(number);
  if (consuming == nullptr || consuming->telling || !consuming->untold) return;
  consuming->telling = true;
  consuming->untold = false;
  ReadRequest request{number, consuming->reading->acknowledged(),
                      consuming->reading->read_through(), std::nullopt};
  if (consuming->cancelled || !consumers_.contains(number)) request.cancelled = consuming->consumer;
  ask(
      std::move(request), ClientStream::RequestOrder::at_once, 0,
      [this, number](const Result<StreamReply>& reply, bool abandoned) {
        ClientConsumer* told = reader(number);
        if (told == nullptr || abandoned) return;
        told->telling = false;
        told->untold |= !reply;
        tell_reading(number);
        if (auto at = leaving_.find(number);
            at != leaving_.end() && !at->second.telling && !at->second.reading->holds_any())
          leaving_.erase(at);
      },
      now_);
}

void GroupClient::forget_consumer(ConsumerNumber number) {
  auto at = consumers_.find(number);
  if (at == consumers_.end()) return;
  ClientConsumer& consuming = at->second;
  const bool tracked = consuming.reading && consuming.consumer.reading->tracked;
  if (tracked && consuming.reading->holds_any()) leaving_.insert_or_assign(number, consuming);
  consumers_.erase(at);
}

void GroupClient::get(queue::GetRequest request, std::function<void(Result<queue::GetReply>)> done,
                      BootTime now) {
  std::uint64_t channel = request.origin.channel;
  ask(
      FetchRequest{catalog_index_, request}, ClientStream::RequestOrder::at_once, channel,
      [this, channel, origin = request.origin, done = std::move(done)](Result<StreamReply> reply,
                                                                       bool abandoned) {
        if (reply)
          if (auto* answer = std::get_if<queue::GetReply>(&*reply)) answer->origin = origin;
        finish_get(channel, std::move(reply), abandoned, done);
      },
      now);
}

void GroupClient::finish_get(std::uint64_t channel, Result<StreamReply> reply, bool abandoned,
                             const std::function<void(Result<queue::GetReply>)>& done) {
  auto* answer = reply ? std::get_if<queue::GetReply>(&*reply) : nullptr;
  if (answer != nullptr && answer->delivery) {
    const queue::Delivery& delivery = *answer->delivery;
    holdings_.add(delivery.queue, delivery.held, channel, ConsumerNumber());
    if (abandoned)
      settle_silently(delivery.queue, queue::SettleKind::requeue_nack, {delivery.held});
  }
  if (abandoned) return;
  Result<queue::GetReply> result = std::unexpected(reply ? no_leader() : reply.error());
  if (answer != nullptr) {
    if (answer->error)
      result = std::unexpected(*answer->error);
    else
      result = std::move(*answer);
  }
  to_tell_.push_back([done, result = std::move(result)]() mutable { done(std::move(result)); });
}

void GroupClient::counts(QueueId queue, std::function<void(Result<queue::QueueCounts>)> done,
                         BootTime now) {
  ask(
      CountsRequest{catalog_index_, queue}, ClientStream::RequestOrder::after_batches, 0,
      [this, done = std::move(done)](Result<StreamReply> reply, bool abandoned) {
        if (abandoned) return;
        auto* answer = reply ? std::get_if<CountsReply>(&*reply) : nullptr;
        Result<queue::QueueCounts> result = std::unexpected(reply ? no_leader() : reply.error());
        if (answer != nullptr) {
          if (answer->error)
            result = std::unexpected(*answer->error);
          else
            result = answer->counts;
        }
        to_tell_.push_back([done, result = std::move(result)] { done(result); });
      },
      now);
}

void GroupClient::browse(QueueId queue, Ordinal from, Answer<queue::BrowsedPage> done,
                         BootTime now) {
  ask(
      BrowseRequest{catalog_index_, queue, from}, ClientStream::RequestOrder::after_batches, 0,
      [this, done = std::move(done)](Result<StreamReply> reply, bool abandoned) {
        if (abandoned) return;
        auto* answer = reply ? std::get_if<BrowseReply>(&*reply) : nullptr;
        Result<queue::BrowsedPage> result = std::unexpected(reply ? no_leader() : reply.error());
        if (answer != nullptr) {
          if (answer->error)
            result = std::unexpected(*answer->error);
          else
            result = std::move(answer->page);
        }
        to_tell_.push_back(
            [done, result = std::move(result)]() mutable { done(std::move(result)); });
      },
      now);
}

void GroupClient::fetch(MessageId part, std::function<void(Result<std::optional<Bytes>>)> done,
                        BootTime now) {
  ask(
      PartRequest{part}, ClientStream::RequestOrder::at_once, 0,
      [this, done = std::move(done)](Result<StreamReply> reply, bool abandoned) {
        if (abandoned) return;
        auto* answer = reply ? std::get_if<PartReply>(&*reply) : nullptr;
        Result<std::optional<Bytes>> result = std::unexpected(reply ? no_leader() : reply.error());
        if (answer != nullptr) result = std::move(answer->octets);
        to_tell_.push_back([done, result = std::move(result)] { done(result); });
      },
      now);
}

void GroupClient::close_channel(std::uint64_t channel, std::function<void()> done, BootTime now) {
  now_ = now;
  std::vector<ConsumerNumber> consuming;
  for (const auto& [number, consuming_one] : consumers_)
    if (consuming_one.consumer.channel == channel && consuming_one.confirmed &&
        !consuming_one.cancelled)
      consuming.push_back(number);
  const std::uint64_t key = ++last_closing_;
  Closing closing{0, 0, now + config_.request_timeout, std::move(done)};
  if (may_cancel_at_leader()) {
    closing.cancels = consuming.size();
    for (ConsumerNumber number : consuming)
      cancel_at_leader(number, [this, key] { cancelled_for(key); }, now);
  }
  for (auto& [id, asked] : asked_)
    if (asked.channel == channel && channel != 0) asked.abandoned = true;
  for (auto* all : {&consumers_, &leaving_})
    std::erase_if(*all,
                  [channel](const auto& item) { return item.second.consumer.channel == channel; });
  for (auto at = uploads_.lower_bound(queue::upload_of(channel, 0));
       at != uploads_.end() && queue::channel_of(*at) == channel; at = uploads_.erase(at))
    submit_silently(queue::DropUpload{{}, *at});
  for (auto& [queue, held] : holdings_.of_channel(channel))
    settle_silently(queue, queue::SettleKind::requeue_lost, std::move(held));
  closing.after = submitted_;
  closings_.emplace(key, std::move(closing));
}

void GroupClient::cancelled_for(std::uint64_t closing) {
  auto at = closings_.find(closing);
  if (at == closings_.end() || --at->second.cancels > 0) return;
  at->second.after = submitted_;
}

void GroupClient::handle(session::Event event) {
  auto decoded = decode_event(event.payload);
  if (!decoded) return stream_.disconnect(NodeId());
  if (auto* deliveries = std::get_if<Deliveries>(&*decoded))
    take_deliveries(std::move(deliveries->deliveries));
  else
    consumer_gone(std::get<queue::ConsumerCancelled>(*decoded).number);
}

// One whose consumer is gone by now goes back.
void GroupClient::take_deliveries(std::vector<queue::Delivery> deliveries) {
  std::map<QueueId, std::vector<queue::Held>> orphans;
  std::vector<std::pair<std::uint64_t, std::vector<queue::Delivery>>> by_channel;
  for (queue::Delivery& delivery : deliveries) {
    auto at = consumers_.find(delivery.consumer);
    bool wanted = at != consumers_.end() && at->second.confirmed && !at->second.cancelled;
    std::uint64_t channel = wanted ? at->second.consumer.channel : 0;
    if (delivery.offset) {
      if (!wanted || !at->second.reading) continue;
      // Nobody holds what was lost on the way, so nobody returns it: it is claimed anew.
      if (!at->second.reading->delivered(*delivery.offset, delivery.number)) {
        stream_.disconnect(NodeId());
        break;
      }
    } else {
      holdings_.add(delivery.queue, delivery.held, channel, delivery.consumer);
      if (!wanted) {
        orphans[delivery.queue].push_back(delivery.held);
        continue;
      }
    }
    if (by_channel.empty() || by_channel.back().first != channel)
      by_channel.emplace_back(channel, std::vector<queue::Delivery>());
    by_channel.back().second.push_back(std::move(delivery));
  }
  for (auto& [queue, held] : orphans)
    settle_silently(queue, queue::SettleKind::requeue_nack, std::move(held));
  for (auto& [channel, list] : by_channel)
    to_tell_.push_back([this, channel = channel, list = std::move(list)]() mutable {
      sink_.on_deliveries(channel, std::move(list));
    });
}

void GroupClient::consumer_gone(ConsumerNumber number) {
  auto at = consumers_.find(number);
  if (at == consumers_.end()) return;
  std::uint64_t channel = at->second.consumer.channel;
  bool tell = at->second.confirmed && !at->second.cancelled;
  consumers_.erase(at);
  if (tell)
    to_tell_.push_back([this, channel, number] { sink_.on_consumer_cancelled(channel, number); });
}

Bytes GroupClient::claims() const {
  std::map<ConsumerNumber, queue::Claim> consuming;
  for (const auto& [number, one] : consumers_)
    if (one.confirmed && !one.cancelled) {
      queue::Claim claim{one.consumer, one.consumer.queue, false, {}, {}};
      if (one.reading) claim.reading = one.reading->claim();
      consuming.emplace(number, std::move(claim));
    }
  std::map<QueueId, queue::Claim> others;
  for (Holdings::Claimed& claimed : holdings_.claimed()) {
    auto at = consuming.find(claimed.consumer);
    queue::Claim& claim =
        at != consuming.end() && at->second.queue == claimed.queue
            ? at->second
            : others.try_emplace(claimed.queue, queue::Claim{{}, claimed.queue, true, {}, {}})
                  .first->second;
    claim.held.insert(claim.held.end(), claimed.held.begin(), claimed.held.end());
  }
  std::vector<queue::Claim> claims;
  for (auto& [number, claim] : consuming)
    claims.push_back(std::move(claim));
  for (auto& [queue, claim] : others)
    claims.push_back(std::move(claim));
  return encode_claims(claims);
}

}  // namespace warren::replica
