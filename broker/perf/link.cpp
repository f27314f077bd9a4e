#include "broker/perf/link.h"

#include <fmt/format.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/write.hpp>
#include <cstring>
#include <utility>

namespace warren::perf {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr std::uint32_t frame_max = 131072;
constexpr std::uint16_t heartbeat_seconds = 60;

std::string reason_of(const amqp::Method& method) {
  if (const auto* close = std::get_if<amqp::ConnectionClose>(&method)) return close->reply_text;
  if (const auto* close = std::get_if<amqp::ChannelClose>(&method)) return close->reply_text;
  return {};
}

}  // namespace

std::string Link::open(const Uri& uri) {
  boost::system::error_code error;
  tcp::resolver resolver(socket_.get_executor());
  const auto endpoints = resolver.resolve(uri.host, fmt::to_string(uri.port), error);
  if (!error) asio::connect(socket_, endpoints, error);
  if (!error) socket_.set_option(tcp::no_delay(true), error);
  if (error) return fmt::format("{}:{}: {}", uri.host, uri.port, error.message());
  output_.append(amqp::protocol_header);
  const std::string problem = log_in(uri);
  return problem.empty() ? problem : fmt::format("{}:{}: {}", uri.host, uri.port, problem);
}

std::string Link::log_in(const Uri& uri) {
  if (const auto start = wait_for<amqp::ConnectionStart>(); !start) return start.error();
  amqp::ConnectionStartOk login;
  login.client_properties.add("capabilities",
                              amqp::FieldTable{{"basic.nack", true},
                                               {"publisher_confirms", true},
                                               {"authentication_failure_close", true}});
  login.client_properties.add("product", std::string("warren-perf"));
  login.mechanism = "PLAIN";
  login.response.value = std::string("\0", 1) + uri.user + std::string("\0", 1) + uri.password;
  login.locale = "en_US";
  writer_.method(ChannelNumber(0), login);
  const auto tune = wait_for<amqp::ConnectionTune>();
  if (!tune) return tune.error();
  const std::uint32_t limit =
      tune->frame_max == 0 ? frame_max : std::min(frame_max, tune->frame_max);
  writer_.method(ChannelNumber(0),
                 amqp::ConnectionTuneOk{tune->channel_max, limit, heartbeat_seconds});
  writer_.set_frame_max(limit);
  amqp::ConnectionOpen open;
  open.virtual_host = uri.vhost;
  writer_.method(ChannelNumber(0), open);
  if (const auto opened = wait_for<amqp::ConnectionOpenOk>(); !opened) return opened.error();
  const auto opened = call<amqp::ChannelOpenOk>(amqp::ChannelOpen{});
  return opened ? std::string() : opened.error();
}

std::string Link::send_blocking() {
  const std::string octets = output_.to_string();
  boost::system::error_code error;
  asio::write(socket_, asio::buffer(octets), error);
  output_.consume(octets.size());
  return error ? error.message() : std::string();
}

std::expected<amqp::Method, std::string> Link::read_method() {
  if (const std::string problem = send_blocking(); !problem.empty())
    return std::unexpected(problem);
  while (true) {
    std::string_view unread(buffer_.data() + taken_, filled_ - taken_);
    const std::size_t before = unread.size();
    const auto frame = parser_.next(unread);
    taken_ += before - unread.size();
    if (!frame) return std::unexpected(frame.error().wire_text());
    if (*frame && (*frame)->type == amqp::FrameType::method) {
      auto method = amqp::decode_method((*frame)->payload);
      if (!method) return std::unexpected(method.error().wire_text());
      if (const std::string reason = reason_of(*method); !reason.empty()) {
        return std::unexpected(reason);
      }
      return *std::move(method);
    }
    if (*frame) continue;  // a heartbeat
    std::memmove(buffer_.data(), buffer_.data() + taken_, filled_ - taken_);
    filled_ -= std::exchange(taken_, 0);
    boost::system::error_code error;
    filled_ +=
        socket_.read_some(asio::buffer(buffer_.data() + filled_, buffer_.size() - filled_), error);
    if (error) return std::unexpected(error.message());
  }
}

void Link::start(OnFrame on_frame, OnEnd on_end) {
  on_frame_ = std::move(on_frame);
  on_end_ = std::move(on_end);
  beat();
  take_frames();
  read_more();
  flush();
}

void Link::read_more() {
  socket_.async_read_some(asio::buffer(buffer_.data() + filled_, buffer_.size() - filled_),
                          [this](boost::system::error_code error, std::size_t count) {
                            if (error) return end(error.message());
                            filled_ += count;
                            take_frames();
                            if (!ended_) read_more();
                          });
}

void Link::take_frames() {
  std::string_view unread(buffer_.data() + taken_, filled_ - taken_);
  while (!ended_) {
    const auto frame = parser_.next(unread);
    if (!frame) return end(frame.error().wire_text());
    if (!*frame) break;
    if ((*frame)->channel == channel) {
      on_frame_(**frame);
    } else if ((*frame)->type == amqp::FrameType::method) {
      const auto method = amqp::decode_method((*frame)->payload);
      if (!method || std::holds_alternative<amqp::ConnectionClose>(*method)) {
        return end(method ? reason_of(*method) : method.error().wire_text());
      }
    }
  }
  std::memmove(buffer_.data(), unread.data(), unread.size());
  filled_ = unread.size();
  taken_ = 0;
  flush();
}

void Link::flush() {
  if (writing_ || ended_ || output_.empty()) return;
  writing_ = true;
  write_more();
}

void Link::write_more() {
  buffers_.clear();
  const std::size_t count = output_.gather(pieces_);
  for (std::size_t i = 0; i < count; ++i)
    buffers_.emplace_back(pieces_[i].data, pieces_[i].size);
  socket_.async_write_some(buffers_, [this](boost::system::error_code error, std::size_t sent) {
    if (error) return end(error.message());
    output_.consume(sent);
    if (output_.empty()) {
      writing_ = false;
      if (drained) drained();
    } else {
      write_more();
    }
  });
}

void Link::beat() {
  heartbeat_.expires_after(std::chrono::seconds(heartbeat_seconds / 2));
  heartbeat_.async_wait([this](boost::system::error_code error) {
    if (error || ended_) return;
    writer_.heartbeat();
    flush();
    beat();
  });
}

void Link::end(std::string reason) {
  if (std::exchange(ended_, true)) return;
  heartbeat_.cancel();
  if (on_end_) on_end_(std::move(reason));
}

void Link::close() {
  ended_ = true;
  heartbeat_.cancel();
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace warren::perf
