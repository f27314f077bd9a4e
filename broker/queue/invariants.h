// What must hold of a queue machine after every command. For tests and simulations; costs as much
// as the machine is large.
#pragma once

#include <string>

#include "broker/queue/machine.h"

namespace warren::queue {

// Empty: all hold. Otherwise the first that does not, in words.
std::string broken_invariant(const Machine& machine);

}  // namespace warren::queue
