// FakeCatalog: the real catalog, founded with one node and two queue groups, that commits at once.
// For FakeDoor. Its reactor.
#pragma once

#include <memory>

#include "broker/catalog/catalog.h"

namespace warren::tests {

class FakeCatalog {
 public:
  FakeCatalog() {
    catalog::Found found;
    found.cluster_id = 1;
    found.cluster_name = "warren@test";
    found.nodes.push_back({"node1", NodeId{1}, DiskId{1}, "127.0.0.1:1"});
    found.queue_groups = 2;
    found.replicas = 1;
    apply(found);
    apply(catalog::RegisterNode{"node1", NodeId{1}, DiskId{1}, "127.0.0.1:1"});
  }

  catalog::Outcome apply(const catalog::Command& command) {
    catalog::Applied applied = catalog_.apply(++index_, command, Stamp{0});
    snapshot_ = catalog_.snapshot();
    return applied.outcome;
  }

 protected:
  std::shared_ptr<const catalog::Snapshot> snapshot_;

 private:
  catalog::Catalog catalog_;
  CatalogIndex index_;
};

}  // namespace warren::tests
