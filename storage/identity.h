// Identity: who this store is. Any thread, one at a time; the writes
// are synced before they return and rare. Architecture §5, §7.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "storage/committer.h"
#include "storage/database.h"

namespace warren::storage {

struct NodeIdentity {
  std::uint64_t cluster_id = 0;
  std::uint32_t node = 0;
  std::string name;
  std::string founding;        // opaque: the cluster's founders, for nodes that missed the call
  std::uint64_t assigned = 0;  // of this store's replica of group 0
  bool operator==(const NodeIdentity&) const = default;
};

class Identity {
 public:
  static std::expected<Identity, OpenError> load(Database& database, Committer& committer);

  std::uint64_t disk_id() const { return disk_id_; }
  // Once true, for ever: the store takes no part in founding a cluster.
  bool used() const { return used_; }
  const std::optional<NodeIdentity>& node() const { return node_; }

  void mark_used();
  void set_node(const NodeIdentity& node);  // marks used as well

 private:
  Identity(Database& database, Committer& committer);
  void put(std::string key, std::string value);

  Database* database_;
  Committer* committer_;
  std::uint64_t disk_id_ = 0;
  bool used_ = false;
  std::optional<NodeIdentity> node_;
};

}  // namespace warren::storage
