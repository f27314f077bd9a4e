// The templates that the sources of Channel share; see channel.h.
#pragma once

#include <utility>

#include "broker/frontend/channel.h"
#include "broker/frontend/connection.h"

namespace warren::frontend {

// Origin::tag: three bits say what the command was, the rest is the publish's number, or how many
// octets a part has.
enum class CommandKind : std::uint64_t {
  publish = 0,
  returned = 1,
  settled = 2,
  purge = 3,
  part = 4,
  transaction = 5
};
constexpr unsigned command_kind_shift = 61;
constexpr std::uint64_t origin_tag(CommandKind kind, std::uint64_t number = 0) {
  return (static_cast<std::uint64_t>(kind) << command_kind_shift) | number;
}

constexpr std::uint64_t part_octets(std::uint64_t tag) {
  return tag & ((std::uint64_t{1} << command_kind_shift) - 1);
}

// What is not listed below is refused.
template <typename M>
Channel::Done Channel::on(const M&) {
  return warren::fail(ReplyCode::command_invalid, "unimplemented method");
}
template <>
Channel::Done Channel::on(const amqp::ChannelOpen&);
template <>
Channel::Done Channel::on(const amqp::ChannelFlow&);
template <>
Channel::Done Channel::on(const amqp::ChannelClose&);
template <>
Channel::Done Channel::on(const amqp::AccessRequest&);
template <>
Channel::Done Channel::on(const amqp::ConfirmSelect&);
template <>
Channel::Done Channel::on(const amqp::ExchangeDeclare&);
template <>
Channel::Done Channel::on(const amqp::ExchangeDelete&);
template <>
Channel::Done Channel::on(const amqp::ExchangeBind&);
template <>
Channel::Done Channel::on(const amqp::ExchangeUnbind&);
template <>
Channel::Done Channel::on(const amqp::QueueDeclare&);
template <>
Channel::Done Channel::on(const amqp::QueueBind&);
template <>
Channel::Done Channel::on(const amqp::QueueUnbind&);
template <>
Channel::Done Channel::on(const amqp::QueuePurge&);
template <>
Channel::Done Channel::on(const amqp::QueueDelete&);
template <>
Channel::Done Channel::on(const amqp::BasicPublish&);
template <>
Channel::Done Channel::on(const amqp::BasicQos&);
template <>
Channel::Done Channel::on(const amqp::BasicConsume&);
template <>
Channel::Done Channel::on(const amqp::BasicCancel&);
template <>
Channel::Done Channel::on(const amqp::BasicGet&);
template <>
Channel::Done Channel::on(const amqp::BasicAck&);
template <>
Channel::Done Channel::on(const amqp::BasicNack&);
template <>
Channel::Done Channel::on(const amqp::BasicReject&);
template <>
Channel::Done Channel::on(const amqp::BasicRecover&);
template <>
Channel::Done Channel::on(const amqp::BasicRecoverAsync&);
template <>
Channel::Done Channel::on(const amqp::TxSelect&);
template <>
Channel::Done Channel::on(const amqp::TxCommit&);
template <>
Channel::Done Channel::on(const amqp::TxRollback&);

template <typename M>
void Channel::write(const M& method) {
  connection_.out(number_).method(number_, method);
  connection_.touch();
}

// A callback for the door: runs `then` with the value, if the channel still waits for it.
template <typename T, typename Then>
std::function<void(Result<T>)> Channel::answer(const amqp::MethodInfo& method, Then then) {
  return [weak = weak_from_this(), wait = begin_wait(method),
          then = std::move(then)](Result<T> result) mutable {
    std::shared_ptr<Channel> self = weak.lock();
    if (self == nullptr || !self->end_wait(wait)) return;
    self->after_wait(result ? then(std::move(*result)) : Done(std::unexpected(result.error())));
  };
}

// Runs `then` when all publishes and returns of this channel are decided: a get sees what the
// channel published before.
template <typename Then>
Channel::Done Channel::after_commands(const amqp::MethodInfo& method, Then then) {
  if (undecided_ == 0) return then();
  when_decided_ = [this, wait = begin_wait(method), then = std::move(then)]() mutable {
    if (end_wait(wait)) after_wait(then());
  };
  return {};
}

// Runs `then` when no publish waits any more to be routed.
template <typename Then>
Channel::Done Channel::after_held(const amqp::MethodInfo& method, Then then) {
  if (held_.empty()) return then();
  when_routed_ = [this, wait = begin_wait(method), then = std::move(then)]() mutable {
    if (end_wait(wait)) after_wait(then());
  };
  return {};
}

}  // namespace warren::frontend
