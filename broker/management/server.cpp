#include "broker/management/server.h"

#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/serialize.hpp>
#include <future>
#include <set>
#include <utility>

#include "broker/management/request.h"
#include "broker/management/router.h"
#include "broker/runtime/log.h"
#include "broker/runtime/spawn.h"

namespace warren::management {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::uint32_t max_header = 16384;

bool is_loopback(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).is_loopback();
  }
  return address.is_loopback();
}

http::response<http::string_body> to_http(const Response& response,
                                          const http::request<http::string_body>& request) {
  http::response<http::string_body> out(static_cast<http::status>(response.status),
                                        request.version());
  out.set(http::field::content_type, "application/json");
  out.set(http::field::cache_control, "no-cache");
  if (response.status == 401) {
    out.set(http::field::www_authenticate, "Basic realm=\"RabbitMQ Management\"");
  }
  out.keep_alive(request.keep_alive());
  std::string body = boost::json::serialize(response.body);
  out.content_length(body.size());
  if (request.method() != http::verb::head) out.body() = std::move(body);
  return out;
}

}  // namespace

// Shared with the coroutines, which may end a turn after the Server.
struct Server::State : std::enable_shared_from_this<Server::State> {
  State(runtime::Reactor& r, inspect::Inspector& i, ServerOptions o)
      : reactor(r), inspector(i), options(std::move(o)), acceptor(r.io()) {}

  asio::awaitable<void> accept();
  asio::awaitable<void> serve(std::shared_ptr<beast::tcp_stream> stream);
  asio::awaitable<Response> answer(http::request<http::string_body> request, bool loopback);
  void close();

  runtime::Reactor& reactor;
  inspect::Inspector& inspector;
  const ServerOptions options;
  tcp::acceptor acceptor;
  std::uint16_t port = 0;
  bool stopped = false;
  std::set<std::shared_ptr<beast::tcp_stream>> streams;
};

asio::awaitable<void> Server::State::accept() {
  const auto self = shared_from_this();
  while (!stopped) {
    auto [error, socket] = co_await acceptor.async_accept(as_result);
    if (stopped) co_return;
    if (error || streams.size() >= options.max_connections) continue;  // the socket closes itself
    auto stream = std::make_shared<beast::tcp_stream>(std::move(socket));
    streams.insert(stream);
    runtime::spawn(reactor, "http connection", serve(stream),
                   [self, stream] { self->streams.erase(stream); });
  }
}

asio::awaitable<void> Server::State::serve(std::shared_ptr<beast::tcp_stream> stream) {
  const auto self = shared_from_this();
  boost::system::error_code no_peer;
  const bool loopback = is_loopback(stream->socket().remote_endpoint(no_peer).address());
  beast::flat_buffer buffer;
  for (bool keep_alive = true; keep_alive && !stopped;) {
    http::request_parser<http::string_body> parser;
    parser.header_limit(max_header);
    parser.body_limit(options.max_body);
    stream->expires_after(options.idle_timeout);
    const auto [read_error, read] = co_await http::async_read(*stream, buffer, parser, as_result);
    if (read_error) break;
    const auto request = parser.release();
    stream->expires_never();  // the inspector answers within its own bound
    const auto reply = to_http(co_await answer(request, loopback), request);
    keep_alive = reply.keep_alive();
    stream->expires_after(options.idle_timeout);
    const auto [write_error, written] = co_await http::async_write(*stream, reply, as_result);
    if (write_error) break;
  }
  boost::system::error_code ignored;
  stream->socket().shutdown(tcp::socket::shutdown_send, ignored);
}

asio::awaitable<Response> Server::State::answer(http::request<http::string_body> request,
                                                bool loopback) {
  const auto target = request.target();
  auto parsed = parse_target({target.data(), target.size()});
  if (!parsed) co_return not_found();
  const auto method = request.method_string();
  const auto authorization = request[http::field::authorization];
  parsed->method.assign(method.data(), method.size());
  parsed->authorization.assign(authorization.data(), authorization.size());
  parsed->loopback = loopback;
  co_return co_await route(inspector, *std::move(parsed));
}

void Server::State::close() {
  stopped = true;
  boost::system::error_code ignored;
  acceptor.close(ignored);
  for (const auto& stream : streams)
    stream->close();
}

std::expected<std::unique_ptr<Server>, std::string> Server::listen(runtime::Reactor& reactor,
                                                                   inspect::Inspector& inspector,
                                                                   ServerOptions options) {
  boost::system::error_code error;
  auto state = std::make_shared<State>(reactor, inspector, options);
  const auto fail = [&](const char* what) {
    return std::unexpected(
        fmt::format("HTTP API: {} {}:{}: {}", what, options.host, options.port, error.message()));
  };
  tcp::resolver resolver(reactor.io());
  const auto found = resolver.resolve(options.host, std::to_string(options.port), error);
  if (error || found.empty()) return fail("cannot resolve");
  const tcp::endpoint endpoint = *found.begin();
  state->acceptor.open(endpoint.protocol(), error);
  if (!error) state->acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) state->acceptor.bind(endpoint, error);
  if (!error) state->acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return fail("cannot listen on");
  state->port = state->acceptor.local_endpoint(error).port();
  runtime::spawn(reactor, "http listener", state->accept());
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::~Server() {
  stop();
}

std::uint16_t Server::port() const {
  return state_->port;
}

void Server::stop() {
  CHECK(!state_->reactor.is_here());
  std::promise<void> closed;
  auto done = closed.get_future();
  // Dropped, not run, when the reactor has stopped already: then nothing runs any more either.
  state_->reactor.post([state = state_, closed = std::move(closed)]() mutable {
    state->close();
    closed.set_value();
  });
  done.wait();
}

}  // namespace warren::management
