// A small catalog: three nodes, of which the first is registered, and queues on demand.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "broker/base/check.h"
#include "broker/catalog/catalog.h"

namespace warren::replica {

class CatalogFixture {
 public:
  CatalogFixture() {
    catalog::Found found;
    found.cluster_id = 7;
    found.cluster_name = "test";
    found.queue_groups = 1;
    found.replicas = 3;
    for (std::uint32_t n = 1; n <= 3; ++n)
      found.nodes.push_back({"node" + std::to_string(n), NodeId(n), DiskId(n), ""});
    run(found);
    incarnation_ = run(catalog::RegisterNode{"node1", NodeId(1), DiskId(1), ""}).incarnation;
  }
  QueueId declare(const std::string& name, bool auto_delete = false,
                  catalog::Arguments arguments = {}) {
    catalog::DeclareQueue declare;
    declare.arguments = std::move(arguments);
    declare.auto_delete = auto_delete;
    declare.vhost = "/";
    declare.name = name;
    declare.durable = true;
    declare.node = NodeId(1);
    declare.incarnation = incarnation_;
    return run(declare).queue;
  }
  catalog::Outcome run(const catalog::Command& command) {
    catalog::Applied applied = catalog_.apply(CatalogIndex(++index_), command, Stamp(1));
    CHECK(!applied.outcome.error, "{}", applied.outcome.error->text);
    return applied.outcome;
  }
  CatalogIndex index() const { return CatalogIndex(index_); }
  Incarnation incarnation() const { return incarnation_; }
  std::shared_ptr<const catalog::Snapshot> snapshot() const { return catalog_.snapshot(); }

 private:
  catalog::Catalog catalog_;
  std::uint64_t index_ = 0;
  Incarnation incarnation_;
};

}  // namespace warren::replica
