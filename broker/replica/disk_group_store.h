// DiskGroupStore: GroupStore over the node's RocksDB. One a reactor, on it. Architecture §6.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/replica/group_store.h"
#include "storage/group_log.h"
#include "storage/snapshot_store.h"

namespace warren::replica {

class DiskGroupStore final : public GroupStore {
 public:
  // `written`: GroupSet::on_written and then a turn. `cache_bytes`: recent records in memory. The
  // database, committer and pool outlive it.
  DiskGroupStore(storage::Database& database, storage::Committer& committer,
                 storage::ReadPool& pool, storage::Post post,
                 std::function<void(std::uint64_t)> written, std::size_t cache_bytes);
  ~DiskGroupStore() override;

  // For SnapshotInstall, and for load() when the node starts.
  storage::GroupLog& group_log() { return log_; }

  raft::LogStore& log() override { return log_; }
  void create(raft::GroupId group, raft::MemberId self, bool abstain) override {
    log_.create(group, self, abstain);
  }
  void remove(raft::GroupId group) override;
  void clear_abstain(raft::GroupId group) override { log_.clear_abstain(group); }
  void keep_time(raft::GroupId group, const KeptTime& time) override;
  std::optional<KeptTime> kept_time(raft::GroupId group) const override;
  void compact(raft::GroupId group, raft::Index first) override { log_.compact(group, first); }
  raft::Index first(raft::GroupId group) const override { return log_.first(group); }
  void delete_entries(raft::GroupId group, const std::vector<EntryRange>& ranges) override;
  void read_entries(raft::GroupId group, std::vector<raft::Index> indexes,
                    std::function<void(std::vector<ReadBack>)> done) override;
  void write_snapshot(raft::GroupId group, const raft::SnapshotMeta& meta,
                      std::vector<StatePart> parts, std::function<void()> done) override;
  Result<void> load_snapshot(
      raft::GroupId group,
      const std::function<Result<void>(const std::string&, const std::string&)>& visit) override;

 private:
  storage::Database& database_;
  storage::Committer& committer_;
  const storage::Post post_;
  storage::GroupLog log_;
  // Kept until durable: dropping a writer abandons its snapshot.
  std::map<raft::GroupId, std::unique_ptr<storage::SnapshotWriter>> writers_;
};

}  // namespace warren::replica
