// Commands and outcomes as octets, for the catalog's log and for the wire between nodes.
//   command: u8 version (1), u8 kind (place in the Command variant, never reordered), its fields
//   outcome: u8 version (1), its fields
// Pure: any thread. Source of the field order: fields.h.
#pragma once

#include <string>
#include <string_view>

#include "broker/base/result.h"
#include "broker/catalog/command.h"

namespace warren::catalog {

std::string encode_command(const Command& command);
// Error: 541, malformed, of an unknown kind or of a later version.
Result<Command> decode_command(std::string_view octets);

std::string encode_outcome(const Outcome& outcome);
Result<Outcome> decode_outcome(std::string_view octets);

}  // namespace warren::catalog
