// Node: one broker process. Starts its parts in order, stops them in reverse, and owns nothing
// else. start(), run() and stop() on the main thread.
#pragma once

#include <atomic>
#include <memory>

#include "broker/base/result.h"
#include "broker/cluster/cluster.h"
#include "broker/config/settings.h"
#include "broker/frontend/listener.h"
#include "broker/management/server.h"
#include "broker/node_inspector.h"
#include "broker/resource_watch.h"
#include "broker/runtime/reactor.h"
#include "storage/committer.h"
#include "storage/database.h"
#include "storage/identity.h"
#include "storage/read_pool.h"

namespace warren {

class Node {
 public:
  explicit Node(config::Settings settings);
  ~Node();

  // Returns once clients are served, or with what is wrong. `stopping` may end it early.
  Result<void> start(const std::atomic<bool>& stopping);
  // Hands leaderships over, then says goodbye to clients, then closes the store.
  void stop();

 private:
  class CatalogAuthenticator;

  Result<void> open_storage();
  Result<void> open_management();
  Result<void> open_front_end();

  const config::Settings settings_;
  std::unique_ptr<storage::Database> database_;
  std::unique_ptr<storage::Committer> committer_;
  std::unique_ptr<storage::ReadPool> read_pool_;
  std::unique_ptr<storage::Identity> identity_;
  std::unique_ptr<runtime::ReactorPool> reactors_;
  std::unique_ptr<cluster::Cluster> cluster_;
  std::unique_ptr<NodeInspector> inspector_;
  std::unique_ptr<management::Server> management_;
  std::unique_ptr<CatalogAuthenticator> authenticator_;
  std::shared_ptr<frontend::ListenerGroup> front_end_;
  std::shared_ptr<ResourceWatch> resource_watch_;
};

}  // namespace warren
