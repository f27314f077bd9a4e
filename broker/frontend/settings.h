// Settings of the front end: every bound of a client's connection, with its unit and the reason for
// its default. Filled from the configuration by node. Immutable once serving: any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "broker/base/clock.h"

namespace warren::frontend {

struct Endpoint {
  std::string address = "::";
  std::uint16_t port = 5672;  // 0: whatever is free
};

struct Settings {
  std::vector<Endpoint> listeners{Endpoint{}};
  int listen_backlog = 1024;
  std::uint32_t connection_max = 65536;  // a node; more are refused
  // So many at a time are told why, within the handshake's timeout; others are closed at once.
  std::uint32_t refusal_max = 64;

  // Offered in connection.tune; the client may only lower them.
  std::uint32_t frame_max = 131072;
  std::uint32_t frame_max_minimum = 4096;
  std::uint16_t channel_max = 2047;
  std::uint16_t heartbeat_seconds = 60;
  std::uint32_t initial_frame_max = 8192;  // before tune-ok; room for a token as password

  Milliseconds handshake_timeout{10'000};
  Milliseconds close_timeout{30'000};        // for the peer's close-ok; less with a short heartbeat
  Milliseconds disconnect_grace{3'000};      // for the peer to read our last octets
  Milliseconds publish_timeout{15'000};      // of a held publish that wants a confirm
  Milliseconds synchronous_timeout{20'000};  // last resort above the cluster's own 15 s
  Milliseconds tick{250};                    // how often the clocks above are looked at

  std::uint64_t max_message_size = 128ull << 20;
  // A longer body goes ahead of its message in parts of this size: what one log entry may weigh.
  std::uint64_t body_part_octets = 1u << 20;
  // Parts that are not committed, a connection: beyond it, reading stops. Enough for the disk to
  // have something to do, and little for others to wait behind.
  std::size_t upload_octets = 4u << 20;
  // Unsent output above which no further parts of large bodies are fetched, a connection.
  std::size_t body_ahead_octets = 2u << 20;
  // Publishes held while nothing may be routed, a connection: beyond it, reading stops.
  std::size_t publish_hold_octets = 8u << 20;
  // Publishes of a transaction until its commit, a channel: each group's are one log entry, which
  // is not to keep others waiting.
  std::size_t tx_octets = 4u << 20;
  // Frames kept behind a synchronous method, a connection: a pipelining client sends less.
  std::size_t backlog_octets = 4u << 20;
  // Unsent output, a connection: beyond it no more deliveries are written.
  std::size_t output_octets = 8u << 20;
  // More of it, for what the client asks for: gets, returns, confirms. Beyond it reading stops.
  std::size_t answer_octets = 2u << 20;
  std::size_t read_buffer_octets = 256u << 10;  // at most; a connection starts with a 64th
  // Of all connections of a reactor: beyond it none grows for speed, only for a frame's sake.
  std::size_t input_octets = 16u << 20;

  std::uint16_t default_prefetch = 0;  // of consumers on channels without basic.qos; 0: unlimited
  std::uint32_t consumer_max = 65536;  // a channel
  // How long a consumer may hold a message; 0: for ever. x-consumer-timeout overrides it.
  Milliseconds consumer_timeout{30 * 60'000};

  std::vector<std::string> mechanisms{"PLAIN", "AMQPLAIN"};
  std::vector<std::string> loopback_users{"guest"};  // these only from this host

  std::string product = "Warren";
  std::string version = "0.1.0";
  std::string platform = "C++23";
  std::string copyright = "Copyright the Warren authors";
  std::string information = "Licensed under the Apache License 2.0";
};

}  // namespace warren::frontend
