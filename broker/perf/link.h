// Link: one AMQP connection with one open channel, from a client's side. Setting up blocks; then
// frames come to its listener and output goes out in gathered writes. Lives on the run's one
// thread.
#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/amqp/frame.h"
#include "broker/amqp/methods.h"
#include "broker/amqp/output_buffer.h"
#include "broker/perf/options.h"

namespace warren::perf {

class Link {
 public:
  // Called for each frame of the channel. Views die when it returns.
  using OnFrame = std::function<void(const amqp::Frame&)>;
  // The connection or channel is over: why.
  using OnEnd = std::function<void(std::string)>;

  explicit Link(boost::asio::io_context& io) : socket_(io), heartbeat_(io) {}

  // Connects, logs in and opens channel 1. Returns what went wrong, or an empty string.
  std::string open(const Uri& uri);

  // Sends a method and waits for its reply; only before start().
  template <typename Reply, typename Request>
  std::expected<Reply, std::string> call(const Request& request) {
    writer_.method(channel, request);
    return wait_for<Reply>();
  }

  void start(OnFrame on_frame, OnEnd on_end);
  // Writes what `writer` produced; `drained` comes whenever all of it has gone.
  void flush();
  std::function<void()> drained;

  amqp::FrameWriter& writer() { return writer_; }
  std::size_t unsent() const { return output_.size(); }
  void close();

  static constexpr ChannelNumber channel{1};

 private:
  template <typename Reply>
  std::expected<Reply, std::string> wait_for();
  std::expected<amqp::Method, std::string> read_method();
  std::string log_in(const Uri& uri);
  std::string send_blocking();
  void read_more();
  void take_frames();
  void write_more();
  void beat();
  void end(std::string reason);

  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer heartbeat_;
  amqp::OutputBuffer output_;
  amqp::FrameWriter writer_{output_, 131072};
  amqp::FrameParser parser_{131072};
  std::vector<char> buffer_ = std::vector<char>(512 * 1024);
  std::size_t filled_ = 0;
  std::size_t taken_ = 0;  // octets of buffer_ that were parsed already
  bool writing_ = false;
  bool ended_ = false;
  std::array<amqp::OutputBuffer::Piece, 64> pieces_;
  std::vector<boost::asio::const_buffer> buffers_;
  OnFrame on_frame_;
  OnEnd on_end_;
};

template <typename Reply>
std::expected<Reply, std::string> Link::wait_for() {
  auto method = read_method();
  if (!method) return std::unexpected(method.error());
  if (auto* reply = std::get_if<Reply>(&*method)) return std::move(*reply);
  return std::unexpected(std::string("expected ") + std::string(Reply::info.name) + ", got " +
                         std::string(amqp::info_of(*method).name));
}

}  // namespace warren::perf
