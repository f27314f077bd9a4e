#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "broker/frontend/channel.h"
#include "broker/frontend/connection.h"
#include "broker/runtime/log.h"

namespace warren::frontend {

void Connection::force_close(std::string text) {
  fail(ChannelNumber{0}, {ReplyCode::connection_forced, std::move(text)}, {});
}

void Connection::fail(ChannelNumber channel, const Error& error, const amqp::MethodInfo& method) {
  const std::shared_ptr<Connection> self = weak_from_this().lock();
  if (self == nullptr || state_ > State::client_closing) return;
  if (state_ == State::client_closing) return abort_channels();
  runtime::log_warning("connection {} (user '{}', vhost '{}'), channel {}: {}: {}", name_,
                       user_.name, vhost_, channel.value, method.name, error.wire_text());
  state_ = State::server_closing;
  writer_.method(ChannelNumber{0},
                 amqp::ConnectionClose{static_cast<std::uint16_t>(error.code), error.wire_text(),
                                       method.class_id, method.method_id});
  Milliseconds patience = hub_.settings.close_timeout;
  if (heartbeat_.interval() > Milliseconds{0}) patience = std::min(patience, heartbeat_.interval());
  set_deadline(Deadline::close, deaf_ ? hub_.settings.disconnect_grace : patience);
  abort_channels();
  delete_exclusive_queues([] {});
  touch();
  wake();
}

// What was read before connection.close is done first; then close-ok.
void Connection::on_client_close() {
  state_ = State::client_closing;
  peer_waits_close_ok_ = true;
  set_deadline(Deadline::close, hub_.settings.close_timeout);
  finish_channels();
}

// While we close, only the peer's close and close-ok count.
void Connection::on_closing_method(std::string_view payload) {
  const std::uint32_t key = amqp::peek_method(payload).key();
  if (state_ != State::server_closing) return;
  if (key == amqp::ConnectionClose::info.key()) {
    writer_.method(ChannelNumber{0}, amqp::ConnectionCloseOk{});
    drain();
  } else if (key == amqp::ConnectionCloseOk::info.key()) {
    drain();
  }
}

// The socket has ended without a close. What was read is still done: a publisher that needs no
// confirm may send and go.
void Connection::on_broken(std::string_view why) {
  const std::shared_ptr<Connection> self = shared_from_this();
  switch (state_) {
    case State::closed:
      return;
    case State::server_closing:
    case State::draining:
      return close_socket();
    case State::client_closing:
      break;
    default:
      if (state_ == State::running)
        runtime::log_warning("connection {} (user '{}', vhost '{}'): {}", name_, user_.name, vhost_,
                             why);
      state_ = State::client_closing;
      set_deadline(Deadline::close, hub_.settings.close_timeout);
  }
  const bool was_open = socket_.is_open();
  const bool finishing = std::exchange(peer_waits_close_ok_, false) || !was_open;
  boost::system::error_code ignored;
  socket_.close(ignored);
  wake_.cancel();
  if (!finishing) finish_channels();
}

void Connection::finish_channels() {
  bodies_.clear();  // nobody reads on
  auto left = std::make_shared<std::size_t>(1);
  auto one_done = [left, self = shared_from_this()] {
    if (--*left > 0) return;
    self->delete_exclusive_queues([self] { self->finished(); });
  };
  const auto channels = channels_;
  for (const auto& [number, channel] : channels) {
    ++*left;
    channel->finish(one_done);
  }
  run_backlogs();
  one_done();
}

void Connection::abort_channels() {
  bodies_.clear();
  const auto channels = std::exchange(channels_, {});
  for (const auto& [number, channel] : channels)
    channel->abort();
}

void Connection::delete_exclusive_queues(std::function<void()> done) {
  auto left = std::make_shared<std::size_t>(1);
  auto one_done = [left, done = std::move(done)] {
    if (--*left == 0) done();
  };
  for (QueueId queue : std::exchange(exclusive_queues_, {})) {
    ++*left;
    hub_.door.delete_queue(queue, false, false,
                           [one_done](const Result<std::uint64_t>&) { one_done(); });
  }
  one_done();
}

void Connection::finished() {
  if (state_ != State::client_closing) return;
  channels_.clear();
  if (!peer_waits_close_ok_) return close_socket();
  runtime::log_info("connection {} (user '{}', vhost '{}'): closed", name_, user_.name, vhost_);
  writer_.method(ChannelNumber{0}, amqp::ConnectionCloseOk{});
  // Who closes in good order closes the socket as well.
  hangs_up_ = false;
  drain();
}

// The last octets go out; then the peer closes, or we do when it takes too long.
void Connection::drain() {
  state_ = State::draining;
  set_deadline(Deadline::grace, hub_.settings.disconnect_grace);
  touch();
}

void Connection::close_socket() {
  if (state_ == State::closed) return;
  const std::shared_ptr<Connection> self = shared_from_this();
  state_ = State::closed;
  deadline_ = Deadline::none;
  boost::system::error_code ignored;
  socket_.close(ignored);
  wake_.cancel();
  delete_exclusive_queues([] {});
  hub_.connections.erase(key_);
  (refused_ ? hub_.counts.refusing : hub_.counts.open).fetch_sub(1);
}

}  // namespace warren::frontend
