// GroupSet: all groups of one reactor: the Raft driver, the groups' states, the hosts of those that
// this node leads, snapshots and compaction. Raft's messages come in by receive(), sessions' by
// on_session_message(); what goes out goes through raft::Transport and GroupSetOutlet, which
// cluster implements. Lives on one reactor; as pure as its ports (tests run it whole).
// Architecture §5, §6, §10.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/ids.h"
#include "broker/catalog/snapshot.h"
#include "broker/queue/delivery.h"
#include "broker/replica/catalog_host.h"
#include "broker/replica/group_store.h"
#include "broker/replica/group_time.h"
#include "broker/replica/queue_host.h"
#include "raft/driver.h"

namespace warren::replica {

struct GroupSetConfig {
  raft::Config raft;  // seed is mixed with each group's number
  QueueHostConfig host;
  // A snapshot is due after so much log, four times the octets of the one before within these
  // bounds: often, so that what was consumed is deleted before the store has written it to a file;
  // but less often than it costs.
  std::uint64_t snapshot_log_bytes_min = 8u << 20;
  std::uint64_t snapshot_log_bytes = 64u << 20;
  Milliseconds snapshot_interval{30000};       // with anything settled
  std::uint64_t retain_log_bytes = 64u << 20;  // served as log to slow followers, below a snapshot
  std::string boot_id;                         // what Now::boot counts from; empty: unknown
  // A leader that was booted anew, as all whom it can ask, waits so long for the others' clocks.
  Milliseconds time_patience{300};
};

// Told from inside turn() (and on_session_message, which may refuse at once).
class GroupSetOutlet {
 public:
  virtual ~GroupSetOutlet() = default;
  // To the stream of message.session's node for this group.
  virtual void send(GroupId group, session::ToClient message) = 0;
  // Leader, term, role or configuration of a group changed.
  virtual void on_status(GroupId group, const raft::Status& status) = 0;
  // This node's replica of group 0 applied something: hand it to every reactor's set_catalog().
  virtual void on_catalog(std::shared_ptr<const catalog::Snapshot> catalog,
                          const catalog::Effects& effects) = 0;
  virtual void on_read_ready(GroupId group, std::uint64_t context, bool ok) = 0;
  virtual void on_own_outcome(std::uint64_t token, const catalog::Outcome* outcome) = 0;
  virtual void on_queue_sealed(GroupId group, QueueId queue) = 0;
  virtual void on_queue_unused(GroupId group, QueueId queue) = 0;
  // To be routed and published; each answered by on_dead_letter_answers, not from inside the call.
  virtual void on_dead_letters(GroupId group, std::vector<DeadLetterJob> letters) = 0;
};

// Sees what is applied, before anybody acts on it: metrics, and the simulation's checkers.
class GroupSetObserver {
 public:
  virtual ~GroupSetObserver() = default;
  virtual void on_entry(GroupId group, const raft::Entry& entry) = 0;
  virtual void on_applied(GroupId group, const QueueApplied& applied) = 0;
};

struct GroupListing {
  GroupId group;
  raft::Status status;
  raft::Index first;  // of the contiguous log
  std::uint64_t queues = 0;
  std::uint64_t live_entries = 0;
  std::vector<raft::MemberProgress> progress;  // when this node leads
};

class GroupSet final : private raft::StateMachine, private raft::Transport {
 public:
  // The ports outlive it.
  GroupSet(GroupSetConfig config, GroupStore& store, raft::Transport& transport,
           GroupSetOutlet& outlet);
  ~GroupSet() override;

  void set_observer(GroupSetObserver* observer) { observer_ = observer; }

  // A group found on disk: restores the snapshot; the log above it is applied by turns. Error: its
  // snapshot is damaged.
  Result<void> add_group(const raft::StoredGroup& stored, Now now);
  void create_group(GroupId group, raft::MemberId self, const raft::Configuration& founding,
                    Now now, raft::Beginning beginning = {});
  void remove_group(GroupId group);  // with all that is stored of it
  // Is this node's replica the member `to`? One of an older assignment to this very disk makes way
  // for an empty one: who is called by the newer name was let go under the older before. False also
  // while a snapshot is under way: ask again.
  bool answers_to(GroupId group, raft::MemberId to, Now now);
  bool contains(GroupId group) const { return groups_.contains(group); }

