// Consumers that hold messages for too long: RabbitMQ's consumer_timeout. The one consumer is
// cancelled and what it holds goes back; a client that would not hear of that loses its channel.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "broker/catalog/arguments.h"
#include "broker/frontend/channel_inline.h"

namespace warren::frontend {

namespace {

constexpr std::string_view timeout_argument = "x-consumer-timeout";
constexpr std::int64_t longest_ms = 1'000'000'000'000;  // decades: added to a clock it still fits

Milliseconds timeout_of(std::int64_t argument) {
  return Milliseconds(std::min(argument, longest_ms));
}

Error timed_out(ChannelNumber channel, Milliseconds timeout) {
  return {
      ReplyCode::precondition_failed,
      fmt::format("delivery acknowledgement on channel {} timed out. Timeout value used: {} ms. "
                  "This timeout value can be configured, see consumers doc guide to learn more",
                  channel.value, timeout.count())};
}

}  // namespace

// By the consumer's argument, its queue's, or the configuration; 0: never.
Milliseconds Channel::ack_timeout(QueueId queue, ConsumerNumber number) const {
  if (auto found = by_number_.find(number); found != by_number_.end())
    if (auto own = found->second->arguments.as_integer(timeout_argument)) return timeout_of(*own);
  if (const catalog::QueueInfo* info = connection_.catalog()->queue(queue))
    if (auto given = catalog::integer_argument(info->arguments, timeout_argument))
      return timeout_of(*given);
  return connection_.hub().settings.consumer_timeout;
}

void Channel::check_acks(BootTime now) {
  const auto timeout_for = [this](const Handed& handed) {
    return ack_timeout(handed.queue, handed.consumer);
  };
  while (state_ == State::open) {
    const auto late = unacked_.overdue(now, timeout_for);
    if (!late) return;
    const bool may_tell = connection_.peer_can().consumer_cancel_notify;
    if (!may_tell || !by_number_.contains(late->consumer))
      return raise(timed_out(number_, timeout_for(*late)), {});
    connection_.hub().door.cancel(late->group, late->consumer, [] {});
    unacked_.refuse(late->consumer, [this](const Handed& handed) {
      if (!handed.offset)
        settle_one(handed.group, handed.queue, queue::SettleKind::requeue_nack, handed.held);
    });
    on_consumer_cancelled(late->consumer);
  }
}

}  // namespace warren::frontend
