// An Inspector's callbacks as awaitables on the caller's reactor.
#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <string>
#include <utility>
#include <vector>

#include "broker/inspect/inspector.h"

namespace warren::management {

// `ask` gets a callback that may be called once from any thread.
template <typename Value, typename Ask>
boost::asio::awaitable<Value> await_value(Ask ask) {
  namespace asio = boost::asio;
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Value)>(
      [ask = std::move(ask)](auto handler) mutable {
        const auto executor = asio::get_associated_executor(handler);
        ask([executor, handler = std::move(handler)](Value value) mutable {
          asio::post(executor, [handler = std::move(handler), value = std::move(value)]() mutable {
            std::move(handler)(std::move(value));
          });
        });
      },
      asio::use_awaitable);
}

// REQUIRES: `inspector` outlives the coroutine.
template <typename Row>
boost::asio::awaitable<std::vector<Row>> collect(inspect::Inspector& inspector, std::string vhost) {
  return await_value<std::vector<Row>>([&inspector, vhost = std::move(vhost)](auto done) {
    inspector.collect(vhost, inspect::Done<Row>(std::move(done)));
  });
}

inline boost::asio::awaitable<inspect::Status> collect_status(inspect::Inspector& inspector) {
  return await_value<inspect::Status>(
      [&inspector](auto done) { inspector.status(std::move(done)); });
}

}  // namespace warren::management
