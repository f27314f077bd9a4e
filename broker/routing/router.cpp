#include "broker/routing/router.h"

#include <algorithm>
#include <boost/unordered/unordered_flat_set.hpp>

namespace warren::routing {

namespace {

// Exchanges to visit, each once however the bindings run. A publish seldom meets more than a few.
class WorkList {
 public:
  void add(std::string_view exchange) {
    if (known(exchange)) return;
    exchanges_.push_back(exchange);
    if (exchanges_.size() > few) known_.insert(exchange);
  }
  std::optional<std::string_view> next() {
    if (visited_ == exchanges_.size()) return std::nullopt;
    return exchanges_[visited_++];
  }

 private:
  static constexpr std::size_t few = 16;

  bool known(std::string_view exchange) const {
    auto end = exchanges_.begin() + static_cast<std::ptrdiff_t>(std::min(few, exchanges_.size()));
    if (std::find(exchanges_.begin(), end, exchange) != end) return true;
    return exchanges_.size() > few && known_.contains(exchange);
  }

  boost::container::small_vector<std::string_view, few> exchanges_;
  std::size_t visited_ = 0;
  boost::unordered_flat_set<std::string_view> known_;  // all beyond the first few
};

void route_default(const Directory& directory, const Message& message, std::vector<QueueId>& out) {
  if (QueueId queue = directory.queue(message.routing_key)) out.push_back(queue);
  for (const std::string& key : message.copies)
    if (QueueId queue = directory.queue(key)) out.push_back(queue);
}

// The publisher may keep a message out of the histories that it passes.
bool is_kept(const Message& message) {
  if (message.headers == nullptr) return true;
  const auto no_store = message.headers->lookup("x-recent-history-no-store");
  return !no_store || no_store->type != "bool" || no_store->value != "true";
}

}  // namespace

RouteResult route(const Directory& directory, std::string_view exchange, const Message& message,
                  std::vector<QueueId>& out) {
  if (!exchange.empty()) {
    std::optional<ExchangeView> first = directory.exchange(exchange);
    if (!first) return RouteResult::no_exchange;
    if (first->internal && !message.from_broker) return RouteResult::internal;
  }
  WorkList work;
  work.add(exchange);
  Matched matched{out, {}};
  Message at = message;
  while (auto name = work.next()) {
    if (name->empty()) {
      route_default(directory, message, out);
      continue;
    }
    std::optional<ExchangeView> view = directory.exchange(*name);
    if (!view) continue;  // an alternate exchange that is not there
    const std::size_t queues_before = out.size();
    matched.exchanges.clear();
    view->table->match(at, matched);
    at.random = hash_mix(at.random, 0);  // the choices of one message are independent
    for (std::string_view next : matched.exchanges)
      work.add(next);
    const bool nothing = out.size() == queues_before && matched.exchanges.empty();
    if (nothing && view->has_alternate) work.add(view->alternate);
    if (view->history && is_kept(message)) out.push_back(view->history);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return RouteResult::routed;
}

}  // namespace warren::routing
