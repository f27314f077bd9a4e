// Direct reply-to: the consumer of replies, requests that name it, and replies to others'.
#include <fmt/format.h>

#include <random>
#include <utility>

#include "broker/frontend/channel_inline.h"
#include "broker/frontend/texts.h"

namespace warren::frontend {

namespace {

std::uint64_t draw_secret() {
  static thread_local std::random_device source;
  return (static_cast<std::uint64_t>(source()) << 32) | source();
}

}  // namespace

// Checks in RabbitMQ's order.
Channel::Done Channel::consume_replies(const amqp::BasicConsume& method) {
  if (consumers_.contains(method.consumer_tag))
    return warren::fail(ReplyCode::not_allowed,
                        fmt::format("attempt to reuse consumer tag '{}'", method.consumer_tag));
  if (consumers_.size() >= connection_.hub().settings.consumer_max)
    return warren::fail(ReplyCode::not_allowed,
                        fmt::format("reached maximum ({}) of consumers per channel",
                                    connection_.hub().settings.consumer_max));
  if (!method.no_ack)
    return warren::fail(ReplyCode::precondition_failed, "reply consumer cannot acknowledge");
  if (reply_consumer_)
    return warren::fail(ReplyCode::precondition_failed, "reply consumer already set");
  const NodeId self = connection_.hub().door.self();
  const catalog::NodeInfo* node = connection_.catalog()->node(self);
  cluster::ReplyAddress address;
  address.life = {self, node == nullptr ? Incarnation() : node->incarnation};
  address.channel = key_;
  address.secret = draw_secret();
  reply_consumer_ = {
      method.consumer_tag.empty() ? random_name("amq.ctag-") : std::string(method.consumer_tag),
      cluster::name_of(address), address.secret};
  if (!method.no_wait) write(amqp::BasicConsumeOk{reply_consumer_->tag});
  return {};
}

// A declare, passive or not, asks whether somebody awaits replies there.
Channel::Done Channel::declare_reply_queue(const amqp::QueueDeclare& method) {
  const std::string name = without_line_ends(method.queue);
  const auto address = cluster::address_of(name);
  auto reply = [this, name, no_wait = method.no_wait](bool exists) -> Done {
    if (!exists) return std::unexpected(no_queue(connection_.vhost(), name));
    last_declared_ = name;
    if (!no_wait) write(amqp::QueueDeclareOk{name, 0, 1});
    return {};
  };
  if (!address) return reply(name == cluster::reply_queue);
  connection_.hub().door.reply(
      {*address, std::nullopt},
      [done = answer<bool>(amqp::QueueDeclare::info, reply)](bool taken) { done(taken); });
  return {};
}

// A request that is to be answered directly names this channel from here on; `edited` keeps what it
// then views.
void Channel::address_reply(amqp::PublishedMessage& message, std::string& edited) const {
  if (!reply_consumer_ || message.properties.reply_to != cluster::reply_queue) return;
  edited = amqp::with_reply_to(message.raw_properties, message.properties, reply_consumer_->queue);
  message.raw_properties = edited;
  message.properties = amqp::scan_properties(edited).value();
}

// One that nobody takes is as unroutable as any. No tag: it is part of a transaction's commit.
void Channel::send_replies(const Destinations& to, const queue::Content& content, bool mandatory,
                           std::optional<std::uint64_t> confirm_tag) {
  const bool returns = mandatory && to.groups.empty() && to.replies.size() == 1;
  for (const cluster::ReplyAddress& address : to.replies)
    connection_.hub().door.reply({address, content},
                                 [weak = weak_from_this(), confirm_tag, returns,
                                  kept = returns ? content : queue::Content()](bool taken) {
                                   std::shared_ptr<Channel> self = weak.lock();
                                   if (self == nullptr || self->state_ != State::open) return;
                                   if (!taken && returns) self->return_content(kept);
                                   if (confirm_tag)
                                     self->resolve(*confirm_tag, true);
                                   else
                                     self->tx_decided(true);
                                 });
}

// Replies are kept nowhere: a channel whose socket is full takes none.
bool Channel::on_reply(std::uint64_t secret, const queue::Content* content) {
  if (state_ != State::open || !reply_consumer_ || reply_consumer_->secret != secret) return false;
  if (content == nullptr) return true;
  if (connection_.output_full(number_)) return false;
  // As RabbitMQ: the next delivery's tag, which that delivery gets all the same.
  write(amqp::BasicDeliver{reply_consumer_->tag, last_tag_.value + 1, false, content->exchange,
                           content->routing_key});
  const Bytes body = connection_.output_waits() ? Bytes::copy_of(content->body)
                                                : Bytes(content->owner, content->body);
  connection_.out(number_).content(number_, content->properties, body);
  return true;
}

}  // namespace warren::frontend
