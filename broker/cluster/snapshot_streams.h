// SnapshotStreams: sends this node's durable snapshots to followers that fell behind, one at a time
// on a thread of its own, and takes those that leaders send. The entries that a stream needs are
// pinned by its reader. Architecture §6.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "broker/base/ids.h"
#include "broker/cluster/lane.h"
#include "broker/cluster/peers.h"
#include "proto/raft.pb.h"
#include "raft/types.h"
#include "storage/group_log.h"
#include "storage/snapshot_store.h"

namespace warren::cluster {

class SnapshotStreams {
 public:
  // `index`: the snapshot's.
  using Sent = std::function<void(raft::Index index, bool ok)>;

  SnapshotStreams(storage::Database& database, Peers& peers);
  ~SnapshotStreams();
  void stop();

  // Any thread. `sent` comes on the sending thread.
  void send(GroupId group, raft::Term term, NodeId self, raft::MemberId to, Sent sent);

 private:
  struct Job {
    GroupId group;
    raft::Term term;
    NodeId self;
    raft::MemberId to;
    Sent sent;
  };

  void run();
  std::optional<raft::Index> stream(const Job& job);

  storage::Database& database_;
  Peers& peers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  grpc::ClientContext* sending_ = nullptr;
  bool stopping_ = false;
  std::thread thread_;
};

// The follower's end of one stream. Lives on the group's lane.
class SnapshotIntake {
 public:
  SnapshotIntake(Lane& lane, storage::GroupLog& log) : lane_(lane), log_(log) {}
  ~SnapshotIntake();
  Lane& lane() { return lane_; }

  // `done(true)`: taken (and installed, when it was the last part).
  void take(proto::SnapshotPart part, std::function<void(bool)> done);

 private:
  bool begin(const proto::SnapshotPart& part);

  Lane& lane_;
  storage::GroupLog& log_;
  GroupId group_;
  raft::SnapshotMeta meta_;
  std::unique_ptr<storage::SnapshotInstall> install_;
};

}  // namespace warren::cluster
