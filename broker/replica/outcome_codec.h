// How one batch's commands ended, as a group's ledger keeps it and as it travels to the sender:
// run-length, so that a batch of a thousand accepted publishes is four octets. Pure: any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/result.h"
#include "broker/queue/client_command.h"

namespace warren::replica {

std::string encode_outcomes(std::span<const queue::Outcome> outcomes);
// `expected`: how many commands the batch had; anything else is malformed.
Result<std::vector<queue::Outcome>> decode_outcomes(std::string_view octets, std::size_t expected);

}  // namespace warren::replica
