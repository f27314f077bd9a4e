// WireClient: a socket to the front end under test that sends octets and reads frames. Reads wait
// at most a few seconds; nothing sleeps.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>

#include "broker/amqp/frame.h"
#include "broker/amqp/methods.h"

namespace warren::frontend {

struct Received {
  amqp::FrameType type = amqp::FrameType::heartbeat;
  ChannelNumber channel;
  std::string payload;
};

class WireClient {
 public:
  explicit WireClient(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  }
  ~WireClient() { close(); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void send_raw(std::string_view octets) {
    while (!octets.empty()) {
      ssize_t n = ::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      octets.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  template <typename M>
  static std::string frame(std::uint16_t channel, const M& method) {
    amqp::OutputBuffer out;
    amqp::encode(method, ChannelNumber{channel}, out);
    return out.to_string();
  }
  template <typename M>
  void send(std::uint16_t channel, const M& method) {
    send_raw(frame(channel, method));
  }

  // Nothing: the peer has closed, or nothing came in time.
  std::optional<Received> read_frame(int timeout_ms = 5000) {
    for (;;) {
      std::string_view unread = buffer_;
      auto frame = parser_.next(unread);
      if (!frame) return std::nullopt;
      if (*frame) {
        Received received{(*frame)->type, (*frame)->channel, std::string((*frame)->payload)};
        buffer_.erase(0, buffer_.size() - unread.size());
        return received;
      }
      if (!read_some(timeout_ms)) return std::nullopt;
    }
  }
  // The peer closes without another method.
  bool closed_by_peer() {
    while (auto frame = read_frame())
      if (frame->type != amqp::FrameType::heartbeat) return false;
    return at_end_;
  }
  std::string read_raw(std::size_t count) {
    while (buffer_.size() < count && read_some(5000)) {
    }
    return std::exchange(buffer_, {});
  }

 protected:
  amqp::FrameParser parser_{131072};

 private:
  bool read_some(int timeout_ms) {
    pollfd wait{fd_, POLLIN, 0};
    if (poll(&wait, 1, timeout_ms) <= 0) return false;
    char octets[65536];
    const ssize_t n = recv(fd_, octets, sizeof octets, 0);
    at_end_ = n <= 0;
    if (n > 0) buffer_.append(octets, static_cast<std::size_t>(n));
    return n > 0;
  }

  int fd_;
  bool at_end_ = false;
  std::string buffer_;
};

}  // namespace warren::frontend
