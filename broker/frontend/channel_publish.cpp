#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "broker/frontend/channel_inline.h"
#include "broker/frontend/texts.h"

namespace warren::frontend {

namespace {

// The properties as they are delivered: without BCC. Views `edited` when they had to change.
std::string_view delivered_properties(const amqp::PublishedMessage& message, std::string& edited) {
  if (!message.properties.has_bcc) return message.raw_properties;
  const std::array<amqp::HeaderEdit, 1> edit{{{"BCC", std::nullopt}}};
  Result<std::string> changed = amqp::edit_headers(message.raw_properties, edit);
  if (!changed) return message.raw_properties;
  edited = std::move(*changed);
  return edited;
}

}  // namespace

Channel::Done Channel::on(const amqp::BasicPublish& method) {
  connection_.on_publish();
  content_.begin(method);
  return {};
}

Channel::Done Channel::on_message(const amqp::PublishedMessage& message) {
  if (message.immediate) return warren::fail(ReplyCode::not_implemented, "immediate=true");
  const std::uint64_t confirm_tag = confirms_.selected() ? confirms_.next() : 0;
  if (held_.empty() && connection_.hub().door.may_route())
    return route(message, confirm_tag, nullptr);
  hold(message, confirm_tag);
  return {};
}

void Channel::hold(const amqp::PublishedMessage& message, std::uint64_t confirm_tag) {
  const Hub& hub = connection_.hub();
  held_.push_back({make_content(message, message.raw_properties), message.mandatory, confirm_tag,
                   hub.reactor.now() + hub.settings.publish_timeout});
  connection_.add_held(static_cast<std::int64_t>(held_.back().content.size()));
  connection_.await_routable();
}

void Channel::drop_held() {
  for (const HeldPublish& held : std::exchange(held_, {}))
    connection_.add_held(-static_cast<std::int64_t>(held.content.size()));
}

void Channel::on_routable() {
  const std::shared_ptr<Channel> self = shared_from_this();
  while (state_ == State::open && !held_.empty()) {
    if (!connection_.hub().door.may_route()) return connection_.await_routable();
    const HeldPublish held = std::move(held_.front());
    held_.pop_front();
    connection_.add_held(-static_cast<std::int64_t>(held.content.size()));
    if (Done done = route(message_of(held), held.confirm_tag, &held.content); !done)
      raise(done.error(), amqp::BasicPublish::info);
  }
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

// `kept`: the message's buffer, if it has one already. Checks in RabbitMQ's order.
Channel::Done Channel::route(const amqp::PublishedMessage& message, std::uint64_t confirm_tag,
                             const queue::Content* kept) {
  if (Done allowed = may(Access::write, Resource::exchange, message.exchange); !allowed)
    return allowed;
  const std::string& vhost = connection_.vhost();
  const catalog::Snapshot& catalog = *connection_.catalog();
  const MessageHeaders headers(message.properties);
  routed_.clear();
  switch (catalog.route(vhost, message.exchange, message.routing_key, &headers, routed_)) {
    case catalog::RouteResult::routed:
      break;
    case catalog::RouteResult::no_exchange:
      return std::unexpected(no_exchange(vhost, message.exchange));
    case catalog::RouteResult::internal:
      return warren::fail(
          ReplyCode::access_refused,
          fmt::format("cannot publish to internal {}", exchange_text(vhost, message.exchange)));
  }
  if (auto ttl = ttl_of(message.properties); !ttl) return std::unexpected(ttl.error());
  if (Done good = check_message(message); !good) return good;
  if (message.properties.has_cc || message.properties.has_bcc) {
    Result<std::vector<std::string>> keys = extra_routing_keys(message.properties);
    if (!keys) return std::unexpected(keys.error());
    for (const std::string& key : *keys)
      catalog.route(vhost, message.exchange, key, &headers, routed_);
  }
  if (!routed_.empty()) return enqueue(message, confirm_tag, kept);
  if (message.mandatory) return_message(message);
  resolve(confirm_tag, true);
  return {};
}

// One command a group, with all of its queues that the message reaches.
Channel::Done Channel::enqueue(const amqp::PublishedMessage& message, std::uint64_t confirm_tag,
                               const queue::Content* kept) {
  std::string edited;
  queue::Publish command;
  command.origin = {key_, origin_tag(CommandKind::publish, confirm_tag)};
  command.content = kept != nullptr && !message.properties.has_bcc
                        ? *kept
                        : make_content(message, delivered_properties(message, edited));
  command.persistent = message.properties.persistent();
  command.ttl_ms = ttl_of(message.properties).value_or(std::nullopt);
  const catalog::Snapshot& catalog = *connection_.catalog();
  boost::container::small_vector<std::pair<GroupId, queue::Publish>, 1> parts;
  for (QueueId id : routed_) {
    const catalog::QueueInfo* queue = catalog.queue(id);
    if (queue == nullptr) continue;
    auto part = std::ranges::find(parts, queue->group, [](const auto& p) { return p.first; });
    if (part == parts.end()) {
      parts.emplace_back(queue->group, command);
      part = std::prev(parts.end());
    }
    part->second.queues.push_back(id);
  }
  if (parts.empty()) {
    resolve(confirm_tag, true);
    return {};
  }
  if (confirm_tag != 0) confirms_.expect(confirm_tag, static_cast<std::uint32_t>(parts.size()));
  undecided_ += parts.size();
  for (auto& [group, publish] : parts)
    connection_.batch().publish(group, std::move(publish));
  connection_.touch();
  return {};
}

void Channel::return_message(const amqp::PublishedMessage& message) {
  write(amqp::BasicReturn{static_cast<std::uint16_t>(ReplyCode::no_route),
                          name_of(ReplyCode::no_route), message.exchange, message.routing_key});
  connection_.out().content(number_, message.raw_properties, message.body);
}

void Channel::resolve(std::uint64_t confirm_tag, bool ack) {
  if (confirm_tag == 0) return;
  confirms_.resolve(confirm_tag, ack);
  connection_.touch();
}

}  // namespace warren::frontend
