// warren-perf: AMQP load and latency, against Warren or any broker that speaks AMQP 0-9-1.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>

#include "broker/perf/run.h"

namespace warren::perf {

namespace {

constexpr int exit_usage = 64;
constexpr int exit_unavailable = 69;
constexpr int exit_software = 70;

void add_flags(CLI::App& app, Options& options, std::vector<std::string>& uris) {
  app.add_option("--uri", uris, "amqp://user:password@host:port/vhost; several: in turn")
      ->delimiter(',');
  app.add_option("--queue", options.queue, "Queue name");
  app.add_option("--queues", options.queues, "Number of queues: NAME-0, NAME-1, …")
      ->check(CLI::Range(1, 100000));
  app.add_option("--queue-type", options.queue_type, "x-queue-type: quorum or classic");
  app.add_option("--producers", options.producers, "Publishing connections");
  app.add_option("--consumers", options.consumers, "Consuming connections");
  app.add_option("--size", options.size, "Octets of body; from 8 on latency is measured");
  app.add_option("--confirm", options.confirm_window, "Unconfirmed messages a producer; 0: none");
  app.add_option("--prefetch", options.prefetch, "Unacknowledged messages a consumer; 0: no limit");
  app.add_option("--ack-every", options.ack_every, "One multiple ack for so many messages")
      ->check(CLI::Range(1, 65535));
  app.add_flag("--auto-ack", options.auto_ack, "Consume without acknowledgements");
  app.add_option("--rate", options.rate, "Messages a second in all (open loop); 0: full speed");
  app.add_option("--time", options.seconds, "Seconds measured");
  app.add_option("--warmup", options.warmup, "Seconds before");
  app.add_option("--messages", options.messages, "Publish so many, end when they are consumed");
  app.add_flag("--durable,!--transient", options.durable, "Durable queue, persistent messages");
  app.add_flag("--keep", options.keep, "Leave the queues when done");
  app.add_option("--pids", options.pids, "Brokers' processes, for CPU per message")->delimiter(',');
  app.add_flag("--json", options.json, "One JSON object");
}

int run_main(int argc, char** argv) {
  Options options;
  std::vector<std::string> uris{"amqp://localhost:5672/"};
  CLI::App app("warren-perf: AMQP 0-9-1 load and latency", "warren-perf");
  add_flags(app, options, uris);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : exit_usage;
  }
  for (const std::string& text : uris) {
    auto uri = parse_uri(text);
    if (!uri) {
      fmt::print(stderr, "warren-perf: {}\n", uri.error());
      return exit_usage;
    }
    options.uris.push_back(*std::move(uri));
  }
  if (options.prefetch > 0 && options.ack_every > options.prefetch) {
    fmt::print(stderr, "warren-perf: --ack-every above --prefetch would stop the consumer\n");
    return exit_usage;
  }
  const auto outcome = run(options);
  if (!outcome) {
    fmt::print(stderr, "warren-perf: {}\n", outcome.error());
    return exit_unavailable;
  }
  fmt::print("{}\n", report(options, *outcome));
  return 0;
}

}  // namespace

}  // namespace warren::perf

int main(int argc, char** argv) {
  try {  // a library's exception, at startup or in the run
    return warren::perf::run_main(argc, argv);
  } catch (const std::exception& e) {
    fmt::print(stderr, "warren-perf: {}\n", e.what());
    return warren::perf::exit_software;
  }
}
