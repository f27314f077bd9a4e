// What a GroupSet keeps for one group. Included by its sources only.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "broker/replica/catalog_state.h"
#include "broker/replica/group_set.h"
#include "broker/replica/index_ranges.h"

namespace warren::replica {

struct GroupSet::Group {
  // What the hosts of this group ask of the set.
  struct QueuePorts final : QueueHostPorts {
    explicit QueuePorts(Group& g) : group(g) {}
    raft::ProposeResult propose(std::shared_ptr<const std::string> entry) override {
      return group.set.driver_.propose(raft_group(group.id), std::move(entry));
    }
    void send(session::ToClient message) override {
      group.set.outlet_.send(group.id, std::move(message));
    }
    void read_entries(std::vector<EntryIndex> entries) override {
      group.set.read_entries(group, std::move(entries));
    }
    void on_queue_sealed(QueueId queue) override {
      group.set.outlet_.on_queue_sealed(group.id, queue);
    }
    void on_queue_unused(QueueId queue) override {
      group.set.outlet_.on_queue_unused(group.id, queue);
    }
    void on_dead_letters(std::vector<DeadLetterJob> letters) override {
      group.set.outlet_.on_dead_letters(group.id, std::move(letters));
    }
    Group& group;
  };
  struct CatalogPorts final : CatalogHostPorts {
    explicit CatalogPorts(Group& g) : group(g) {}
    raft::ProposeResult propose(std::shared_ptr<const std::string> entry) override {
      return group.set.driver_.propose(raft_group(group.id), std::move(entry));
    }
    void send(session::ToClient message) override {
      group.set.outlet_.send(group.id, std::move(message));
    }
    void on_own_outcome(std::uint64_t token, const catalog::Outcome* outcome) override {
      group.set.outlet_.on_own_outcome(token, outcome);
    }
    Group& group;
  };

  Group(GroupSet& owner, GroupId group) : set(owner), id(group) { make_state(); }

  void make_state() {
    catalog.reset();
    queues.reset();
    if (id == catalog_group)
      catalog = std::make_unique<CatalogState>();
    else
      queues = std::make_unique<QueueState>();
  }
  GroupState& state() const {
    if (catalog) return *catalog;
    return *queues;
  }
  bool hosted() const { return queue_host || catalog_host; }

  GroupSet& set;
  const GroupId id;
  QueuePorts queue_ports{*this};
  CatalogPorts catalog_ports{*this};

  // One of each pair, by kind; the hosts while this node leads.
  std::unique_ptr<QueueState> queues;
  std::unique_ptr<CatalogState> catalog;
  std::unique_ptr<QueueHost> queue_host;
  std::unique_ptr<CatalogHost> catalog_host;

  raft::Status status;
  raft::Term applied_term;  // of the last applied entry
  raft::Term no_op_term;    // of the last applied no-op: its leader may begin
  bool dirty = false;       // something applied, not told yet
  QueueApplied queue_applied;
  CatalogApplied catalog_applied;
  std::deque<session::ToHost> early;  // for a leader whose no-op is not applied yet

  // While leading: heartbeat rounds that no majority has answered yet, with a time at which none of
  // them had been sent; and such a time of the newest that one has answered.
  std::deque<std::pair<std::uint64_t, BootTime>> rounds;
  std::uint64_t rounds_sent = 0;
  std::optional<BootTime> led_at;

  GroupTime time;
  TimeInquiry inquiry;  // while leading, until the time is known

  // Snapshots and compaction.
  std::uint64_t log_bytes = 0;        // applied, ever, in this process
  std::uint64_t snapshot_bytes = 0;   // log_bytes at the last snapshot
  std::uint64_t snapshot_octets = 0;  // what it wrote
  BootTime snapshot_at{};
  raft::Index snapshot_index;  // of the durable one, or of the one being written
  bool snapshot_running = false;
  bool installing = false;       // a leader's snapshot is coming in
  bool settled = false;          // something became deletable since
  std::uint64_t generation = 0;  // rises when the state is replaced
  IndexRanges dead;              // not named since some applied entry
  IndexRanges dying;             // not named by the snapshot being written
  IndexRanges deletable;         // not named by the durable one
  std::deque<std::pair<std::uint64_t, std::uint64_t>> checkpoints;  // snapshot index, log_bytes
};

}  // namespace warren::replica
