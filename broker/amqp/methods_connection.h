// connection.*, channel.* and access.*. Source: AMQP 0-9-1 §1.5, §1.6, and RabbitMQ's
// connection.blocked, unblocked and update-secret. Field types: see method_info.h.
#pragma once

#include "broker/amqp/method_info.h"

namespace warren::amqp {

struct ConnectionStart {
  static constexpr MethodInfo info{10, 10, "connection.start"};
  std::uint8_t version_major = 0;
  std::uint8_t version_minor = 9;
  FieldTable server_properties;
  LongString mechanisms;  // space-separated
  LongString locales;     // space-separated
};
struct ConnectionStartOk {
  static constexpr MethodInfo info{10, 11, "connection.start-ok"};
  FieldTable client_properties;
  ShortString mechanism;
  LongString response;
  ShortString locale;
};
struct ConnectionSecure {
  static constexpr MethodInfo info{10, 20, "connection.secure"};
  LongString challenge;
};
struct ConnectionSecureOk {
  static constexpr MethodInfo info{10, 21, "connection.secure-ok"};
  LongString response;
};
struct ConnectionTune {
  static constexpr MethodInfo info{10, 30, "connection.tune"};
  std::uint16_t channel_max = 0;
  std::uint32_t frame_max = 0;
  std::uint16_t heartbeat_seconds = 0;
};
struct ConnectionTuneOk {
  static constexpr MethodInfo info{10, 31, "connection.tune-ok"};
  std::uint16_t channel_max = 0;
  std::uint32_t frame_max = 0;
  std::uint16_t heartbeat_seconds = 0;
};
struct ConnectionOpen {
  static constexpr MethodInfo info{10, 40, "connection.open"};
  ShortString virtual_host;
  ShortString reserved_1;
  bool reserved_2 = false;
};
struct ConnectionOpenOk {
  static constexpr MethodInfo info{10, 41, "connection.open-ok"};
  ShortString reserved_1;
};
struct ConnectionClose {
  static constexpr MethodInfo info{10, 50, "connection.close"};
  std::uint16_t reply_code = 0;
  ShortString reply_text;
  std::uint16_t class_id = 0;   // of the method that failed, else 0
  std::uint16_t method_id = 0;  // of the method that failed, else 0
};
struct ConnectionCloseOk {
  static constexpr MethodInfo info{10, 51, "connection.close-ok"};
};
struct ConnectionBlocked {
  static constexpr MethodInfo info{10, 60, "connection.blocked"};
  ShortString reason;
};
struct ConnectionUnblocked {
  static constexpr MethodInfo info{10, 61, "connection.unblocked"};
};
struct ConnectionUpdateSecret {
  static constexpr MethodInfo info{10, 70, "connection.update-secret"};
  LongString new_secret;
  ShortString reason;
};
struct ConnectionUpdateSecretOk {
  static constexpr MethodInfo info{10, 71, "connection.update-secret-ok"};
};

struct ChannelOpen {
  static constexpr MethodInfo info{20, 10, "channel.open"};
  ShortString reserved_1;
};
struct ChannelOpenOk {
  static constexpr MethodInfo info{20, 11, "channel.open-ok"};
  LongString reserved_1;
};
struct ChannelFlow {
  static constexpr MethodInfo info{20, 20, "channel.flow"};
  bool active = false;
};
struct ChannelFlowOk {
  static constexpr MethodInfo info{20, 21, "channel.flow-ok"};
  bool active = false;
};
struct ChannelClose {
  static constexpr MethodInfo info{20, 40, "channel.close"};
  std::uint16_t reply_code = 0;
  ShortString reply_text;
  std::uint16_t class_id = 0;   // of the method that failed, else 0
  std::uint16_t method_id = 0;  // of the method that failed, else 0
};
struct ChannelCloseOk {
  static constexpr MethodInfo info{20, 41, "channel.close-ok"};
};

// Gone from 0-9-1, still sent by old clients.
struct AccessRequest {
  static constexpr MethodInfo info{30, 10, "access.request"};
  ShortString realm;
  bool exclusive = false;
  bool passive = false;
  bool active = false;
  bool write = false;
  bool read = false;
};
struct AccessRequestOk {
  static constexpr MethodInfo info{30, 11, "access.request-ok"};
  std::uint16_t ticket = 1;
};

}  // namespace warren::amqp
