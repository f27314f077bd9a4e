#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "broker/catalog/arguments.h"
#include "broker/catalog/queue_settings.h"
#include "broker/frontend/arguments.h"
#include "broker/frontend/channel_inline.h"
#include "broker/frontend/stream_arguments.h"
#include "broker/frontend/texts.h"
#include "broker/runtime/system_clock.h"

namespace warren::frontend {

namespace {

// What a stream is asked for; none of a queue. The order of checks is RabbitMQ's.
Result<std::optional<queue::StreamReading>> reading_of(const catalog::QueueInfo& queue,
                                                       const amqp::BasicConsume& method,
                                                       const std::string& resource,
                                                       std::uint32_t prefetch,
                                                       std::uint32_t global_prefetch) {
  if (!catalog::is_stream(queue.arguments)) return std::nullopt;
  Result<queue::StreamReading> reading = stream_reading(
      method.arguments, {resource, !method.consumer_tag.empty(),
                         catalog::is_single_active(queue.arguments), runtime::wall_ms_now()});
  if (!reading) return std::unexpected(reading.error());
  if (prefetch == 0)
    return warren::fail(ReplyCode::precondition_failed,
                        fmt::format("consumer prefetch count is not set for '{}'", resource));
  if (method.no_ack)
    return warren::fail(ReplyCode::not_implemented,
                        "automatic acknowledgement not supported by stream queues " + resource);
  if (global_prefetch != 0)
    return warren::fail(ReplyCode::not_implemented, resource + " does not support global qos");
  return *std::move(reading);
}

}  // namespace

// `global` as RabbitMQ reads it: false, each consumer that comes; true, the channel as a whole,
// with those that are there.
template <>
Channel::Done Channel::on(const amqp::BasicQos& method) {
  if (method.prefetch_size != 0)
    return warren::fail(ReplyCode::not_implemented,
                        fmt::format("prefetch_size!=0 ({})", method.prefetch_size));
  if (!method.global) {
    prefetch_ = method.prefetch_count;
  } else {
    const std::uint32_t before = std::exchange(global_prefetch_, method.prefetch_count);
    for (const auto& [tag, consumer] : consumers_)
      if (const std::uint32_t now = consumer.prefetch_within(global_prefetch_);
          now != consumer.prefetch_within(before))
        connection_.hub().door.set_prefetch(consumer.group, consumer.number, now);
  }
  write(amqp::BasicQosOk{});
  deliver_withheld();
  return {};
}

template <>
Channel::Done Channel::on(const amqp::BasicConsume& method) {
  Result<std::string> name = name_of_queue(method.queue);
  if (!name) return std::unexpected(name.error());
  if (*name == cluster::reply_queue) return consume_replies(method);
  if (Done allowed = may(Access::read, Resource::queue, *name); !allowed) return allowed;
  const std::string tag =
      method.consumer_tag.empty() ? random_name("amq.ctag-") : method.consumer_tag;
  if (consumers_.contains(tag) || (reply_consumer_ && reply_consumer_->tag == tag))
    return warren::fail(ReplyCode::not_allowed,
                        fmt::format("attempt to reuse consumer tag '{}'", tag));
  if (consumers_.size() >= connection_.hub().settings.consumer_max)
    return warren::fail(ReplyCode::not_allowed,
                        fmt::format("reached maximum ({}) of consumers per channel",
                                    connection_.hub().settings.consumer_max));
  Result<const catalog::QueueInfo*> queue = find_queue(*name);
  if (!queue) return std::unexpected(queue.error());
  const std::string resource = queue_text(connection_.vhost(), *name);
  Result<std::int32_t> priority =
      consumer_priority(method.arguments, resource, catalog::queue_type_of((*queue)->arguments));
  if (!priority) return std::unexpected(priority.error());
  if (Done good = check_consumer_timeout(method.arguments, resource); !good) return good;
  auto reading = reading_of(**queue, method, resource, prefetch_, global_prefetch_);
  if (!reading) return std::unexpected(reading.error());

  Consumer consumer{tag,
                    {},
                    (*queue)->id,
                    (*queue)->group,
                    prefetch_,
                    method.no_ack,
                    method.exclusive,
                    false,
                    *priority,
                    method.arguments,
                    false,
                    reading->has_value()};
  auto registered = [this, consumer, auto_delete = (*queue)->auto_delete,
                     no_wait = method.no_wait](ConsumerNumber number) -> Done {
    Consumer& mine = consumers_[consumer.tag] = consumer;
    mine.number = number;
    by_number_[number] = &mine;
    unacked_.expect_within(ack_timeout(mine.queue, number));
    if (auto_delete) consumed_.insert(mine.queue);
    if (!no_wait) write(amqp::BasicConsumeOk{mine.tag});
    return {};
  };
  queue::Consumer asked{{},
                        consumer.queue,
                        tag,
                        key_,
                        consumer.prefetch_within(global_prefetch_),
                        method.no_ack,
                        method.exclusive,
                        *priority,
                        *std::move(reading)};
  connection_.hub().door.consume(consumer.group, std::move(asked),
                                 [done = answer<ConsumerNumber>(method.info, registered),
                                  resource](Result<ConsumerNumber> number) {
                                   // The leader knows the queue's number only; the text names it.
                                   if (!number && number.error().code == ReplyCode::access_refused)
                                     number.error().text = resource + " in exclusive use";
                                   if (!number && number.error().code == ReplyCode::not_found)
                                     number.error().text = "no " + resource;
                                   done(std::move(number));
                                 });
  return {};
}

template <>
Channel::Done Channel::on(const amqp::BasicCancel& method) {
  // The answer would come behind the body anyway, and an auto-delete queue takes what it holds
  // along.
  if (connection_.sends_body(number_)) {
    when_sent_ = [this, wait = begin_wait(method.info), method] {
      if (end_wait(wait)) after_wait(on(method));
    };
    wait_deadline_ = BootTime::max();
    return {};
  }
  if (reply_consumer_ && reply_consumer_->tag == method.consumer_tag) reply_consumer_.reset();
  auto found = consumers_.find(method.consumer_tag);
  if (found == consumers_.end()) {
    if (!method.no_wait) write(amqp::BasicCancelOk{method.consumer_tag});
    return {};
  }
  found->second.cancelling = true;
  connection_.hub().door.cancel(found->second.group, found->second.number,
                                [weak = weak_from_this(), wait = begin_wait(method.info),
                                 tag = method.consumer_tag, no_wait = method.no_wait] {
                                  std::shared_ptr<Channel> self = weak.lock();
                                  if (self == nullptr || !self->end_wait(wait)) return;
                                  self->cancelled(tag, no_wait);
                                  if (!self->waiting_) self->after_wait({});
                                });
  return {};
}

// The last delivery has come. An auto-delete queue goes with its last consumer, before cancel-ok.
void Channel::cancelled(const std::string& tag, bool no_wait) {
  auto reply = [this, tag, no_wait] {
    if (!no_wait) write(amqp::BasicCancelOk{tag});
  };
  auto found = consumers_.find(tag);
  if (found == consumers_.end()) return reply();
  const QueueId id = found->second.queue;
  end_consumer(found->second.number);
  const bool others = std::ranges::any_of(
      consumers_, [id](const auto& consumer) { return consumer.second.queue == id; });
  if (others || !consumed_.contains(id) || connection_.catalog()->queue(id) == nullptr)
    return reply();
  consumed_.erase(id);
  connection_.hub().door.delete_queue(
      id, true, false,
      [weak = weak_from_this(), wait = begin_wait(amqp::BasicCancel::info),
       reply](const Result<std::uint64_t>&) {
        std::shared_ptr<Channel> self = weak.lock();
        if (self == nullptr || !self->end_wait(wait)) return;
        reply();
        self->after_wait({});
      });
}

template <>
Channel::Done Channel::on(const amqp::BasicGet& method) {
  Result<std::string> name = name_of_queue(std::string(method.queue));
  if (!name) return std::unexpected(name.error());
  if (Done allowed = may(Access::read, Resource::queue, *name); !allowed) return allowed;
  Result<const catalog::QueueInfo*> queue = find_queue(*name);
  if (!queue) return std::unexpected(queue.error());
  if (catalog::is_stream((*queue)->arguments))
    return warren::fail(ReplyCode::not_implemented, "basic.get not supported by stream queues " +
                                                        queue_text(connection_.vhost(), *name));
  return after_commands(
      method.info,
      [this, id = (*queue)->id, group = (*queue)->group, no_ack = method.no_ack]() -> Done {
        connection_.hub().door.get(
            group, {{key_, 0}, id, no_ack},
            answer<queue::GetReply>(amqp::BasicGet::info,
                                    [this, group, no_ack](queue::GetReply reply) -> Done {
                                      if (reply.error) return std::unexpected(*reply.error);
                                      got(std::move(reply), group, no_ack);
                                      return {};
                                    }));
        return {};
      });
}

void Channel::got(queue::GetReply reply, GroupId group, bool no_ack) {
  if (!reply.delivery) return write(amqp::BasicGetEmpty{});
  const queue::Delivery& delivery = *reply.delivery;
  unacked_.expect_within(ack_timeout(delivery.queue, {}));
  ++last_tag_;
  const std::uint32_t left = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(reply.ready_left, std::numeric_limits<std::uint32_t>::max()));
  write(amqp::BasicGetOk{last_tag_.value, delivery.redelivered, delivery.content.exchange,
                         delivery.content.routing_key, left});
  write_content(delivery, group, no_ack);
  account(delivery, group, ConsumerNumber{}, no_ack);
}

}  // namespace warren::frontend
