// Routing one publish through the exchanges of a vhost: exchange-to-exchange bindings, cycles
// included, and alternate exchanges. Pure; allocates nothing but in the output.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "broker/routing/binding_table.h"

namespace warren::routing {

struct ExchangeView {
  const BindingTable* table = nullptr;
  bool has_alternate = false;
  std::string_view alternate;  // may be the default exchange, whose name is empty
  bool internal = false;
  QueueId history;  // of x-recent-history: the queue that keeps what it routed; else none
};

// One vhost's exchanges and queues.
class Directory {
 public:
  virtual ~Directory() = default;
  virtual std::optional<ExchangeView> exchange(std::string_view name) const = 0;
  virtual QueueId queue(std::string_view name) const = 0;  // 0: none
};

enum class RouteResult : std::uint8_t {
  routed,       // to any number of queues, none included
  no_exchange,  // 404
  internal,     // 403: the exchange takes no publishes from clients
};

// Appends the queues that the publish reaches. Afterwards `out` as a whole is in ascending order,
// each queue once. The default exchange is the empty name.
RouteResult route(const Directory& directory, std::string_view exchange, const Message& message,
                  std::vector<QueueId>& out);

}  // namespace warren::routing
