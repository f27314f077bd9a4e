#include "storage/identity.h"

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <utility>

#include "storage/check.h"
#include "storage/keys.h"

namespace warren::storage {

namespace {

constexpr char used_key[] = "used";
constexpr char node_key[] = "node";

std::unexpected<OpenError> damaged(const Database& database, const std::string& what) {
  return std::unexpected(damage(database.directory(), "identity record: " + what));
}

std::optional<NodeIdentity> decode_node(std::string_view octets) {
  Decoder in(octets);
  NodeIdentity node{in.u64(), in.u32(), std::string(in.string()), std::string(in.string()),
                    in.u64()};
  return in.done() ? std::optional(node) : std::nullopt;
}

}  // namespace

Identity::Identity(Database& database, Committer& committer)
    : database_(&database), committer_(&committer), disk_id_(database.disk_id()) {}

std::expected<Identity, OpenError> Identity::load(Database& database, Committer& committer) {
  Identity identity(database, committer);
  std::optional<std::string> used, node;
  for (auto [key, out] : {std::pair(used_key, &used), {node_key, &node}}) {
    std::string value;
    const auto status = database.db().Get(rocksdb::ReadOptions(), database.identity(), key, &value);
    if (status.ok()) *out = std::move(value);
    if (!status.ok() && !status.IsNotFound()) return damaged(database, status.ToString());
  }
  identity.used_ = used.has_value();
  if (node && !(identity.node_ = decode_node(*node))) return damaged(database, "node, malformed");
  if (identity.node_ && !identity.used_) return damaged(database, "a node, yet never used");
  return identity;
}

void Identity::mark_used() {
  if (used_) return;
  used_ = true;
  put(used_key, "");
}

void Identity::set_node(const NodeIdentity& node) {
  mark_used();
  node_ = node;
  Encoder out;
  out.u64(node.cluster_id).u32(node.node).string(node.name).string(node.founding);
  put(node_key, out.u64(node.assigned).take());
}

void Identity::put(std::string key, std::string value) {
  Commit commit;
  commit.bytes = key.size() + value.size();
  commit.fill = [database = database_, key = std::move(key), value = std::move(value)](
                    rocksdb::WriteBatch& batch) { batch.Put(database->identity(), key, value); };
  committer_->submit(std::move(commit));
  committer_->flush();
}

}  // namespace warren::storage
