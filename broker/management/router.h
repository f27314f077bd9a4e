// Which resource answers a request, and who may ask. Any thread.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "broker/inspect/inspector.h"
#include "broker/management/request.h"

namespace warren::management {

// Answers every request: 401 without a login that may use the API, 404 for unknown paths, 405 for
// methods other than GET and HEAD. REQUIRES: `inspector` outlives the coroutine.
boost::asio::awaitable<Response> route(inspect::Inspector& inspector, Request request);

}  // namespace warren::management
