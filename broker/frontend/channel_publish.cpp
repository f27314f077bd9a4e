#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "broker/cluster/message_headers.h"
#include "broker/frontend/channel_inline.h"
#include "broker/frontend/texts.h"

namespace warren::frontend {

namespace {

// Of the type that RabbitMQ's plugin gives it, where that holds it.
amqp::FieldValue negated(std::uint64_t delay_ms) {
  const auto value = -static_cast<std::int64_t>(delay_ms);
  return value >= INT32_MIN ? amqp::FieldValue(static_cast<std::int32_t>(value))
                            : amqp::FieldValue(value);
}

// The properties as they are delivered: without BCC, and with the delay, if any, below zero, so
// that who publishes them again does not delay again. Views `edited` when they had to change.
std::string_view delivered_properties(const amqp::PublishedMessage& message, std::uint64_t delay_ms,
                                      std::string& edited) {
  if (!message.properties.has_bcc && delay_ms == 0) return message.raw_properties;
  std::vector<amqp::HeaderEdit> edits{{"BCC", std::nullopt}};
  if (delay_ms > 0) edits.push_back({"x-delay", negated(delay_ms)});
  Result<std::string> changed = amqp::edit_headers(message.raw_properties, edits);
  if (!changed) return message.raw_properties;
  edited = std::move(*changed);
  return edited;
}

}  // namespace

template <>
Channel::Done Channel::on(const amqp::BasicPublish& method) {
  connection_.on_publish();
  content_.begin(method);
  return {};
}

Channel::Done Channel::on_message(amqp::PublishedMessage message) {
  std::string edited;
  address_reply(message, edited);
  if (upload_) {
    return end_upload(*std::exchange(upload_, std::nullopt), message, nullptr);
  }
  if (message.immediate) return warren::fail(ReplyCode::not_implemented, "immediate=true");
  const std::uint64_t confirm_tag = confirms_.selected() ? confirms_.next() : 0;
  if (held_.empty() && connection_.hub().door.may_route())
    return route(message, confirm_tag, nullptr);
  hold(message, confirm_tag, {});
  return {};
}

// The pieces are counted as held already.
void Channel::hold(const amqp::PublishedMessage& message, std::uint64_t tag,
                   std::vector<Bytes> pieces) {
  const Hub& hub = connection_.hub();
  held_.push_back({make_content(message, message.raw_properties), message.mandatory, tag,
                   hub.reactor.now() + hub.settings.publish_timeout, std::move(pieces)});
  connection_.add_held(static_cast<std::int64_t>(held_.back().content.size()));
  connection_.await_routable();
}

void Channel::drop_held() {
  for (const HeldPublish& held : std::exchange(held_, {}))
    connection_.add_held(-static_cast<std::int64_t>(held.octets()));
}

void Channel::on_routable() {
  const std::shared_ptr<Channel> self = shared_from_this();
  while (state_ == State::open && !held_.empty()) {
    if (!connection_.hub().door.may_route()) return connection_.await_routable();
    const HeldPublish held = std::move(held_.front());
    held_.pop_front();
    connection_.add_held(-static_cast<std::int64_t>(held.octets()));
    if (Done done = route_held(held); !done) raise(done.error(), amqp::BasicPublish::info);
  }
  if (when_routed_ && held_.empty()) std::exchange(when_routed_, nullptr)();
  if (state_ == State::open && upload_ && upload_->way == Upload::Way::unrouted)
    if (Done done = route_upload(*upload_, content_.head()); !done)
      raise(done.error(), amqp::BasicPublish::info);
  try_release();
}

Channel::Done Channel::check_message(const amqp::PublishedMessage& message) {
  const amqp::PropertyScan& properties = message.properties;
  const User& user = connection_.user();
  if (!properties.user_id || *properties.user_id == user.name) return {};
  if (std::ranges::find(user.tags, "impersonator") != user.tags.end()) return {};
  return warren::fail(ReplyCode::precondition_failed,
                      fmt::format("user_id property set to '{}' but authenticated user was '{}'",
                                  *properties.user_id, user.name));
}

// `kept`: the message's buffer, if it has one already.
Channel::Done Channel::route(const amqp::PublishedMessage& message, std::uint64_t confirm_tag,
                             const queue::Content* kept) {
  if (Done done = find_queues(message); !done) return done;
  return enqueue(message, confirm_tag, kept, destinations(), nullptr);
}

// Into routed_ and replies_. Checks in RabbitMQ's order.
Channel::Done Channel::find_queues(const amqp::PublishedMessage& message) {
  if (Done allowed = may(Access::write, Resource::exchange, message.exchange); !allowed)
    return allowed;
  const std::string& vhost = connection_.vhost();
  const catalog::Snapshot& catalog = *connection_.catalog();
  const cluster::MessageHeaders headers(message.properties);
  const Result<std::vector<std::string>> copies = cluster::extra_routing_keys(message.properties);
  routing::Message routed;
  routed.routing_key = message.routing_key;
  routed.headers = &headers;
  routed.random = connection_.hub().draw();
  if (copies) routed.copies = *copies;
  routed_.clear();
  replies_.clear();
  switch (catalog.route(vhost, message.exchange, routed, routed_)) {
    case catalog::RouteResult::routed:
      break;
    case catalog::RouteResult::no_exchange:
      return std::unexpected(no_exchange(vhost, message.exchange));
    case catalog::RouteResult::internal:
      return warren::fail(
          ReplyCode::access_refused,
          fmt::format("cannot publish to internal {}", exchange_text(vhost, message.exchange)));
  }
  if (message.properties.reply_to == cluster::reply_queue)
    return warren::fail(ReplyCode::precondition_failed, "fast reply consumer does not exist");
  if (auto ttl = ttl_of(message.properties); !ttl) return std::unexpected(ttl.error());
  if (!copies) return std::unexpected(copies.error());
  if (message.exchange.empty()) {
    if (auto address = cluster::address_of(message.routing_key)) replies_.push_back(*address);
    for (const std::string& key : *copies)
      if (auto address = cluster::address_of(key)) replies_.push_back(*address);
  }
  if (Done good = check_message(message); !good) return good;
  if (const int mode = message.properties.delivery_mode; mode > 2)
    return warren::fail(ReplyCode::precondition_failed,
                        fmt::format("invalid message: {{delivery_mode_unknown,{}}}", mode));
  return {};
}

// Of routed_, by group, and of replies_.
Destinations Channel::destinations() {
  const catalog::Snapshot& catalog = *connection_.catalog();
  Destinations found;
  found.found = !replies_.empty();
  found.replies = std::exchange(replies_, {});
  for (QueueId id : routed_) {
    const catalog::QueueInfo* queue = catalog.queue(id);
    found.found |= queue == nullptr || !queue->hidden();
    if (queue == nullptr) continue;
    auto target = std::ranges::find(found.groups, queue->group, &Target::group);
    if (target == found.groups.end()) {
      found.groups.push_back({queue->group, {}});
      target = std::prev(found.groups.end());
    }
    target->queues.push_back(id);
  }
  return found;
}

// Without origin and queues.
queue::Publish Channel::make_command(const amqp::PublishedMessage& message,
                                     const queue::Content* kept, const Upload* upload) {
  std::string edited;
  queue::Publish command;
  command.delay_ms = delay_of(message.properties);
  command.duplicate = duplicate_key_of(message.properties);
  command.content =
      kept != nullptr && !message.properties.has_bcc && command.delay_ms == 0
          ? *kept
          : make_content(message, delivered_properties(message, command.delay_ms, edited));
  command.persistent = message.properties.persistent();
  command.priority = message.properties.priority;
  command.ttl_ms = ttl_of(message.properties).value_or(std::nullopt);
  if (upload != nullptr && upload->octets > 0) {
    command.upload = upload->id;
    command.upload_octets = upload->octets;
  }
  return command;
}

// One command a group, with all of its queues that the message reaches; in a transaction, at its
// commit. `upload`: what has gone ahead of the message, or was kept for whoever is no queue.
Channel::Done Channel::enqueue(const amqp::PublishedMessage& message, std::uint64_t confirm_tag,
                               const queue::Content* kept, const Destinations& to,
                               const Upload* upload) {
  if (tx_) return keep(message, kept, to, upload);
  if (message.mandatory && !to.found)
    return_message(message, upload == nullptr ? std::vector<Bytes>() : upload->pieces);
  if (to.empty()) {
    resolve(confirm_tag, true);
    return {};
  }
  queue::Publish command = make_command(message, kept, upload);
  command.origin = {key_, origin_tag(CommandKind::publish, confirm_tag)};
  const std::size_t parts = to.groups.size() + to.replies.size();
  if (confirm_tag != 0) confirms_.expect(confirm_tag, static_cast<std::uint32_t>(parts));
  if (!to.replies.empty())
    send_replies(to,
                 upload == nullptr ? command.content
                                   : whole_content(message, command.content, upload->pieces),
                 message.mandatory, confirm_tag);
  undecided_ += to.groups.size();
  for (std::size_t i = 0; i < to.groups.size(); ++i) {
    command.queues = to.groups[i].queues;
    const bool last = i + 1 == to.groups.size();
    connection_.batch().publish(to.groups[i].group, last ? std::move(command) : command);
  }
  connection_.touch();
  return {};
}

void Channel::return_message(const amqp::PublishedMessage& message,
                             const std::vector<Bytes>& pieces) {
  std::string edited;
  write(amqp::BasicReturn{static_cast<std::uint16_t>(ReplyCode::no_route),
                          name_of(ReplyCode::no_route), message.exchange, message.routing_key});
  std::uint64_t size = message.body.size();
  for (const Bytes& piece : pieces)
    size += piece.size();
  amqp::FrameWriter& out = connection_.out(number_);
  out.content_header(number_, delivered_properties(message, 0, edited), size);
  for (const Bytes& piece : pieces)
    out.body(number_, piece);
  out.body(number_, message.body);
}

void Channel::return_content(const queue::Content& content) {
  const HeldPublish held{content, true, 0, BootTime{0}, {}};
  return_message(message_of(held), {});
}

void Channel::resolve(std::uint64_t confirm_tag, bool ack) {
  if (confirm_tag == 0) return;
  confirms_.resolve(confirm_tag, ack);
  connection_.touch();
}

}  // namespace warren::frontend
