// spawn: the one place where coroutines start: named, counted on their reactor, logged when they
// end by a library's exception (one of the two places where those are caught; the other is main).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "broker/runtime/reactor.h"

namespace warren::runtime {

// Any thread; the coroutine runs on `reactor`. It takes values, not references, and its name says
// which connection or request it serves. `ended` comes on the reactor, after normal and bad ends.
void spawn(Reactor& reactor, std::string name, boost::asio::awaitable<void> coroutine,
           Task ended = {});

}  // namespace warren::runtime
