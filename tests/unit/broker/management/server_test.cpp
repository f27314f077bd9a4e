#include "broker/management/server.h"

#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "broker/auth/http_basic.h"
#include "tests/unit/broker/management/fake_inspector.h"

namespace warren::management {
namespace {

using boost::asio::ip::tcp;

// Sends `request` and reads until the server closes.
std::string talk(std::uint16_t port, const std::string& request) {
  boost::asio::io_context io;
  tcp::socket socket(io);
  socket.connect({boost::asio::ip::address_v4::loopback(), port});
  boost::asio::write(socket, boost::asio::buffer(request));
  std::string reply;
  boost::system::error_code end;
  boost::asio::read(socket, boost::asio::dynamic_buffer(reply), end);
  return reply;
}

std::string get(std::uint16_t port, const std::string& target) {
  return talk(port, "GET " + target + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" +
                        "Authorization: " + auth::format_basic({"guest", "guest"}) + "\r\n\r\n");
}

class ServerTest : public testing::Test {
 protected:
  void listen(ServerOptions options = {.port = 0}) {
    auto made = Server::listen(reactor, inspector, options);
    ASSERT_TRUE(made) << made.error();
    server = *std::move(made);
  }
  FakeInspector inspector;
  runtime::Reactor reactor{"http"};
  std::unique_ptr<Server> server;
};

TEST_F(ServerTest, ServesOverHttp) {
  listen();
  const std::string reply = get(server->port(), "/api/whoami");
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 OK\r\n")) << reply;
  EXPECT_TRUE(reply.ends_with(R"({"name":"guest","tags":["administrator"]})")) << reply;
}

TEST_F(ServerTest, AsksForALogin) {
  listen();
  const std::string reply = talk(server->port(), "GET /api/queues HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(reply.contains(" 401 ")) << reply;
  EXPECT_TRUE(reply.contains("WWW-Authenticate: Basic realm=")) << reply;
}

TEST_F(ServerTest, HeadHasNoBody) {
  listen();
  const std::string reply = talk(
      server->port(), "HEAD /api/warren/ready HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(reply.ends_with("\r\n\r\n")) << reply;
}

TEST_F(ServerTest, ClosesOnGarbageAndOnLargeBodies) {
  listen();
  EXPECT_EQ(talk(server->port(), "garbage\r\n\r\n"), "");
  EXPECT_EQ(talk(server->port(), "POST /api/queues HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n"),
            "");
}

TEST_F(ServerTest, ClosesIdleConnections) {
  listen({.port = 0, .idle_timeout = Milliseconds(20)});
  EXPECT_EQ(talk(server->port(), "GET /api"), "");
}

TEST_F(ServerTest, SaysWhyItCannotListen) {
  listen();
  const auto second = Server::listen(reactor, inspector, {.port = server->port()});
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().contains("cannot listen on 127.0.0.1:")) << second.error();
  EXPECT_FALSE(Server::listen(reactor, inspector, {.host = "256.1.1.1", .port = 0}));
}

TEST_F(ServerTest, StopEndsOpenConnections) {
  listen();
  boost::asio::io_context io;
  tcp::socket socket(io);
  socket.connect({boost::asio::ip::address_v4::loopback(), server->port()});
  get(server->port(), "/api/whoami");  // so that the first connection has been accepted too
  server->stop();
  char octet;
  boost::system::error_code end;
  socket.read_some(boost::asio::buffer(&octet, 1), end);
  EXPECT_TRUE(end);
}

}  // namespace
}  // namespace warren::management
