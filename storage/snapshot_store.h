// Snapshots of the groups' state machines: a set of parts (key, octets), of which a new snapshot
// writes only those that changed. Staged in chunks beside the running log, switched in by one
// WriteBatch. Reader: what a restart or a follower needs, pinned. Install: the other end of that.
// All on the group's reactor but SnapshotReader, which any one thread may use. Architecture §6.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "raft/types.h"
#include "storage/committer.h"
#include "storage/database.h"
#include "storage/group_log.h"

namespace warren::storage {

struct SnapshotPart {
  std::string key;
  std::string octets;
  bool operator==(const SnapshotPart&) const = default;
};

// Writes one snapshot. Dropped before commit(): as if never begun. One at a time for a group.
class SnapshotWriter {
 public:
  SnapshotWriter(Database& database, Committer& committer, Post post, raft::GroupId group);
  ~SnapshotWriter();
  void put(std::string_view key, std::string_view octets);
  void erase(std::string_view key);
  // Bytes handed over and not yet durable: pause above some megabytes.
  std::uint64_t in_flight() const;
  // `done` comes on the reactor when the snapshot is the durable one. Nothing may follow.
  void commit(const raft::SnapshotMeta& meta, std::function<void()> done);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A group's durable snapshot and its live entries as of one moment; both stay readable while the
// reader lives, whatever is deleted meanwhile.
class SnapshotReader {
 public:
  // Nothing: the group has no snapshot.
  static std::unique_ptr<SnapshotReader> open(Database& database, raft::GroupId group);
  ~SnapshotReader();
  const raft::SnapshotMeta& meta() const;
  // The next parts in order of key, at least one; empty: all read, or error() is set.
  std::vector<SnapshotPart> next_parts(std::size_t max_bytes);
  // The next stored entries above `after` and up to the snapshot's index; ascending calls.
  std::vector<raft::Entry> next_entries(raft::Index after, std::size_t max_bytes);
  const std::string& error() const;

 private:
  SnapshotReader();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Takes a snapshot streamed by the leader. Dropped before commit(): as if never begun.
class SnapshotInstall {
 public:
  // `after`: this replica's durable commit index; entries up to it are its own already.
  SnapshotInstall(GroupLog& log, raft::GroupId group, raft::Index after);
  ~SnapshotInstall();
  void put_part(std::string_view key, std::string_view octets);
  void put_entry(const raft::Entry& entry);  // those at or below `after` are skipped
  std::uint64_t in_flight() const;
  // Replaces machine and log; the log then starts empty at meta.index + 1. `done` comes on the
  // reactor, after the GroupLog has turned to it.
  void commit(const raft::SnapshotMeta& meta, std::function<void()> done);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace warren::storage
