#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>
#include <utility>

#include "broker/frontend/channel.h"
#include "broker/frontend/connection.h"

namespace warren::frontend {

namespace asio = boost::asio;

asio::awaitable<void> Connection::read(std::shared_ptr<Connection> self) {
  constexpr auto as_values = asio::as_tuple(asio::use_awaitable);
  while (self->state_ != State::closed) {
    if (self->paused()) self->look_for_close();
    if (self->leaving_ && !self->paused() && self->input_begin_ < self->input_end_)
      self->consume_input();
    if (self->paused() && !self->may_look_ahead()) {
      self->reader_sleeps_ = true;
      self->wake_.expires_at(asio::steady_timer::time_point::max());
      co_await self->wake_.async_wait(as_values);
      self->reader_sleeps_ = false;
      self->heartbeat_.on_received(self->hub_.reactor.now());
      self->consume_input();
      continue;
    }
    self->make_room();
    auto [error, count] = co_await self->socket_.async_read_some(
        asio::buffer(self->input_.get() + self->input_end_,
                     self->input_capacity_ - self->input_end_),
        as_values);
    if (error) break;
    self->received_octets_ += count;
    self->input_end_ += count;
    self->input_filled_ = self->input_end_ == self->input_capacity_;
    self->heartbeat_.on_received(self->hub_.reactor.now());
    self->consume_input();
  }
  self->on_input_end();
}

// Free space behind what is unread: moved to the front when it has reached the end, grown while
// the socket fills it.
void Connection::make_room() {
  const std::size_t unread = input_end_ - input_begin_;
  const std::size_t most = std::max<std::size_t>(hub_.settings.read_buffer_octets,
                                                 parser_.frame_max() + amqp::frame_overhead);
  std::size_t wanted =
      std::max<std::size_t>(input_capacity_, hub_.settings.read_buffer_octets / 64);
  const bool may_grow = hub_.input_octets + wanted <= hub_.settings.input_octets;
  if (input_filled_ && wanted < most && may_grow) wanted = std::min(most, 2 * wanted);
  if (unread == wanted) wanted = most;
  CHECK(unread < wanted, "{} octets unread", unread);
  if (wanted != input_capacity_) {
    auto larger = std::make_unique_for_overwrite<char[]>(wanted);
    if (unread > 0) std::memcpy(larger.get(), input_.get() + input_begin_, unread);
    input_ = std::move(larger);
    hub_.input_octets += wanted - input_capacity_;
    input_capacity_ = wanted;
  } else if (input_begin_ > 0 && unread > 0 && input_end_ == input_capacity_) {
    std::memmove(input_.get(), input_.get() + input_begin_, unread);
  } else if (unread > 0) {
    return;
  }
  input_begin_ = 0;
  input_end_ = unread;
}

void Connection::consume_input() {
  const std::shared_ptr<Connection> self = shared_from_this();
  forget_catalog();
  std::string_view unread(input_.get() + input_begin_, input_end_ - input_begin_);
  if (state_ == State::header && !consume_header(unread)) return;
  if (!paused()) looked_at_ = 0;
  while (!deaf_ && state_ != State::closed && state_ != State::draining && !paused()) {
    Result<std::optional<amqp::Frame>> frame = parser_.next(unread);
    if (!frame) {
      deaf_ = true;
      fail(ChannelNumber{0}, frame.error(), {});
      break;
    }
    if (!*frame) break;
    on_frame(**frame);
  }
  if (deaf_ || state_ == State::draining) unread = {};
  input_begin_ = input_end_ - unread.size();
}

// During an alarm, what publishers sent waits where it fits, so that a close behind it is found.
bool Connection::may_look_ahead() const {
  if (!alarmed_ || awaits_reader()) return false;
  if (input_end_ - input_begin_ < input_capacity_) return true;
  const std::size_t most = std::max<std::size_t>(hub_.settings.read_buffer_octets,
                                                 parser_.frame_max() + amqp::frame_overhead);
  return input_capacity_ < most &&
         hub_.input_octets + most - input_capacity_ <= hub_.settings.input_octets;
}

// Who goes adds no more than what has come: that is done, and the close answered.
void Connection::look_for_close() {
  if (!alarmed_) return;
  std::string_view unread(input_.get() + input_begin_, input_end_ - input_begin_);
  unread.remove_prefix(looked_at_);
  for (;;) {
    Result<std::optional<amqp::Frame>> frame = parser_.next(unread);
    if (!frame || !*frame) break;
    const amqp::Frame& found = **frame;
    leaving_ =
        leaving_ || (found.channel == ChannelNumber{0} && found.type == amqp::FrameType::method &&
                     amqp::peek_method(found.payload).key() == amqp::ConnectionClose::info.key());
  }
  looked_at_ = input_end_ - input_begin_ - unread.size();
  if (leaving_) alarmed_ = false;
}

// False: not yet, or not at all.
bool Connection::consume_header(std::string_view& unread) {
  switch (amqp::match_protocol_header(unread)) {
    case amqp::HeaderMatch::incomplete:
      return false;
    case amqp::HeaderMatch::refused:
      output_.append(amqp::protocol_header);
      input_begin_ = input_end_;
      drain();
      return false;
    case amqp::HeaderMatch::accepted:
      break;
  }
  unread.remove_prefix(amqp::protocol_header.size());
  input_begin_ += amqp::protocol_header.size();
  state_ = State::starting;
  writer_.method(ChannelNumber{0}, make_start(hub_.settings, catalog()->cluster_name()));
  touch();
  return true;
}

// What was read is to be done first.
bool Connection::awaits_cluster() const {
  const Settings& settings = hub_.settings;
  return held_octets_ >= settings.publish_hold_octets ||
         backlog_octets_ >= settings.backlog_octets ||
         uploading_octets_ >= settings.upload_octets || !unwritable_.empty() || alarmed_;
}

// Deliveries end at the output's bound by themselves, so acks, cancels and closes are read beyond
// it; what is asked for and not taken ends here.
bool Connection::awaits_reader() const {
  if (!socket_.is_open()) return false;
  const Settings& settings = hub_.settings;
  return output_.size() + bodies_.octets_behind() >=
         settings.output_octets + settings.answer_octets;
}

// Of a peer that is not read, because it does not read: its host tells whether octets come from it,
// and whether it takes any.
void Connection::notice_life(BootTime now) {
  int waiting = 0, untaken = 0;
  if (::ioctl(socket_.native_handle(), FIONREAD, &waiting) != 0 ||
      ::ioctl(socket_.native_handle(), SIOCOUTQ, &untaken) != 0)
    return;
  heartbeat_.on_progress(received_octets_ + static_cast<std::uint64_t>(waiting),
                         sent_octets_ - static_cast<std::uint64_t>(untaken), now);
}

void Connection::wake() {
  if (paused()) return;
  if (reader_sleeps_)
    wake_.cancel();
  else if (looked_at_ > 0)
    consume_input();
}

void Connection::touch() {
  if (turn_open_) return;
  const std::shared_ptr<Connection> self = weak_from_this().lock();
  if (self == nullptr) return;
  turn_open_ = true;
  hub_.reactor.at_turn_end([self] { self->end_turn(); });
}

void Connection::end_turn() {
  submit_commands();
  for (const auto& [number, channel] : channels_)
    if (channel->has_answers()) channel->write_answers();
  update_blocked();
  turn_open_ = false;
  if (!batch_.empty()) touch();
  catalog_.reset();
  fetch_parts();
  write_more();
  wake();
}

void Connection::fetch_parts() {
  while (state_ == State::running && output_.size() < hub_.settings.body_ahead_octets) {
    const auto wanted = bodies_.next_wanted();
    if (!wanted) return;
    hub_.door.fetch(wanted->group, wanted->part,
                    [weak = weak_from_this(),
                     number = wanted->number](const Result<std::optional<Bytes>>& octets) {
                      if (std::shared_ptr<Connection> self = weak.lock())
                        self->on_part(number, octets);
                    });
  }
}

void Connection::on_part(std::uint64_t number, const Result<std::optional<Bytes>>& octets) {
  if (state_ != State::running) return;
  if (!octets) return bodies_.failed(number);
  // What was begun cannot be ended in any other way.
  if (!*octets || !bodies_.arrived(number, **octets))
    return fail(ChannelNumber{0},
                {ReplyCode::internal_error, "the rest of a message that is being sent is gone"},
                {});
  touch();
}

void Connection::submit_commands() {
  if (batch_.empty()) return;
  batch_.submit_to(hub_.door, [this](GroupId group) {
    if (!hub_.door.writable(group)) await_writable(group);
  });
}

// Behind what was gathered before.
void Connection::submit_whole(GroupId group, std::vector<queue::ClientCommand> commands) {
  submit_commands();
  hub_.door.submit_whole(group, std::move(commands));
  if (!hub_.door.writable(group)) await_writable(group);
}

void Connection::write_more() {
  if (writing_) return;
  if (!socket_.is_open()) return output_.consume(output_.size());
  if (output_.empty()) {
    boost::system::error_code ignored;
    if (state_ == State::draining && hangs_up_) socket_.shutdown(Socket::shutdown_send, ignored);
    return;
  }
  std::array<amqp::OutputBuffer::Piece, 64> pieces;
  const std::size_t count = output_.gather(pieces);
  for (std::size_t i = 0; i < count; ++i)
    pieces_[i] = asio::const_buffer(pieces[i].data, pieces[i].size);
  writing_ = true;
  socket_.async_write_some(
      std::span<const asio::const_buffer>(pieces_.data(), count),
      [self = shared_from_this()](boost::system::error_code error, std::size_t written) {
        self->on_written(error, written);
      });
}

void Connection::on_written(boost::system::error_code error, std::size_t count) {
  writing_ = false;
  if (error) return on_broken(error.message());
  output_.consume(count);
  sent_octets_ += count;
  heartbeat_.on_sent(hub_.reactor.now());
  forget_catalog();
  for (const auto& [number, channel] : channels_)
    channel->on_sent();
  run_backlogs();
  fetch_parts();
  write_more();
  wake();
}

// What waits behind synchronous methods makes output too.
void Connection::run_backlogs() {
  if (backlog_octets_ == 0 || awaits_reader()) return;
  const auto channels = channels_;
  for (const auto& [number, channel] : channels)
    channel->run_backlog();
}

void Connection::on_input_end() {
  on_broken("closed by the client");
}

}  // namespace warren::frontend
