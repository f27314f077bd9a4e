#include "broker/ctl/http_client.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/parse.hpp>
#include <cctype>

namespace warren::ctl {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

constexpr std::uint64_t max_reply = std::uint64_t{256} << 20;  // a listing of a million queues

std::string base64(const std::string& text) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    const auto octet = [&](std::size_t n) {
      return n < text.size() ? static_cast<unsigned char>(text[n]) : 0u;
    };
    const unsigned word = octet(i) << 16 | octet(i + 1) << 8 | octet(i + 2);
    for (std::size_t n = 0; n < 4; ++n) {
      out += i + n <= text.size() ? digits[word >> (18 - 6 * n) & 63] : '=';
    }
  }
  return out;
}

// The chain of asynchronous steps of one request; each starts the next.
struct Exchange {
  asio::io_context io;
  beast::tcp_stream stream{io};
  beast::flat_buffer buffer;
  http::request<http::empty_body> request;
  http::response_parser<http::string_body> parser;
  boost::system::error_code error;

  void start(const asio::ip::tcp::resolver::results_type& endpoints) {
    stream.async_connect(endpoints, [this](boost::system::error_code failed, const auto&) {
      if ((error = failed)) return;
      http::async_write(stream, request, [this](boost::system::error_code bad, std::size_t) {
        if ((error = bad)) return;
        http::async_read(stream, buffer, parser,
                         [this](boost::system::error_code end, std::size_t) { error = end; });
      });
    });
  }
};

}  // namespace

std::string Target::text() const {
  return fmt::format("{}:{}", host, port);
}

std::string escape(const std::string& segment) {
  std::string out;
  for (const unsigned char c : segment) {
    const bool plain = std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == '~';
    out += plain ? std::string(1, static_cast<char>(c)) : fmt::format("%{:02X}", c);
  }
  return out;
}

std::expected<Reply, std::string> get(const Target& target, const std::string& path,
                                      std::chrono::milliseconds timeout) {
  Exchange exchange;
  boost::system::error_code bad_name;
  asio::ip::tcp::resolver resolver(exchange.io);
  const auto endpoints = resolver.resolve(target.host, fmt::to_string(target.port), bad_name);
  if (bad_name) return std::unexpected(fmt::format("{}: {}", target.host, bad_name.message()));
  exchange.request = {http::verb::get, path, 11};
  exchange.request.set(http::field::host, target.text());
  exchange.request.set(http::field::connection, "close");
  exchange.request.set(http::field::authorization,
                       "Basic " + base64(target.user + ":" + target.password));
  exchange.parser.body_limit(max_reply);
  exchange.stream.expires_after(timeout);
  exchange.start(endpoints);
  exchange.io.run();
  if (exchange.error) {
    return std::unexpected(fmt::format("{}: {}", target.text(), exchange.error.message()));
  }
  Reply reply{exchange.parser.get().result_int(), nullptr};
  boost::system::error_code not_json;
  boost::json::value body = boost::json::parse(exchange.parser.get().body(), not_json);
  if (!not_json) reply.body = std::move(body);
  return reply;
}

}  // namespace warren::ctl
