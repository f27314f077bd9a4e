#include <fmt/format.h>

#include <optional>
#include <utility>

#include "broker/catalog/arguments.h"
#include "broker/frontend/channel_inline.h"
#include "broker/frontend/texts.h"

namespace warren::frontend {

namespace {

queue::Delivery apart(queue::Delivery delivery) {
  delivery.content = queue::own_copy(delivery.content);
  return delivery;
}

// Quorum queues tell how often a message came back; the others count it too.
bool tells_deliveries(const catalog::Snapshot& catalog, QueueId id) {
  const catalog::QueueInfo* queue = catalog.queue(id);
  return queue != nullptr && catalog::queue_type_of(queue->arguments) == "quorum";
}

// What the queue itself adds to the headers.
std::optional<amqp::HeaderEdit> queue_header(const catalog::Snapshot& catalog,
                                             const queue::Delivery& delivery) {
  const auto number = [](std::string_view name, std::uint64_t value) {
    return amqp::HeaderEdit{name, amqp::FieldValue(static_cast<std::int64_t>(value))};
  };
  if (delivery.offset) return number("x-stream-offset", delivery.offset->value);
  if (delivery.delivery_count > 0 && tells_deliveries(catalog, delivery.queue))
    return number("x-delivery-count", delivery.delivery_count);
  return std::nullopt;
}

}  // namespace

void Channel::on_deliveries(std::vector<queue::Delivery> deliveries) {
  const std::shared_ptr<Channel> self = shared_from_this();
  for (queue::Delivery& delivery : deliveries) {
    auto found = by_number_.find(delivery.consumer);
    if (found == by_number_.end()) {
      give_back(nullptr, delivery);
      continue;
    }
    const bool counted = found->second->counts();
    if (withheld_.empty(counted) && may_deliver(counted))
      deliver(*found->second, delivery);
    else
      withheld_.add(counted, apart(std::move(delivery)));
  }
}

// Automatic acks are bounded by the socket alone: they settle as the socket takes them.
bool Channel::may_deliver(bool counted) const {
  if (connection_.output_full() || connection_.sends_body(number_)) return false;
  return !counted || global_prefetch_ == 0 || consumed_unacked_ < global_prefetch_;
}

void Channel::deliver_withheld() {
  while (state_ == State::open && !withheld_.empty()) {
    const auto delivery = withheld_.take([this](bool counted) { return may_deliver(counted); });
    if (!delivery) return;
    auto found = by_number_.find(delivery->consumer);
    if (found == by_number_.end())
      give_back(nullptr, *delivery);
    else
      deliver(*found->second, *delivery);
  }
}

void Channel::deliver(const Consumer& consumer, const queue::Delivery& delivery) {
  ++last_tag_;
  write(amqp::BasicDeliver{consumer.tag, last_tag_.value, delivery.redelivered,
                           delivery.content.exchange, delivery.content.routing_key});
  write_content(delivery, consumer.group, consumer.no_ack);
  account(delivery, consumer.group, consumer.number, consumer.no_ack);
}

void Channel::write_content(const queue::Delivery& delivery, GroupId group, bool no_ack) {
  const queue::Content& content = delivery.content;
  const Bytes body = connection_.output_waits() ? Bytes::copy_of(content.body)
                                                : Bytes(content.owner, content.body);
  std::string_view properties = content.properties;
  std::string with_header;
  if (const auto edit = queue_header(*connection_.catalog(), delivery)) {
    if (Result<std::string> edited = amqp::edit_headers(content.properties, {&*edit, 1})) {
      with_header = std::move(*edited);
      properties = with_header;
    }
  }
  amqp::FrameWriter& out = connection_.out(number_);
  if (delivery.parts.empty()) return out.content(number_, properties, body);
  std::uint64_t size = body.size();
  for (const queue::BodyPart& part : delivery.parts)
    size += part.size;
  out.content_header(number_, properties, size);
  std::optional<AutoAck> ack;
  if (no_ack) ack = AutoAck{0, group, delivery.queue, delivery.held};
  connection_.send_body(number_, {group, delivery.parts, body, [weak = weak_from_this(), ack] {
                                    if (std::shared_ptr<Channel> self = weak.lock())
                                      self->body_sent(ack);
                                  }});
}

// A large body is in the output to its last octet.
void Channel::body_sent(std::optional<AutoAck> ack) {
  if (state_ != State::open) return;
  if (ack) {
    ack->sent_at = connection_.appended_octets();
    auto_acks_.push_back(*ack);
  }
  if (when_sent_) std::exchange(when_sent_, nullptr)();
  deliver_withheld();
  try_release();
}

void Channel::account(const queue::Delivery& delivery, GroupId group, ConsumerNumber to,
                      bool no_ack) {
  if (no_ack) {
    if (!delivery.parts.empty()) return;  // once it is sent
    auto_acks_.push_back({connection_.appended_octets(), group, delivery.queue, delivery.held});
    return;
  }
  Handed handed{last_tag_,     group, delivery.queue,
                delivery.held, to,    connection_.hub().reactor.now()};
  handed.offset = delivery.offset;
  unacked_.add(handed);
  if (!to) return;
  if (handed.counts()) ++consumed_unacked_;
  reports_.add({group, to}, delivery.content.size(), connection_.appended_octets());
}

void Channel::on_sent() {
  while (!auto_acks_.empty() && auto_acks_.front().sent_at <= connection_.sent_octets()) {
    const AutoAck& ack = auto_acks_.front();
    settle_one(ack.group, ack.queue, queue::SettleKind::ack, ack.held);
    auto_acks_.pop_front();
  }
  reports_.on_sent(connection_.sent_octets(), connection_.hub().reporter());
  deliver_withheld();
}

// A delivery that nobody here takes any more. A stream has it still.
void Channel::give_back(const Consumer* consumer, const queue::Delivery& delivery) {
  if (delivery.offset) return;
  const catalog::QueueInfo* queue = connection_.catalog()->queue(delivery.queue);
  if (consumer == nullptr && queue == nullptr) return;
  settle_one(consumer != nullptr ? consumer->group : queue->group, delivery.queue,
             queue::SettleKind::requeue_nack, delivery.held);
}

void Channel::end_consumer(ConsumerNumber number) {
  auto found = by_number_.find(number);
  if (found == by_number_.end()) return;
  const Consumer& consumer = *found->second;
  withheld_.take_all_of(number,
                        [&](const queue::Delivery& delivery) { give_back(&consumer, delivery); });
  const std::string tag = consumer.tag;
  by_number_.erase(found);
  consumers_.erase(tag);
}

void Channel::on_consumer_cancelled(ConsumerNumber number) {
  const std::shared_ptr<Channel> self = shared_from_this();
  auto found = by_number_.find(number);
  if (found == by_number_.end()) return;
  if (waiting_ && !found->second->cancelling &&
      wait_method_.key() == amqp::QueueDelete::info.key()) {
    found->second->gone = true;
    return;
  }
  const std::string tag = found->second->tag;
  const bool asked = found->second->cancelling;  // cancel-ok is under way
  end_consumer(number);
  if (!asked && connection_.peer_can().consumer_cancel_notify) write(amqp::BasicCancel{tag, true});
}

void Channel::on_holdings_refused(QueueId queue, std::span<const queue::Held> refused) {
  unacked_.refuse(queue, refused);
}

void Channel::cancel_unreadable() {
  std::vector<ConsumerNumber> gone;
  for (const auto& [tag, consumer] : consumers_) {
    const catalog::QueueInfo* queue = connection_.catalog()->queue(consumer.queue);
    if (queue != nullptr && !may(Access::read, Resource::queue, queue->name))
      gone.push_back(consumer.number);
  }
  for (ConsumerNumber number : gone) {
    connection_.hub().door.cancel(by_number_.at(number)->group, number, [] {});
    on_consumer_cancelled(number);
  }
}

template <>
Channel::Done Channel::on(const amqp::BasicAck& method) {
  return settle(DeliveryTag(method.delivery_tag), method.multiple, queue::SettleKind::ack);
}

template <>
Channel::Done Channel::on(const amqp::BasicNack& method) {
  return settle(DeliveryTag(method.delivery_tag), method.multiple,
                method.requeue ? queue::SettleKind::requeue_nack : queue::SettleKind::reject);
}

template <>
Channel::Done Channel::on(const amqp::BasicReject& method) {
  return settle(DeliveryTag(method.delivery_tag), false,
                method.requeue ? queue::SettleKind::requeue_reject : queue::SettleKind::reject);
}

template <>
Channel::Done Channel::on(const amqp::BasicRecover& method) {
  if (!method.requeue) return warren::fail(ReplyCode::not_implemented, "requeue=false");
  recover();
  write(amqp::BasicRecoverOk{});
  return {};
}

template <>
Channel::Done Channel::on(const amqp::BasicRecoverAsync& method) {
  if (!method.requeue) return warren::fail(ReplyCode::not_implemented, "requeue=false");
  recover();
  return {};
}

Channel::Done Channel::settle(DeliveryTag tag, bool multiple, queue::SettleKind kind) {
  const bool known = unacked_.take(tag, multiple, [this, kind](const Handed& handed) {
    if (tx_)
      tx_->settled.push_back({handed, kind});
    else
      settle_handed(handed, kind);
  });
  if (!known)
    return warren::fail(ReplyCode::precondition_failed,
                        fmt::format("unknown delivery tag {}", tag.value));
  deliver_withheld();
  return {};
}

// What was read from a stream stays there, however it is settled: the reader gets as much more.
void Channel::settle_handed(const Handed& handed, queue::SettleKind kind) {
  if (handed.counts()) --consumed_unacked_;
  if (handed.refused) return;
  if (!handed.offset) return settle_one(handed.group, handed.queue, kind, handed.held);
  connection_.batch().acknowledge(handed.group, handed.consumer, *handed.offset);
  connection_.touch();
}

// No part of a transaction: what that has settled stays with it.
void Channel::recover() {
  unacked_.take_all(
      [this](const Handed& handed) { settle_handed(handed, queue::SettleKind::requeue_nack); });
  deliver_withheld();
}

// What comes back to its queue is waited for by gets and counts; plain settles are not.
void Channel::settle_one(GroupId group, QueueId queue, queue::SettleKind kind,
                         const queue::Held& held) {
  const bool returns = kind != queue::SettleKind::ack && kind != queue::SettleKind::reject;
  const queue::Origin origin{key_,
                             origin_tag(returns ? CommandKind::returned : CommandKind::settled)};
  if (connection_.batch().settle(group, origin, queue, kind, held) && returns) ++undecided_;
  connection_.touch();
}

}  // namespace warren::frontend
