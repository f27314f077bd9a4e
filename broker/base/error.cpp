#include "broker/base/error.h"

namespace warren {

const char* name_of(ReplyCode code) {
  switch (code) {
    case ReplyCode::success:
      return "OK";
    case ReplyCode::content_too_large:
      return "CONTENT_TOO_LARGE";
    case ReplyCode::no_route:
      return "NO_ROUTE";
    case ReplyCode::no_consumers:
      return "NO_CONSUMERS";
    case ReplyCode::connection_forced:
      return "CONNECTION_FORCED";
    case ReplyCode::invalid_path:
      return "INVALID_PATH";
    case ReplyCode::access_refused:
      return "ACCESS_REFUSED";
    case ReplyCode::not_found:
      return "NOT_FOUND";
    case ReplyCode::resource_locked:
      return "RESOURCE_LOCKED";
    case ReplyCode::precondition_failed:
      return "PRECONDITION_FAILED";
    case ReplyCode::frame_error:
      return "FRAME_ERROR";
    case ReplyCode::syntax_error:
      return "SYNTAX_ERROR";
    case ReplyCode::command_invalid:
      return "COMMAND_INVALID";
    case ReplyCode::channel_error:
      return "CHANNEL_ERROR";
    case ReplyCode::unexpected_frame:
      return "UNEXPECTED_FRAME";
    case ReplyCode::resource_error:
      return "RESOURCE_ERROR";
    case ReplyCode::not_allowed:
      return "NOT_ALLOWED";
    case ReplyCode::not_implemented:
      return "NOT_IMPLEMENTED";
    case ReplyCode::internal_error:
      return "INTERNAL_ERROR";
  }
  return "INTERNAL_ERROR";
}

std::string Error::wire_text() const {
  constexpr std::size_t short_string_limit = 255;
  std::string whole = std::string(name_of(code)) + " - " + text;
  if (whole.size() > short_string_limit) whole.replace(short_string_limit - 3, whole.npos, "...");
  return whole;
}

}  // namespace warren
