// What listings show of clients: plain values, copied on each reactor and handed over. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/amqp/types.h"
#include "broker/base/ids.h"

namespace warren::frontend {

struct ConsumerListing {
  std::string queue;  // empty: gone
  std::string tag;
  std::string channel_name;
  ConsumerNumber number;
  bool ack_required = true;
  bool exclusive = false;
  std::uint32_t prefetch = 0;
  std::int32_t priority = 0;
  amqp::FieldTable arguments;
};

struct ChannelListing {
  std::string name;  // "peer:port -> host:port (number)"
  ChannelNumber number;
  std::string user, vhost;
  std::string state;  // running, closing
  bool confirm = false, transactional = false;
  std::uint64_t unacknowledged = 0;
  std::uint64_t unconfirmed = 0;
  std::uint64_t held_publishes = 0;
  std::uint32_t prefetch = 0;         // of the next consumers
  std::uint32_t global_prefetch = 0;  // of the channel
  std::vector<ConsumerListing> consumers;
};

struct ConnectionListing {
  std::uint64_t key = 0;
  std::string name;  // "peer:port -> host:port"
  std::string peer_host, host;
  std::uint16_t peer_port = 0, port = 0;
  std::string user, vhost, auth_mechanism;
  std::string state;  // starting, tuning, opening, running, blocked, closing, closed
  std::uint16_t channel_max = 0;
  std::uint32_t frame_max = 0;
  std::uint16_t heartbeat_seconds = 0;
  std::uint64_t received_octets = 0, sent_octets = 0, send_pending = 0;
  std::uint64_t connected_at_ms = 0;  // since the Unix epoch
  amqp::FieldTable client_properties;
  std::vector<ChannelListing> channels;
};

}  // namespace warren::frontend
