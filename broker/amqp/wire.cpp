#include "broker/amqp/wire.h"

#include <fmt/format.h>

namespace warren::amqp {

Error decode_error(std::string_view what, Fault fault) {
  auto text = [what](const char* why) { return fmt::format("cannot decode {}: {}", what, why); };
  switch (fault) {
    case Fault::none:
    case Fault::truncated:
      return {ReplyCode::frame_error, text("octets missing")};
    case Fault::trailing:
      return {ReplyCode::frame_error, text("octets left over")};
    case Fault::unknown_property:
      return {ReplyCode::frame_error, text("unknown property flag")};
    case Fault::unknown_field_type:
      return {ReplyCode::syntax_error, text("unknown field type")};
    case Fault::too_deep:
      return {ReplyCode::syntax_error, text("tables nested too deep")};
    case Fault::too_many_values:
      return {ReplyCode::syntax_error, text("too many values in a table")};
  }
  return {ReplyCode::frame_error, text("octets missing")};
}

}  // namespace warren::amqp
