// ListenerGroup: accepts AMQP clients and spreads their connections over the reactors; the whole
// front end of a node. Its listeners live on the first reactor. Owned by node.
#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/frontend/hub.h"
#include "broker/frontend/listing.h"

namespace warren::frontend {

class ListenerGroup : public std::enable_shared_from_this<ListenerGroup> {
 public:
  // One reactor and its way into the cluster. Both outlive the group and its connections.
  struct Part {
    runtime::Reactor& reactor;
    cluster::Door& door;
  };

  // Listens at once. Error: an address that cannot be listened on.
  static Result<std::shared_ptr<ListenerGroup>> open(const std::vector<Part>& parts,
                                                     Settings settings,
                                                     Authenticator& authenticator);

  // All of these: any thread. Callbacks come on the first reactor.
  // The ports that are listened on, as the settings order them.
  std::vector<std::uint16_t> ports() const;
  std::uint32_t open_count() const { return counts_.open.load(); }
  void collect(std::function<void(std::vector<ConnectionListing>)> done);
  // 320 to the connection of that name; nothing when it is gone.
  void close_connection(std::string name, std::string reason);
  // Blocks connections that publish ("low on memory"); empty: no alarm.
  void set_alarm(std::string reason);
  // Accepts no more and closes all connections, within the disconnect grace. `done` when all are
  // gone; only then may the reactors and doors go.
  void stop(std::function<void()> done);

 private:
  using Acceptor = boost::asio::ip::tcp::acceptor;

  ListenerGroup(const std::vector<Part>& parts, Settings settings, Authenticator& authenticator);
  Result<void> listen(const Endpoint& endpoint);
  void accept(std::size_t acceptor);
  void on_accepted(const std::shared_ptr<Hub>& hub, boost::asio::ip::tcp::socket socket);
  void start_ticking();
  template <typename Act, typename Done>
  void on_every_hub(Act act, Done done);

  const Settings settings_;
  std::vector<std::shared_ptr<Hub>> hubs_;
  std::vector<Acceptor> acceptors_;
  std::vector<std::uint16_t> ports_;
  std::size_t next_hub_ = 0;
  ConnectionCounts counts_;
  std::atomic<std::uint64_t> last_key_{0};
};

}  // namespace warren::frontend
