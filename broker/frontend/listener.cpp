#include "broker/frontend/listener.h"

#include <fmt/format.h>

#include <boost/asio/ip/v6_only.hpp>
#include <utility>

#include "broker/frontend/connection.h"
#include "broker/runtime/log.h"

namespace warren::frontend {

namespace asio = boost::asio;

Result<std::shared_ptr<ListenerGroup>> ListenerGroup::open(const std::vector<Part>& parts,
                                                           Settings settings,
                                                           Authenticator& authenticator) {
  CHECK(!parts.empty());
  std::shared_ptr<ListenerGroup> group(
      new ListenerGroup(parts, std::move(settings), authenticator));
  for (const Endpoint& endpoint : group->settings_.listeners)
    if (Result<void> listening = group->listen(endpoint); !listening)
      return std::unexpected(listening.error());
  group->start_ticking();
  group->hubs_[0]->reactor.post([group] {
    for (std::size_t i = 0; i < group->acceptors_.size(); ++i)
      group->accept(i);
  });
  return group;
}

ListenerGroup::ListenerGroup(const std::vector<Part>& parts, Settings settings,
                             Authenticator& authenticator)
    : settings_(std::move(settings)) {
  for (const Part& part : parts)
    hubs_.push_back(
        std::make_shared<Hub>(part.reactor, part.door, settings_, authenticator, counts_));
}

Result<void> ListenerGroup::listen(const Endpoint& endpoint) {
  boost::system::error_code error;
  const asio::ip::address address = asio::ip::make_address(endpoint.address, error);
  Acceptor acceptor(hubs_[0]->reactor.io());
  const asio::ip::tcp::endpoint at(address, endpoint.port);
  if (!error) acceptor.open(at.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error && address.is_v6()) acceptor.set_option(asio::ip::v6_only(false), error);
  if (!error) acceptor.bind(at, error);
  if (!error) acceptor.listen(settings_.listen_backlog, error);
  if (error)
    return fail(ReplyCode::resource_error,
                fmt::format("cannot listen on {}:{}: {}", endpoint.address, endpoint.port,
                            error.message()));
  ports_.push_back(acceptor.local_endpoint(error).port());
  runtime::log_info("started AMQP listener on {}:{}", endpoint.address, ports_.back());
  acceptors_.push_back(std::move(acceptor));
  return {};
}

void ListenerGroup::accept(std::size_t acceptor) {
  const std::shared_ptr<Hub> hub = hubs_[next_hub_++ % hubs_.size()];
  acceptors_[acceptor].async_accept(
      hub->reactor.io(), [self = shared_from_this(), acceptor, hub](boost::system::error_code error,
                                                                    asio::ip::tcp::socket socket) {
        if (!self->acceptors_[acceptor].is_open()) return;
        if (!error) {
          self->on_accepted(hub, std::move(socket));
          return self->accept(acceptor);
        }
        // Out of descriptors, most likely: the next tick may find some.
        runtime::log_error("cannot accept an AMQP connection: {}", error.message());
        auto pause = std::make_shared<runtime::Timer>(self->hubs_[0]->reactor);
        pause->start(self->settings_.tick, [self, acceptor, pause] {
          if (self->acceptors_[acceptor].is_open()) self->accept(acceptor);
        });
      });
}

void ListenerGroup::on_accepted(const std::shared_ptr<Hub>& hub, asio::ip::tcp::socket socket) {
  const bool refused = counts_.open.load() >= settings_.connection_max;
  if (refused && counts_.refusing.load() >= settings_.refusal_max) {
    runtime::log_warning("connection closed without an answer: {} are open, {} are being refused",
                         counts_.open.load(), counts_.refusing.load());
    return;
  }
  (refused ? counts_.refusing : counts_.open).fetch_add(1);
  const std::uint64_t key = last_key_.fetch_add(1) + 1;
  hub->reactor.post(
      [self = shared_from_this(), hub, key, refused, socket = std::move(socket)]() mutable {
        Connection::start(hub, std::move(socket), key, refused);
      });
}

void ListenerGroup::start_ticking() {
  for (const std::shared_ptr<Hub>& hub : hubs_) {
    hub->reactor.post([self = shared_from_this(), hub] {
      hub->ticker.start_every(self->settings_.tick, [raw = hub.get()] {
        const BootTime now = raw->reactor.now();
        const auto connections = raw->connections;
        for (const auto& [key, connection] : connections)
          connection->on_tick(now);
      });
    });
  }
}

std::vector<std::uint16_t> ListenerGroup::ports() const {
  return ports_;
}

// Runs `act` on each hub's reactor, then `done` on the first one's.
template <typename Act, typename Done>
void ListenerGroup::on_every_hub(Act act, Done done) {
  auto left = std::make_shared<std::atomic<std::size_t>>(hubs_.size());
  auto last = std::make_shared<Done>(std::move(done));
  for (const std::shared_ptr<Hub>& hub : hubs_) {
    hub->reactor.post([self = shared_from_this(), hub, act, left, last] {
      act(*hub);
      if (left->fetch_sub(1) == 1) self->hubs_[0]->reactor.post([last] { (*last)(); });
    });
  }
}

void ListenerGroup::collect(std::function<void(std::vector<ConnectionListing>)> done) {
  auto listings = std::make_shared<std::vector<ConnectionListing>>();
  runtime::Reactor& first = hubs_[0]->reactor;
  on_every_hub(
      [listings, &first](Hub& hub) {
        std::vector<ConnectionListing> some;
        for (const auto& [key, connection] : hub.connections)
          some.push_back(connection->listing());
        first.post([listings, some = std::move(some)]() mutable {
          std::move(some.begin(), some.end(), std::back_inserter(*listings));
        });
      },
      [listings, done = std::move(done)] { done(std::move(*listings)); });
}

void ListenerGroup::close_connection(std::string name, std::string reason) {
  on_every_hub(
      [name = std::move(name), reason = std::move(reason)](Hub& hub) {
        const auto connections = hub.connections;
        for (const auto& [key, connection] : connections)
          if (connection->name() == name) connection->force_close(reason);
      },
      [] {});
}

void ListenerGroup::set_alarm(std::string reason) {
  on_every_hub(
      [reason = std::move(reason)](Hub& hub) {
        hub.alarm = reason;
        for (const auto& [key, connection] : hub.connections)
          connection->on_alarm_changed();
      },
      [] {});
}

void ListenerGroup::stop(std::function<void()> done) {
  hubs_[0]->reactor.post([self = shared_from_this()] {
    boost::system::error_code ignored;
    for (Acceptor& acceptor : self->acceptors_)
      acceptor.close(ignored);
  });
  auto left = std::make_shared<std::atomic<std::size_t>>(hubs_.size());
  auto last = std::make_shared<std::function<void()>>(std::move(done));
  for (const std::shared_ptr<Hub>& hub : hubs_) {
    hub->reactor.post([self = shared_from_this(), hub, left, last] {
      for (const auto connections = hub->connections; const auto& [key, connection] : connections)
        connection->force_close("broker forced connection closure with reason 'shutdown'");
      const BootTime end = hub->reactor.now() + self->settings_.disconnect_grace;
      hub->ticker.start_every(Milliseconds{10}, [self, hub, left, last, end] {
        for (const auto connections = hub->connections; const auto& [key, connection] : connections)
          if (hub->reactor.now() >= end) connection->close_socket();
        if (!hub->connections.empty()) return;
        if (left->fetch_sub(1) == 1) self->hubs_[0]->reactor.post([last] { (*last)(); });
        const std::shared_ptr<Hub> keep = hub;  // the cancelled task takes its captures with it
        keep->ticker.cancel();
      });
    });
  }
}

}  // namespace warren::frontend
