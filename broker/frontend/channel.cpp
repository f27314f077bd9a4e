#include "broker/frontend/channel.h"

#include <fmt/format.h>

#include "broker/amqp/wire.h"
#include "broker/frontend/channel_inline.h"

namespace warren::frontend {

Channel::Channel(Connection& connection, ChannelNumber number)
    : connection_(connection),
      number_(number),
      key_(connection.hub().door.open_channel(this)),
      content_(connection.hub().settings.max_message_size,
               connection.hub().settings.body_part_octets),
      prefetch_(connection.hub().settings.default_prefetch) {}

Channel::~Channel() {
  CHECK(state_ != State::open, "channel {} was not let go", number_.value);
}

void Channel::on_frame(const amqp::Frame& frame) {
  if (state_ == State::closing || state_ == State::returning)
    return run_closing(frame.type, frame.payload);
  if (state_ == State::released || deaf_) return;
  if (breaks_into_commit(frame))
    return connection_.fail(
        number_, {ReplyCode::channel_error, "unexpected command while processing 'tx.commit'"},
        amqp::peek_method(frame.payload));
  if (!waiting_ && backlog_.empty() && !running_backlog_) return run(frame);
  connection_.add_backlog(static_cast<std::int64_t>(frame.payload.size()));
  backlog_.push_back(WaitingFrame{frame.type, std::string(frame.payload)});
}

void Channel::run(const amqp::Frame& frame) {
  if (frame.type == amqp::FrameType::method && content_.idle())
    run_method(frame.payload);
  else
    run_content(frame);
}

void Channel::run_method(std::string_view payload) {
  Result<amqp::Method> method = amqp::decode_method(payload);
  if (!method) {
    const bool nobodys = method.error().text == amqp::malformed_utf8_text;
    return raise(method.error(), nobodys ? amqp::MethodInfo{} : amqp::peek_method(payload));
  }
  Done done = std::visit([this](const auto& m) { return on(m); }, *method);
  if (!done) raise(done.error(), amqp::info_of(*method));
}

void Channel::run_content(const amqp::Frame& frame) {
  const bool expected = !content_.idle();
  Result<bool> whole = content_.add(frame);
  if (!whole) return raise(whole.error(), expected ? amqp::BasicPublish::info : amqp::MethodInfo{});
  if (!*whole && !content_.in_pieces()) return;
  if (Done done = *whole ? on_message(content_.take()) : on_pieces(); !done)
    raise(done.error(), amqp::BasicPublish::info);
}

void Channel::run_backlog() {
  if (running_backlog_) return;
  running_backlog_ = true;
  while (!waiting_ && state_ == State::open && !deaf_ && !backlog_.empty() &&
         !connection_.awaits_reader()) {
    const WaitingFrame frame = std::move(backlog_.front());
    backlog_.pop_front();
    connection_.add_backlog(-static_cast<std::int64_t>(frame.payload.size()));
    run({frame.type, number_, frame.payload});
  }
  running_backlog_ = false;
  if (backlog_.empty()) try_release();
}

void Channel::drop_backlog() {
  for (const WaitingFrame& frame : std::exchange(backlog_, {}))
    connection_.add_backlog(-static_cast<std::int64_t>(frame.payload.size()));
}

// We send channel.close: everything but the peer's close and close-ok is dropped.
void Channel::run_closing(amqp::FrameType type, std::string_view payload) {
  if (type != amqp::FrameType::method) return;
  const std::uint32_t key = amqp::peek_method(payload).key();
  if (state_ == State::returning) {
    deaf_ = deaf_ || key == amqp::ChannelClose::info.key();
    return;
  }
  if (key == amqp::ChannelClose::info.key()) write(amqp::ChannelCloseOk{});
  if (key == amqp::ChannelCloseOk::info.key()) connection_.forget(number_);
}

void Channel::raise(const Error& error, const amqp::MethodInfo& method) {
  if (state_ != State::open) return;
  if (error.scope() == ErrorScope::connection) return connection_.fail(number_, error, method);
  if (finished_) {  // it is being closed anyway
    waiting_ = false;
    drop_backlog();
    drop_held();
    return try_release();
  }
  write_answers();
  const amqp::ChannelClose close{static_cast<std::uint16_t>(error.code), error.wire_text(),
                                 method.class_id, method.method_id};
  std::deque<WaitingFrame> left = std::exchange(backlog_, {});
  const std::shared_ptr<Channel> self = shared_from_this();
  const bool settles = tx_ && !tx_->settled.empty();
  if (unacked_.size() > 0 || settles || !withheld_.empty() || !consumers_.empty()) {
    release([weak = weak_from_this(), close] {
      if (const std::shared_ptr<Channel> channel = weak.lock()) channel->returned(close);
    });
    state_ = State::returning;
  } else {
    write(close);
    release([] {});
    state_ = State::closing;
  }
  for (const WaitingFrame& frame : left) {
    connection_.add_backlog(-static_cast<std::int64_t>(frame.payload.size()));
    run_closing(frame.type, frame.payload);
  }
}

std::uint64_t Channel::begin_wait(const amqp::MethodInfo& method) {
  CHECK(!waiting_, "{} while {} waits", method.name, wait_method_.name);
  waiting_ = true;
  wait_method_ = method;
  wait_deadline_ = connection_.hub().reactor.now() + connection_.hub().settings.synchronous_timeout;
  connection_.submit_commands();
  return ++wait_;
}

bool Channel::end_wait(std::uint64_t wait) {
  if (!waiting_ || wait != wait_) return false;
  waiting_ = false;
  connection_.forget_catalog();
  connection_.touch();
  return true;
}

void Channel::after_wait(const Done& result) {
  const amqp::MethodInfo method = wait_method_;
  if (!result) raise(result.error(), method);
  if (!waiting_) run_backlog();
  try_release();
}

void Channel::on_tick(BootTime now) {
  if (state_ != State::open) return;
  if (waiting_ && now >= wait_deadline_) {
    waiting_ = false;
    when_decided_ = when_sent_ = when_routed_ = nullptr;
    purged_ = nullptr;
    history_.reset();
    return raise({ReplyCode::internal_error,
                  fmt::format("{}: the cluster did not answer in time", wait_method_.name)},
                 wait_method_);
  }
  check_acks(now);
  if (state_ != State::open) return;
  reports_.flush(connection_.hub().reporter());
  const std::size_t before = held_.size();
  std::erase_if(held_, [&](const HeldPublish& held) {
    if (held.confirm_tag == 0 || now < held.deadline) return false;
    connection_.add_held(-static_cast<std::int64_t>(held.octets()));
    resolve(held.confirm_tag, false);
    return true;
  });
  if (held_.size() != before) try_release();
}

void Channel::on_outcomes(std::span<const cluster::CommandOutcome> outcomes) {
  const std::shared_ptr<Channel> self = shared_from_this();
  for (const cluster::CommandOutcome& decided : outcomes) {
    const std::uint64_t tag = decided.origin.tag;
    const queue::OutcomeCode code = decided.outcome.code;
    switch (static_cast<CommandKind>(tag >> command_kind_shift)) {
      case CommandKind::publish:
        --undecided_;
        resolve(tag, code == queue::OutcomeCode::ok || code == queue::OutcomeCode::queue_gone);
        break;
      case CommandKind::returned:
        --undecided_;
        break;
      case CommandKind::settled:
        break;
      case CommandKind::purge:
        if (purged_) std::exchange(purged_, nullptr)(decided.outcome);
        break;
      case CommandKind::transaction:
        tx_decided(code == queue::OutcomeCode::ok || code == queue::OutcomeCode::queue_gone);
        break;
      case CommandKind::part:
        count_uploading(-static_cast<std::int64_t>(part_octets(tag)));
        break;
    }
  }
  if (undecided_ == 0 && when_decided_) std::exchange(when_decided_, nullptr)();
}

void Channel::on_incarnation_lost() {
  const std::shared_ptr<Channel> self = shared_from_this();
  if (connection_.owns_exclusive())
    return connection_.force_close(
        "this node was declared dead by its cluster: exclusive queues are gone");
  if (!reply_consumer_) return;
  const std::string tag = std::exchange(reply_consumer_, std::nullopt)->tag;
  if (connection_.peer_can().consumer_cancel_notify) write(amqp::BasicCancel{tag, true});
}

template <>
Channel::Done Channel::on(const amqp::ChannelOpen&) {
  return warren::fail(ReplyCode::channel_error, "second 'channel.open' seen");
}

template <>
Channel::Done Channel::on(const amqp::ChannelFlow& method) {
  if (!method.active) return warren::fail(ReplyCode::not_implemented, "active=false");
  write(amqp::ChannelFlowOk{true});
  return {};
}

template <>
Channel::Done Channel::on(const amqp::AccessRequest&) {
  write(amqp::AccessRequestOk{1});
  return {};
}

template <>
Channel::Done Channel::on(const amqp::ConfirmSelect& method) {
  if (tx_)
    return warren::fail(ReplyCode::precondition_failed, "cannot switch from tx to confirm mode");
  confirms_.select();
  if (!method.no_wait) write(amqp::ConfirmSelectOk{});
  return {};
}

Result<void> Channel::may(Access access, Resource resource, std::string_view name) {
  return connection_.permissions().check(*connection_.catalog(), access, resource, name);
}

}  // namespace warren::frontend