  // Inputs; the work is done by turn().
  void receive(std::vector<raft::Message> messages, Now now);
  void on_written(std::uint64_t number) { driver_.on_written(number); }
  void tick(Now now);  // every 10 ms
  void on_peer_reset(std::uint32_t node) { driver_.on_stream_reset(node); }
  void on_session_message(GroupId group, session::ToHost message, Now now);
  void on_session_streams_lost(NodeId node, Now now);  // every stream of that node
  // Nothing happens where the group is not led any more.
  void on_dead_letter_answers(GroupId group, std::span<const DeadLetterAnswer> answers, Now now);
  // From on_catalog of the set that has group 0, which has told its own groups already.
  void set_catalog(std::shared_ptr<const catalog::Snapshot> catalog,
                   const catalog::Effects& effects);
  void set_catalog_floor(CatalogIndex floor);

  // True: more is due at once (post another turn).
  bool turn(Now now);

  // Requests.
  // Only where group 0 is led; false: it is not. Answered by on_own_outcome(token); token not 0.
  bool command_catalog(catalog::Command command, std::uint64_t token);
  raft::ReadOutcome read_index(GroupId group, std::uint64_t context);
  raft::ProposeResult propose_configuration(GroupId group, const raft::Configuration& wanted);
  raft::TransferOutcome transfer(GroupId group, raft::MemberId to);
  raft::Driver& driver() { return driver_; }

  // Snapshots between nodes. The leader's side is the transport's (storage::SnapshotReader); its
  // end is on_snapshot_sent. The follower's: the store is replaced by the owner between begin and
  // finish, which restores the state from it.
  void on_snapshot_sent(GroupId group, raft::MemberId to, raft::Index index, bool ok) {
    driver_.on_snapshot_sent(raft_group(group), to, index, ok);
  }
  bool begin_install(GroupId group, const raft::SnapshotMeta& meta);
  Result<void> finish_install(GroupId group, const raft::SnapshotMeta& meta, Now now);
  void cancel_install(GroupId group);

  // Listings.
  std::vector<GroupListing> listing() const;
  std::optional<raft::Status> status(GroupId group) const;
  bool leads(GroupId group) const;  // and its host is up
  // The leader's counts, or what the replicated state alone tells. Nothing: unknown here.
  std::optional<queue::QueueCounts> counts(GroupId group, QueueId queue) const;
  const QueueState* queue_state(GroupId group) const;
  const CatalogState* catalog_state() const;
  const QueueHost* queue_host(GroupId group) const;

  static raft::GroupId raft_group(GroupId group) { return raft::GroupId(group.value); }

 private:
  struct Group;

  void apply(raft::GroupId group, std::span<const raft::Entry> entries) override;
  void on_status(raft::GroupId group, const raft::Status& status) override;
  void on_read_ready(raft::GroupId group, std::uint64_t context, bool ok) override;

  Group* find(GroupId group) const;
  raft::Config raft_config(GroupId group) const;
  Result<void> restore_state(Group& group);
  void apply_one(Group& group, const raft::Entry& entry);
  void after_apply(Group& group);
  void publish_catalog(Group& group, const catalog::Effects& effects);
  void follow_leadership(Group& group);
  void start_host(Group& group);
  void stop_host(Group& group);
  void refuse(GroupId group, const session::ToHost& message, NodeId hint);
  void refuse_early(Group& group);

  // group_set_time.cpp
  void send(std::uint32_t node, std::vector<raft::Message> urgent,
            std::vector<raft::Message> bulk) override;
  void send_snapshot(raft::GroupId group, raft::Term term, raft::MemberId to) override;
  void tell_time(raft::Message& message) const;
  void hear_time(const raft::Message& message);
  bool knows_time(Group& group) const;
  void keep_time(Group& group);

  // group_set_storage.cpp
  void read_entries(Group& group, std::vector<EntryIndex> entries);
  void add_unnamed(Group& group, raft::Index through);
  void consider_snapshot(Group& group);
  void note_rounds(Group& group);
  void write_snapshot(Group& group);
  void on_snapshot_durable(GroupId id, const raft::SnapshotMeta& meta, std::uint64_t generation);
  void compact(Group& group);
  void delete_below_log(Group& group);

  const GroupSetConfig config_;
  GroupStore& store_;
  raft::Transport& transport_;
  GroupSetOutlet& outlet_;
  raft::Driver driver_;
  std::map<GroupId, std::unique_ptr<Group>> groups_;
  std::shared_ptr<const catalog::Snapshot> catalog_;
  Now now_;
  GroupSetObserver* observer_ = nullptr;
};

}  // namespace warren::replica
