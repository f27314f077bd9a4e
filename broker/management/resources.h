// The resources of the HTTP API, one source each. Every handler gets the inspector, which outlives
// it, and the request by value.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <set>
#include <string>
#include <vector>

#include "broker/inspect/inspector.h"
#include "broker/management/request.h"

namespace warren::management {

using Handler = boost::asio::awaitable<Response>(inspect::Inspector&, Request);

Handler get_overview;
Handler get_nodes;
Handler get_queues;
Handler get_exchanges;
Handler get_bindings;
Handler get_connections;
Handler get_channels;
Handler get_consumers;
Handler get_vhosts;
Handler get_users;
Handler get_permissions;
Handler get_whoami;
Handler get_ready_to_serve_clients;
Handler get_groups;  // Warren's own
Handler get_digests;
Handler get_status;  // Warren's own: what `warrenctl status` prints
Handler get_ready;   // Warren's own, without a login: for probes

// One node's JSON, which overview and status share with /api/nodes.
boost::json::object node_json(const inspect::Node& node);
boost::json::array listeners_json(const std::vector<inspect::Listener>& listeners);

// The vhosts that the user may see: those with a permission, or all for administrators and
// monitors.
class Visible {
 public:
  static boost::asio::awaitable<Visible> of(inspect::Inspector& inspector, Request request);
  bool vhost(const std::string& name) const { return all_ || vhosts_.contains(name); }
  // Connections and channels: one's own, or all.
  bool user(const std::string& name) const { return all_ || name == user_; }

 private:
  bool all_ = false;
  std::string user_;
  std::set<std::string> vhosts_;
};

}  // namespace warren::management
