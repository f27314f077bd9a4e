// A front end on a free port over a FakeDoor, and a client that speaks raw frames to it by the
// codec. Reads wait at most a few seconds; nothing sleeps.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <optional>
#include <string>
#include <utility>

#include "broker/amqp/frame.h"
#include "broker/amqp/methods.h"
#include "broker/amqp/properties.h"
#include "broker/frontend/listener.h"
#include "tests/support/fake_door.h"

namespace warren::frontend {

struct Guests final : Authenticator {
  Result<User> authenticate(const catalog::Snapshot&, const Credentials& credentials,
                            std::string_view) override {
    if (credentials.user == "guest" && credentials.password == "guest")
      return User{"guest", {"administrator"}};
    if (credentials.user == "limited" && credentials.password == "limited")
      return User{"limited", {}};
    return fail(ReplyCode::access_refused, "wrong password");
  }
};

struct Received {
  amqp::FrameType type = amqp::FrameType::heartbeat;
  ChannelNumber channel;
  std::string payload;
};
struct Message {
  std::string properties, body;
};

class Client {
 public:
  explicit Client(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  }
  ~Client() { close(); }
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
  static std::string publish_frames(std::uint16_t channel, const amqp::BasicPublish& method,
                                    std::string_view body,
                                    const amqp::BasicProperties& properties = {}) {
    amqp::OutputBuffer out;
    amqp::FrameWriter writer(out, 131072);
    writer.method(ChannelNumber{channel}, method);
    writer.content(ChannelNumber{channel}, amqp::encode_properties(properties),
                   Bytes::copy_of(body));
    return out.to_string();
  }
  void publish(std::uint16_t channel, std::string_view exchange, std::string_view key,
               std::string_view body, bool mandatory = false,
               const amqp::BasicProperties& properties = {}) {
    send_raw(publish_frames(channel, {0, exchange, key, mandatory, false}, body, properties));
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
  // The next method but heartbeats, which must be M on the channel.
  template <typename M>
  M expect(std::uint16_t channel) {
    std::optional<Received> frame = read_frame();
    while (frame && frame->type == amqp::FrameType::heartbeat)
      frame = read_frame();
    EXPECT_TRUE(frame) << "nothing came instead of " << M::info.name;
    if (!frame) return M{};
    EXPECT_EQ(frame->channel.value, channel) << M::info.name;
    payload_ = frame->payload;
    auto method = amqp::decode_method(payload_);
    EXPECT_TRUE(method) << M::info.name;
    if (!method) return M{};
    const M* found = std::get_if<M>(&*method);
    if (found == nullptr) {
      ADD_FAILURE() << amqp::info_of(*method).name << " instead of " << M::info.name << " "
                    << text_of(*method);
      return M{};
    }
    return std::move(std::get<M>(*method));
  }
  Message expect_content() {
    auto header = read_frame();
    EXPECT_TRUE(header && header->type == amqp::FrameType::header);
    if (!header) return {};
    std::uint64_t size = 0;
    for (int i = 4; i < 12; ++i)
      size = size << 8 | static_cast<std::uint8_t>(header->payload[i]);
    Message message{header->payload.substr(12), ""};
    while (message.body.size() < size) {
      auto body = read_frame();
      EXPECT_TRUE(body && body->type == amqp::FrameType::body);
      if (!body) break;
      message.body += body->payload;
    }
    return message;
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
  void expect_close(std::uint16_t channel, std::uint16_t code, std::string_view text) {
    auto close = expect<amqp::ChannelClose>(channel);
    EXPECT_EQ(close.reply_code, code);
    EXPECT_EQ(close.reply_text, text);
    send(channel, amqp::ChannelCloseOk{});
  }
  void expect_end(std::uint16_t code, std::string_view text) {
    auto close = expect<amqp::ConnectionClose>(0);
    EXPECT_EQ(close.reply_code, code);
    EXPECT_EQ(close.reply_text, text);
    send(0, amqp::ConnectionCloseOk{});
    EXPECT_TRUE(closed_by_peer());
  }

  amqp::ConnectionStart start() {
    send_raw(amqp::protocol_header);
    return expect<amqp::ConnectionStart>(0);
  }
  static amqp::ConnectionStartOk plain(std::string user, std::string password) {
    amqp::ConnectionStartOk ok;
    ok.client_properties.add("capabilities",
                             amqp::FieldTable{{"consumer_cancel_notify", true},
                                              {"connection.blocked", true},
                                              {"authentication_failure_close", true}});
    ok.mechanism = "PLAIN";
    ok.response.value = std::string(1, '\0') + user + std::string(1, '\0') + password;
    ok.locale = "en_US";
    return ok;
  }
  // Through the handshake; channel 1 is open.
  void open(std::uint16_t heartbeat_seconds = 0, std::string user = "guest") {
    start();
    send(0, plain(user, user));
    auto tune = expect<amqp::ConnectionTune>(0);
    send_raw(frame(0, amqp::ConnectionTuneOk{tune.channel_max, tune.frame_max, heartbeat_seconds}) +
             frame(0, amqp::ConnectionOpen{"/", "", false}));
    expect<amqp::ConnectionOpenOk>(0);
    parser_.set_frame_max(tune.frame_max);
    open_channel(1);
  }
  void open_channel(std::uint16_t channel) {
    send(channel, amqp::ChannelOpen{});
    expect<amqp::ChannelOpenOk>(channel);
  }
  std::string declare(std::uint16_t channel, std::string name, bool exclusive = false,
                      bool auto_delete = false) {
    send(channel, amqp::QueueDeclare{0, name, false, false, exclusive, auto_delete, false, {}});
    return expect<amqp::QueueDeclareOk>(channel).queue;
  }
  void consume(std::uint16_t channel, std::string queue, std::string tag, bool no_ack = false) {
    send(channel, amqp::BasicConsume{0, queue, tag, false, no_ack, false, false, {}});
    expect<amqp::BasicConsumeOk>(channel);
  }
  // Everything sent before on this channel has been done.
  void sync(std::uint16_t channel) {
    send(channel, amqp::ChannelFlow{true});
    expect<amqp::ChannelFlowOk>(channel);
  }

 private:
  static std::string text_of(const amqp::Method& method) {
    if (const auto* close = std::get_if<amqp::ChannelClose>(&method)) return close->reply_text;
    if (const auto* close = std::get_if<amqp::ConnectionClose>(&method)) return close->reply_text;
    return "";
  }
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
  std::string payload_;  // of the last method: its views
  amqp::FrameParser parser_{131072};
};

class FrontendTest : public testing::Test {
 protected:
  FrontendTest() : reactor_("test"), door_(reactor_) {
    settings_.listeners = {Endpoint{"127.0.0.1", 0}};
    settings_.tick = Milliseconds{20};
    settings_.disconnect_grace = Milliseconds{300};
  }
  ~FrontendTest() override {
    if (group_ != nullptr) {
      std::promise<void> gone;
      group_->stop([&] { gone.set_value(); });
      gone.get_future().wait();
      group_.reset();
    }
    reactor_.stop();
  }
  std::uint16_t port() {
    if (group_ == nullptr)
      group_ = ListenerGroup::open({{reactor_, door_}}, settings_, guests_).value();
    return group_->ports().at(0);
  }
  std::vector<ConnectionListing> listings() {
    std::promise<std::vector<ConnectionListing>> all;
    group_->collect([&](auto found) { all.set_value(std::move(found)); });
    return all.get_future().get();
  }
  std::size_t ready(const std::string& queue) {
    std::size_t count = 0;
    door_.run([&] { count = door_.ready(queue); });
    return count;
  }

  Settings settings_;
  Guests guests_;
  runtime::Reactor reactor_;
  tests::FakeDoor door_;
  std::shared_ptr<ListenerGroup> group_;
};

}  // namespace warren::frontend
