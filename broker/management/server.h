// Server: the HTTP API's listener and its connections, on one reactor. Bounded: connections,
// header, body and time per request. Its owner destroys it before the inspector and after stop().
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "broker/inspect/inspector.h"
#include "broker/runtime/reactor.h"

namespace warren::management {

struct ServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 15672;         // 0: any free one
  std::size_t max_connections = 256;  // more are closed at once: operators are few
  std::size_t max_body = 65536;       // octets; the API so far takes none
  Milliseconds idle_timeout{30000};   // for a request to arrive and an answer to leave
};

class Server {
 public:
  // Any thread. An error says which address could not be had and why.
  static std::expected<std::unique_ptr<Server>, std::string> listen(runtime::Reactor& reactor,
                                                                    inspect::Inspector& inspector,
                                                                    ServerOptions options);
  ~Server();

  std::uint16_t port() const;
  // Any thread but the reactor's: closes the listener and all connections, and waits for that.
  void stop();

 private:
  struct State;
  explicit Server(std::shared_ptr<State> state) : state_(std::move(state)) {}

  std::shared_ptr<State> state_;
};

}  // namespace warren::management
