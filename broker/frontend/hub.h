// Hub: what the connections of one reactor share: the reactor, the way into the cluster, the
// settings, and the list of themselves. Owned by the listener group; its reactor.
#pragma once

#include <atomic>
#include <boost/container/flat_map.hpp>
#include <cstdint>
#include <memory>
#include <random>
#include <string>

#include "broker/cluster/door.h"
#include "broker/frontend/authenticator.h"
#include "broker/frontend/delivery.h"
#include "broker/frontend/settings.h"
#include "broker/routing/hash.h"
#include "broker/runtime/reactor.h"
#include "broker/runtime/timer.h"

namespace warren::frontend {

class Connection;

// The node's connections, those that are only told that there are too many apart.
struct ConnectionCounts {
  std::atomic<std::uint32_t> open{0}, refusing{0};
};

struct Hub {
  Hub(runtime::Reactor& on, cluster::Door& into, const Settings& given, Authenticator& who,
      ConnectionCounts& of_all)
      : reactor(on), door(into), settings(given), authenticator(who), counts(of_all), ticker(on) {}

  // Tells leaders what a socket has taken of their deliveries.
  auto reporter() {
    return [this](DeliveryReports::To to, std::uint64_t messages) {
      door.taken(to.group, to.consumer, messages);
    };
  }

  // One a publish, for choices that anybody may foresee.
  std::uint64_t draw() { return routing::hash_mix(++draws, 0); }

  runtime::Reactor& reactor;
  cluster::Door& door;
  const Settings& settings;
  Authenticator& authenticator;
  ConnectionCounts& counts;  // of all hubs
  runtime::Timer ticker;
  std::size_t input_octets = 0;  // of all connections' input buffers
  std::uint64_t draws = std::random_device()();
  std::string alarm;  // why publishers are blocked; empty: they are not
  boost::container::flat_map<std::uint64_t, std::shared_ptr<Connection>> connections;
};

}  // namespace warren::frontend
