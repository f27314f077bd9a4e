// What to load the broker with, from the command line. Plain values.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace warren::perf {

struct Uri {
  std::string host = "localhost";
  std::uint16_t port = 5672;
  std::string user = "guest", password = "guest", vhost = "/";
};

// amqp://user:password@host:port/vhost, all but the scheme optional.
std::expected<Uri, std::string> parse_uri(std::string_view text);

struct Options {
  std::vector<Uri> uris;  // connections go to them in turn
  std::string queue = "warren-perf";
  std::uint32_t queues = 1;  // more: NAME-0, NAME-1, …; producers and consumers go in turn
  std::string queue_type;    // x-queue-type; empty: the broker's default
  std::uint32_t producers = 1, consumers = 1;
  std::uint32_t size = 1024;         // octets of body; from 8 on latency is measured
  std::uint32_t confirm_window = 0;  // unconfirmed messages a producer; 0: no confirms
  std::uint16_t prefetch = 0;        // 0: no limit
  bool auto_ack = false;
  std::uint32_t ack_every = 1;
  double rate = 0;      // messages a second of all producers together; 0: as fast as it goes
  double seconds = 10;  // measured time, after warmup
  double warmup = 1;
  std::uint64_t messages = 0;  // published in all, then stop when consumed; 0: by time
  bool durable = true;         // queue durable and messages persistent
  bool keep = false;           // leave the queues when done
  bool json = false;
  std::vector<int> pids;  // of the brokers, for CPU per message

  std::string queue_name(std::uint32_t index) const;
};

}  // namespace warren::perf
