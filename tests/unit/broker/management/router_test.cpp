#include "broker/management/router.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/serialize.hpp>

#include "broker/auth/http_basic.h"
#include "tests/unit/broker/management/fake_inspector.h"

namespace warren::management {
namespace {

class Router : public testing::Test {
 protected:
  Response ask(std::string_view target, const std::string& user = "guest",
               const std::string& method = "GET") {
    auto request = parse_target(target);
    if (!request) return not_found();
    request->method = method;
    request->loopback = true;
    if (!user.empty()) request->authorization = auth::format_basic({user, user});
    Response response;
    boost::asio::io_context io;
    boost::asio::co_spawn(io, route(inspector, *std::move(request)),
                          [&](std::exception_ptr, Response r) { response = std::move(r); });
    io.run();
    return response;
  }
  std::string text(std::string_view target, const std::string& user = "guest") {
    return boost::json::serialize(ask(target, user).body);
  }

  FakeInspector inspector;
};

TEST_F(Router, RefusesWithoutLoginAsRabbitMqDoes) {
  EXPECT_EQ(ask("/api/queues", "").status, 401u);
  EXPECT_EQ(text("/api/queues", ""), R"({"error":"not_authorised","reason":"Login failed"})");
  EXPECT_EQ(text("/api/queues", "who"), R"({"error":"not_authorised","reason":"Login failed"})");
  inspector.logins["app"] = {"app", {}};
  EXPECT_EQ(text("/api/queues", "app"),
            R"({"error":"not_authorised","reason":"Not management user"})");
  EXPECT_EQ(ask("/api/no/such/thing", "").status, 401u);
}

TEST_F(Router, AnswersUnknownPathsAndMethods) {
  EXPECT_EQ(ask("/api/nonsense").status, 404u);
  EXPECT_EQ(text("/api/nonsense"), R"({"error":"Object Not Found","reason":"Not Found"})");
  EXPECT_EQ(ask("/elsewhere").status, 404u);
  EXPECT_EQ(ask("/api/queues", "guest", "DELETE").status, 405u);
  EXPECT_EQ(ask("/api/queues", "guest", "HEAD").status, 200u);
  EXPECT_EQ(ask("/api/queues/").status, 200u) << "a trailing slash works";
}

TEST_F(Router, ListsQueuesOfAVhostOrOne) {
  inspect::Queue hello{.vhost = "/", .name = "hello", .durable = true};
  hello.counted = true;
  hello.messages_ready = 2;
  hello.messages_unacknowledged = 1;
  hello.arguments = {{"x-max-length", "long", "10"}, {"x-queue-type", "longstr", "quorum"}};
  inspector.queue_rows = {hello, {.vhost = "other", .name = "q"}};
  inspector.vhost_rows.push_back({.name = "other"});
  EXPECT_EQ(text("/api/queues/%2F?columns=name,messages,arguments"),
            R"([{"name":"hello","messages":3,)"
            R"("arguments":{"x-max-length":10,"x-queue-type":"quorum"}}])");
  EXPECT_EQ(text("/api/queues/other/q?columns=vhost"), R"({"vhost":"other"})");
  EXPECT_EQ(ask("/api/queues/%2F/q").status, 404u);
  EXPECT_EQ(ask("/api/queues/nowhere").status, 404u);
}

TEST_F(Router, TellsTheTypesOfQueues) {
  inspect::Queue stream{.vhost = "/", .name = "s", .durable = true, .group = GroupId(1)};
  inspect::Queue replicated = stream, local = stream;
  stream.arguments = {{"x-queue-type", "longstr", "stream"}};
  replicated.name = "r";
  local.name = "t";
  local.group = local_group_of(NodeId(1));
  inspector.queue_rows = {stream, replicated, local};
  EXPECT_EQ(text("/api/queues?columns=name,type"),
            R"([{"name":"s","type":"stream"},{"name":"r","type":"quorum"},)"
            R"({"name":"t","type":"classic"}])");
}

TEST_F(Router, ShowsAPlainManagementUserItsOwnOnly) {
  inspector.logins["dev"] = {"dev", {"management"}};
  inspector.permission_rows = {{"dev", "mine", ".*", ".*", ".*"}};
  inspector.queue_rows = {{.vhost = "/", .name = "a"}, {.vhost = "mine", .name = "b"}};
  inspector.connection_rows = {{.name = "x", .user = "guest"}, {.name = "y", .user = "dev"}};
  EXPECT_EQ(text("/api/queues?columns=name", "dev"), R"([{"name":"b"}])");
  EXPECT_EQ(text("/api/connections?columns=name", "dev"), R"([{"name":"y"}])");
  EXPECT_EQ(ask("/api/users", "dev").status, 401u);
  EXPECT_EQ(ask("/api/permissions", "dev").status, 401u);
  EXPECT_EQ(ask("/api/nodes", "dev").status, 401u);
  EXPECT_EQ(ask("/api/warren/groups", "dev").status, 401u);
  EXPECT_EQ(ask("/api/warren/digests", "dev").status, 401u);
  EXPECT_EQ(ask("/api/warren/status", "dev").status, 401u);
  EXPECT_EQ(text("/api/whoami", "dev"), R"({"name":"dev","tags":["management"]})");
}

TEST_F(Router, NamesTheDefaultExchangeInPaths) {
  inspector.exchange_rows = {{.vhost = "/", .name = "", .type = "direct"},
                             {.vhost = "/", .name = "logs", .type = "fanout"}};
  EXPECT_EQ(text("/api/exchanges/%2F/amq.default?columns=name,type"),
            R"({"name":"","type":"direct"})");
  inspector.binding_rows = {
      {.vhost = "/", .source = "logs", .destination = "q", .routing_key = "a~b"},
      {.vhost = "/", .source = "", .destination = "q", .routing_key = "q"},
      {.vhost = "/", .source = "logs", .destination = "p"}};
  EXPECT_EQ(text("/api/exchanges/%2F/logs/bindings/source?columns=properties_key"),
            R"([{"properties_key":"a%7Eb"},{"properties_key":"~"}])");
  EXPECT_EQ(text("/api/queues/%2F/q/bindings?columns=source"),
            R"([{"source":"logs"},{"source":""}])");
  EXPECT_EQ(ask("/api/exchanges/%2F/logs/bindings/sideways").status, 404u);
}

TEST_F(Router, AnswersEveryOtherListing) {
  inspector.channel_rows = {{.connection = "c", .number = 1, .user = "guest"}};
  inspector.consumer_rows = {
      {.vhost = "/", .queue = "q", .tag = "t", .active = false, .activity_status = "waiting"}};
  inspector.user_rows = {{.name = "guest", .tags = {"administrator"}}};
  inspector.node_rows = {{.name = "warren1@h", .running = true, .os_pid = 7}};
  inspector.permission_rows = {{"guest", "/", ".*", ".*", ".*"}};
  inspector.group_rows = {{.id = GroupId(1), .leader = "warren1@h"}};
  EXPECT_EQ(text("/api/channels/c%20(1)?columns=number"), R"({"number":1})");
  EXPECT_EQ(text("/api/connections/c/channels?columns=number"), R"([{"number":1}])");
  EXPECT_EQ(text("/api/consumers/%2F?columns=queue.name,active,activity_status"),
            R"([{"queue":{"name":"q"},"active":false,"activity_status":"waiting"}])");
  EXPECT_EQ(text("/api/vhosts/%2F?columns=name"), R"({"name":"/"})");
  EXPECT_EQ(text("/api/users/guest?columns=tags"), R"({"tags":["administrator"]})");
  EXPECT_EQ(text("/api/permissions/%2F/guest?columns=read"), R"({"read":".*"})");
  EXPECT_EQ(text("/api/users/guest/permissions?columns=vhost"), R"([{"vhost":"/"}])");
  EXPECT_EQ(text("/api/nodes/warren1@h?columns=os_pid"), R"({"os_pid":"7"})");
  EXPECT_EQ(text("/api/warren/groups?columns=leader"), R"([{"leader":"warren1@h"}])");
  inspector.digest_rows = {{GroupId(1), "warren1@h", 7, 9}};
  EXPECT_EQ(text("/api/warren/digests?columns=node,applied,digest"),
            R"([{"node":"warren1@h","applied":7,"digest":9}])");
  EXPECT_EQ(ask("/api/overview").status, 200u);
  EXPECT_EQ(ask("/api/warren/status").status, 200u);
}

TEST_F(Router, TellsWhetherTheNodeServes) {
  inspector.state.not_serving_reason = "the catalog has no leader";
  EXPECT_EQ(ask("/api/health/checks/ready-to-serve-clients").status, 503u);
  EXPECT_EQ(text("/api/warren/ready", ""),
            R"({"status":"failed","reason":"the catalog has no leader"})");
  inspector.state.serving = true;
  EXPECT_EQ(text("/api/warren/ready", ""), R"({"status":"ok"})");
}

}  // namespace
}  // namespace warren::management
