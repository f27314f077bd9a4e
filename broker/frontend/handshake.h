// Handshake: the rules of start, tune and open, apart from any socket: what we offer, how
// credentials are read, what a client may ask for. Pure: any thread.
// Source: AMQP 0-9-1 §1.4, §2.2.4, and RabbitMQ's capabilities.
#pragma once

#include <string>
#include <string_view>

#include "broker/amqp/methods_connection.h"
#include "broker/base/result.h"
#include "broker/frontend/authenticator.h"
#include "broker/frontend/settings.h"

namespace warren::frontend {

// What the client says it understands.
struct Capabilities {
  bool consumer_cancel_notify = false;
  bool connection_blocked = false;
  bool authentication_failure_close = false;
};
Capabilities read_capabilities(const amqp::FieldTable& client_properties);

amqp::ConnectionStart make_start(const Settings& settings, std::string_view cluster_name);

// Errors: 503 unknown mechanism, 502 malformed response.
Result<Credentials> read_response(const Settings& settings, const amqp::ConnectionStartOk& method);

// The answer to wrong credentials.
Error login_refused(std::string_view mechanism);

struct Tuned {
  std::uint16_t channel_max = 0;
  std::uint32_t frame_max = 0;
  std::uint16_t heartbeat_seconds = 0;
};
// Error: 530 for a value that we do not allow.
Result<Tuned> negotiate(const Settings& settings, const amqp::ConnectionTuneOk& method);

// May this user come from this address ("127.0.0.1", "::1")?
bool may_come_from(const Settings& settings, std::string_view user, bool loopback);

}  // namespace warren::frontend
