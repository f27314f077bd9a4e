// The verbs against a real HTTP server over tables in memory.
#include "broker/ctl/verbs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "broker/ctl/options.h"
#include "broker/management/server.h"
#include "tests/unit/broker/management/fake_inspector.h"

namespace warren::ctl {
namespace {

class Verbs : public testing::Test {
 protected:
  Verbs() { server_ = *management::Server::listen(reactor_, inspector, {.port = 0}); }

  Options options(std::string verb, std::vector<std::string> arguments = {}) {
    Options out;
    out.verb = std::move(verb);
    out.arguments = std::move(arguments);
    out.target.port = server_->port();
    return out;
  }
  template <typename Verb>
  std::string run(Verb verb, const Options& options, int code = exit_ok) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    EXPECT_EQ(verb(options), code);
    std::fflush(stdout);
    error = testing::internal::GetCapturedStderr();
    return testing::internal::GetCapturedStdout();
  }

  management::FakeInspector inspector;
  std::string error;

 private:
  runtime::Reactor reactor_{"http"};
  std::unique_ptr<management::Server> server_;
};

TEST_F(Verbs, ListExchangesLooksAsRabbitmqctls) {
  inspector.exchange_rows = {{.vhost = "/", .name = "", .type = "direct"},
                             {.vhost = "/", .name = "logs", .type = "fanout"}};
  EXPECT_EQ(run(run_listing, options("list_exchanges")),
            "Listing exchanges for vhost / ...\nname\ttype\n\tdirect\nlogs\tfanout\n");
}

TEST_F(Verbs, ListQueuesTakesColumns) {
  inspect::Queue queue{.vhost = "/", .name = "hello"};
  queue.counted = true;
  queue.messages_ready = 3;
  queue.messages_unacknowledged = 2;
  inspector.queue_rows = {queue};
  EXPECT_EQ(run(run_listing, options("list_queues")),
            "Timeout: 60.0 seconds ...\nListing queues for vhost / ...\n"
            "name\tmessages\nhello\t5\n");
  Options quiet =
      options("list_queues", {"name", "messages_ready,messages_unacknowledged", "exclusive"});
  quiet.quiet = true;
  EXPECT_EQ(run(run_listing, quiet),
            "name\tmessages_ready\tmessages_unacknowledged\texclusive\nhello\t3\t2\tfalse\n");
}

TEST_F(Verbs, ListGroupsTellsTheTerm) {
  inspector.group_rows = {{.id = GroupId(1), .leader = "a@h", .term = 7}};
  Options plain = options("list_groups");
  plain.quiet = true;
  EXPECT_TRUE(
      run(run_listing, plain)
          .starts_with("group\tkind\tleader\tmembers\tterm\tfirst_entry\tlast_entry\tlag\n"));
  Options term = options("list_groups", {"group", "term"});
  term.quiet = true;
  EXPECT_EQ(run(run_listing, term), "group\tterm\n1\t7\n");
}

TEST_F(Verbs, AnUnknownColumnIsAUsageError) {
  run(run_listing, options("list_queues", {"name", "foo", "bar"}), exit_usage);
  EXPECT_TRUE(error.contains("Error (argument validation): Info key(s) foo,bar are not supported"))
      << error;
}

TEST_F(Verbs, EveryListingWorksWithAllItsColumns) {
  inspector.binding_rows = {{.vhost = "/", .source = "x", .destination = "q"}};
  inspector.group_rows = {
      {.id = GroupId(1),
       .leader = "a@h",
       .members = {{.name = "a@h", .online = true}, {.name = "b@h", .voter = false}}}};
  inspector.permission_rows = {{"guest", "/", ".*", ".*", ".*"}};
  for (const Verb& verb : listing_verbs()) {
    std::vector<std::string> all;
    for (const Column& column : verb.columns)
      all.emplace_back(column.name);
    run(run_listing, options(std::string(verb.name), all));
    EXPECT_EQ(error, "") << verb.name;
    for (const auto name : verb.defaults) {
      EXPECT_NE(std::ranges::find(verb.columns, name, &Column::name), verb.columns.end()) << name;
    }
  }
  EXPECT_TRUE(run(run_listing, options("list_groups")).contains("\t[a@h, -b@h?]\t"));
  EXPECT_TRUE(run(run_listing, options("list_bindings")).contains("x\texchange\tq\tqueue\t\t[]"));
  EXPECT_TRUE(run(run_listing, options("list_permissions"))
                  .starts_with("Listing permissions for vhost \"/\" ...\n"));
}

TEST_F(Verbs, FailuresHaveTheirExitCodes) {
  Options nowhere = options("list_queues");
  nowhere.vhost = "nowhere";
  run(run_listing, nowhere, exit_data);
  EXPECT_TRUE(error.contains("Virtual host 'nowhere' does not exist")) << error;
  Options refused = options("list_queues");
  refused.target.user = "eve";
  run(run_listing, refused, exit_usage);
  Options silent = options("list_queues");
  silent.target.port = 1;
  run(run_listing, silent, exit_unavailable);
  EXPECT_TRUE(error.contains("127.0.0.1:1: Connection refused")) << error;
}

TEST_F(Verbs, StatusNamesWhatAnOperatorAsksFor) {
  inspector.state.node = "warren1@h";
  inspector.state.listeners = {{"warren1@h", "amqp", "0.0.0.0", 5672}};
  inspector.state.not_serving_reason = "no quorum";
  const std::string text = run(run_status, options("status"));
  EXPECT_TRUE(text.contains("Node name: warren1@h\n")) << text;
  EXPECT_TRUE(text.contains("Serving clients: no: no quorum\n")) << text;
  EXPECT_TRUE(text.contains("Interface: 0.0.0.0, port: 5672, protocol: amqp\n")) << text;
}

TEST_F(Verbs, ClusterStatusTellsRunningNodes) {
  inspector.node_rows = {{.name = "a@h", .running = true, .version = "1"}, {.name = "b@h"}};
  const std::string text = run(run_cluster_status, options("cluster_status"));
  EXPECT_TRUE(text.contains("Disk Nodes\n\na@h\nb@h\n\nRunning Nodes\n\na@h\n\n")) << text;
  Options json = options("cluster_status");
  json.formatter = Formatter::json;
  EXPECT_TRUE(run(run_cluster_status, json).starts_with("{\"cluster_name\":"));
}

TEST_F(Verbs, AwaitStartupWaitsForServing) {
  inspector.state.not_serving_reason = "no leader";
  Options awaiting = options("await_startup");
  awaiting.timeout = std::chrono::milliseconds(1);
  run(run_await_startup, awaiting, exit_unavailable);
  EXPECT_TRUE(error.contains("does not serve clients: no leader")) << error;
  inspector.state.serving = true;
  run(run_await_startup, awaiting);
  EXPECT_TRUE(run(run_ping, options("ping")).ends_with("Ping succeeded\n"));
}

TEST(Target, ComesFromNodeOrConfigOrPort) {
  Options options;
  options.node = "warren1@127.0.0.2";
  EXPECT_EQ(find_target(options, "", 0)->text(), "127.0.0.2:15672");
  options.node = "10.0.0.1:9";
  EXPECT_EQ(find_target(options, "", 0)->text(), "10.0.0.1:9");
  EXPECT_EQ(find_target(options, "", 7)->text(), "10.0.0.1:7");
  options.node = "host:port";
  EXPECT_FALSE(find_target(options, "", 0));
  const std::string path = testing::TempDir() + "warrenctl_target.conf";
  std::ofstream(path) << "management.tcp.port = 15999\nmanagement.tcp.ip = 0.0.0.0\n";
  EXPECT_EQ(find_target({}, path, 0)->text(), "127.0.0.1:15999");
  ::setenv("WARREN_MANAGEMENT_TCP_PORT", "15998", 1);
  EXPECT_EQ(find_target({}, path, 0)->text(), "127.0.0.1:15998") << "as for the broker itself";
  ::unsetenv("WARREN_MANAGEMENT_TCP_PORT");
  EXPECT_FALSE(find_target({}, "/no/such.conf", 0));
}

}  // namespace
}  // namespace warren::ctl
