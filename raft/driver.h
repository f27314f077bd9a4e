// Owns all Raft groups of one reactor and runs them in turns: everything that one turn wants
// durable is one LogStore::write, everything that it has for one node is one Transport::send. As
// pure as the core: it speaks to the three ports only. Lives on one reactor. Architecture §5.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "raft/config.h"
#include "raft/ports.h"
#include "raft/ready.h"
#include "raft/types.h"

namespace warren::raft {

class Raft;

class Driver {
 public:
  // The ports outlive the driver. They may call back into it (propose, read_index, …) but for
  // turn(), add_group, create_group and remove_group, which they must not from inside a turn.
  Driver(LogStore& log_store, Transport& transport, StateMachine& machine);
  ~Driver();
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  // A group found on disk. Entries up to hard_state.commit above the snapshot are applied again.
  void add_group(const Config& config, const StoredGroup& stored);
  // A group with nothing on disk. A member named in `founding` starts with that configuration as
  // committed entry 1 of term 1, the same on every founder; any other starts empty, silent, and
  // learns everything from the leader that adds it. REQUIRES: the store has never held this member,
  // or `beginning` abstains.
  void create_group(const Config& config, GroupId group, MemberId self,
                    const Configuration& founding, Beginning beginning = {});
  // Forgets the group; its later messages and write acknowledgements are ignored.
  void remove_group(GroupId group);
  bool contains(GroupId group) const;
  std::vector<GroupId> groups() const;  // sorted

  // Inputs. Cheap: the work is done by the next turn. Messages of unknown groups, or addressed to
  // another member, are dropped.
  void receive(std::vector<Message> messages);
  void tick();  // every 10 ms
  void on_written(std::uint64_t number);
  void on_stream_reset(std::uint32_t node);  // a peer's process seems gone
  // `index`: the snapshot's. A failed one is started again later.
  void on_snapshot_sent(GroupId group, MemberId to, Index index, bool ok);

  // Does what the inputs made due. True: more is due already, call again soon (after a yield).
  bool turn();
  bool idle() const { return dirty_.empty() && outgoing_.empty(); }

  // Requests. An unknown group answers not_leader.
  ProposeResult propose(GroupId group, std::shared_ptr<const std::string> data);
  ProposeResult propose_configuration(GroupId group, const Configuration& configuration);
  // Answered by StateMachine::on_read_ready(context), unless refused here.
  ReadOutcome read_index(GroupId group, std::uint64_t context);
  TransferOutcome transfer(GroupId group, MemberId to);

  // A snapshot streamed from the leader. begin_restore asks whether it is of use and, if so, holds
  // off appends until the store has durably installed it (restore_snapshot) or failed to
  // (cancel_restore). Installing replaces the group's whole log; the host resets its machine before
  // restore_snapshot, which makes meta.index applied. False: drop the stream.
  bool begin_restore(GroupId group, const SnapshotMeta& meta);
  void restore_snapshot(GroupId group, const SnapshotMeta& meta);
  void cancel_restore(GroupId group);

  MemberId self(GroupId group) const;                         // nobody: no such group here
  Status status(GroupId group) const;                         // REQUIRES: contains(group)
  std::vector<MemberProgress> progress(GroupId group) const;  // empty: not its leader
  HeartbeatRounds heartbeat_rounds(GroupId group) const;      // REQUIRES: contains(group)

 private:
  struct Group;
  // Messages that wait for one write, and whom to tell of it.
  struct PendingWrite {
    std::uint64_t number = 0;
    std::vector<std::pair<GroupId, std::uint64_t>> persisted;  // group, its Ready's number
    std::vector<Message> messages;
  };
  struct Outgoing {
    std::vector<Message> urgent;
    std::vector<Message> bulk;
  };

  Group* find(GroupId group) const;
  Raft* touch(GroupId group);  // marks it dirty; null: unknown
  void insert(GroupId group, std::unique_ptr<Raft> raft);
  void collect(Group& group, std::pair<GroupId, Ready>& made, std::vector<GroupWrite>& writes,
               PendingWrite& pending);
  void queue_message(Message message);
  void send_all();
  void deliver(GroupId id, Ready& ready);

  LogStore& log_store_;
  Transport& transport_;
  StateMachine& machine_;
  std::map<GroupId, std::unique_ptr<Group>> groups_;
  std::set<GroupId> dirty_;  // ordered: a run can be replayed
  std::map<std::uint32_t, Outgoing> outgoing_;
  std::deque<PendingWrite> pending_writes_;
  std::uint64_t last_write_ = 0;
};

}  // namespace warren::raft
