// SnapshotStreams: sends this node's durable snapshots to followers that fell behind, one at a time
// to each node, on a thread for each, so that one that hangs holds up nobody else; and takes those
// that leaders send. The entries that a stream needs are pinned by its reader. Architecture §6.
#pragma once

#include <chrono>
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
  // A follower that takes nothing for so long is hung, and what its stream pins is let go: it is
  // tried again. Installing the last part is within it.
  static constexpr Milliseconds default_patience{30000};

  SnapshotStreams(storage::Database& database, const SnapshotPaths& paths,
                  Milliseconds patience = default_patience);
  ~SnapshotStreams();
  void stop();

  // Any thread. `sent` comes on a sending thread.
  void send(GroupId group, raft::Term term, NodeId self, raft::MemberId to, Sent sent);

 private:
  struct Job {
    GroupId group;
    raft::Term term;
    NodeId self;
    raft::MemberId to;
    Sent sent;
  };

  // To one node; lasts as long as this object.
  struct Sender {
    std::deque<Job> jobs;
    grpc::ClientContext* context = nullptr;  // of the stream under way
    std::chrono::steady_clock::time_point progress;
    std::thread thread;
  };

  void run(Sender& sender);
  void watch();
  std::optional<raft::Index> stream(Sender& sender, const Job& job);
  bool begin(Sender& sender, grpc::ClientContext& context);
  void note_progress(Sender& sender);

  storage::Database& database_;
  const SnapshotPaths& paths_;
  const Milliseconds patience_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::map<NodeId, std::unique_ptr<Sender>> senders_;
  bool stopping_ = false;
  std::thread watcher_;
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
