// What went wrong for the peer or the user, with its AMQP answer (AMQP 0-9-1 §1.2, §4.10.2).
// Pure value: any thread. The text excludes the "CODE_NAME - " prefix, which the wire adds.
#pragma once

#include <cstdint>
#include <string>

namespace warren {

// Whom the error ends. A channel error on channel 0 becomes a connection error.
enum class ErrorScope : std::uint8_t { channel, connection };

// AMQP 0-9-1 reply codes. Scope is fixed by the code (see scope_of).
enum class ReplyCode : std::uint16_t {
  success = 200,
  content_too_large = 311,
  no_route = 312,
  no_consumers = 313,
  connection_forced = 320,
  invalid_path = 402,
  access_refused = 403,
  not_found = 404,
  resource_locked = 405,
  precondition_failed = 406,
  frame_error = 501,
  syntax_error = 502,
  command_invalid = 503,
  channel_error = 504,
  unexpected_frame = 505,
  resource_error = 506,
  not_allowed = 530,
  not_implemented = 540,
  internal_error = 541,
};

constexpr ErrorScope scope_of(ReplyCode code) {
  switch (code) {
    case ReplyCode::content_too_large:
    case ReplyCode::no_route:
    case ReplyCode::no_consumers:
    case ReplyCode::access_refused:
    case ReplyCode::not_found:
    case ReplyCode::resource_locked:
    case ReplyCode::precondition_failed:
      return ErrorScope::channel;
    default:
      return ErrorScope::connection;
  }
}

// "PRECONDITION_FAILED" for 406, as clients see it before " - ".
const char* name_of(ReplyCode code);

struct Error {
  ReplyCode code = ReplyCode::internal_error;
  std::string text;

  ErrorScope scope() const { return scope_of(code); }
  // "PRECONDITION_FAILED - text", cut to the 255 bytes of a short string.
  std::string wire_text() const;

  bool operator==(const Error&) const = default;
};

}  // namespace warren
