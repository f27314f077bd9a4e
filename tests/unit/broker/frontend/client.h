// Client: a WireClient that knows the handshake, and what a test expects to be answered.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "broker/amqp/properties.h"
#include "tests/unit/broker/frontend/wire_client.h"

namespace warren::frontend {

struct Message {
  std::string properties, body;
};

class Client : public WireClient {
 public:
  using WireClient::WireClient;

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

  std::string payload_;  // of the last method: its views
};

}  // namespace warren::frontend
