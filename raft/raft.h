// One group's consensus: a deterministic state machine without clock, I/O or threads. Inputs are
// messages, ticks, requests and disk acknowledgements; everything that it wants is in take_ready().
// Owned by Driver; any thread, one at a time. Split by concern: raft.cpp (doors and roles),
// election.cpp, replication.cpp, abstention.cpp (lost tails), requests.cpp (the host's wishes).
// Raft thesis chapters 3, 4, 6, 9.6, 10.2.1.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "raft/config.h"
#include "raft/log.h"
#include "raft/membership.h"
#include "raft/message.h"
#include "raft/ports.h"
#include "raft/progress.h"
#include "raft/quorum.h"
#include "raft/random.h"
#include "raft/reads.h"
#include "raft/ready.h"
#include "raft/tail_inquiry.h"
#include "raft/types.h"

namespace warren::raft {

enum class Role : std::uint8_t { follower, pre_candidate, candidate, leader };

class Raft {
 public:
  // `store` outlives it and is only read.
  Raft(const Config& config, const StoredGroup& stored, LogStore& store);

  // Makes an empty log begin with `founding` as committed entry 1 of term 1. REQUIRES: nothing else
  // has happened, and self is named in it. `eager`: Beginning::eager.
  void found(const Configuration& founding, bool eager = false);

  // Inputs.
  void step(Message message);  // REQUIRES: addressed to self
  void tick();
  void on_persisted(std::uint64_t number);  // of a Ready, in order
  void on_peer_reset(std::uint32_t node);   // its process seems gone
  void on_snapshot_sent(MemberId to, Index index, bool ok);

  // Requests.
  ProposeResult propose(std::shared_ptr<const std::string> data);
  ProposeResult propose_configuration(const Configuration& configuration);
  ReadOutcome read_index(std::uint64_t context);
  TransferOutcome transfer_leadership(MemberId to);
  // Starts a pre-vote after some ticks of jitter, as if the leader had been silent for long enough.
  void campaign_soon();
  bool begin_restore(const SnapshotMeta& meta);
  void restore(const SnapshotMeta& meta);
  void cancel_restore() { restoring_ = false; }

  // What the above made due. The caller does it, in the order that Ready names.
  Ready take_ready();
  // Cheap, for ticks; other inputs just take a Ready.
  bool has_ready() const;
  bool more_due() const { return log_.has_committed() && !restoring_; }

  MemberId self() const { return self_; }
  GroupId group() const { return group_; }
  Role role() const { return role_; }
  Term term() const { return hard_.term; }
  MemberId leader() const { return leader_; }
  MemberId vote() const { return hard_.vote; }
  const Log& log() const { return log_; }
  const Configuration& configuration() const { return membership_.current(); }
  Status status() const;
  std::vector<MemberProgress> progress() const;
  HeartbeatRounds heartbeat_rounds() const { return {reads_.round(), reads_.confirmed_round()}; }

 private:
  struct Writing {
    std::uint64_t number = 0;
    HardState hard_state;  // durable with it
  };
  struct Transfer {
    MemberId to;
    std::uint32_t elapsed = 0;
    bool told = false;
  };

  // raft.cpp
  void load_configurations(const StoredGroup& stored);
  bool settle_term(const Message& message);
  void answer_lower_term(const Message& message);
  void dispatch(Message& message);
  void become_follower(Term term, MemberId leader);
  void become_leader();
  void reset_role(Role role, MemberId leader);
  void send(Message message);
  Message make(MessageKind kind, MemberId to) const;
  void collect_writes(Ready& ready);
  bool is_self_voter() const;
  bool is_sole_voter() const;
  bool is_alone() const;
  bool needs_write() const;

  // election.cpp
  void tick_follower();
  void tick_leader();
  bool may_campaign() const;
  bool hears_leader() const;
  void reset_election_timer();
  void pre_campaign();
  void campaign(bool transfer);
  void request_votes(MessageKind kind, Term term, bool transfer);
  void count_vote(MemberId from, bool granted);
  bool outranks(const Message& other) const;
  void on_vote_request(const Message& message);
  void on_timeout_now(const Message& message);
  void check_quorum();

  // replication.cpp
  void append_own(EntryKind kind, std::shared_ptr<const std::string> data);
  void note_configurations(const std::vector<Entry>& entries);
  void update_peers();
  void on_append_request(Message& message);
  void accept_append(Message& message);
  void on_append_reply(const Message& message);
  void on_heartbeat_request(const Message& message);
  void on_heartbeat_reply(const Message& message);
  void on_snapshot_installed(const Message& message);
  void heard_leader(const Message& message);
  void advance_commit();
  void commit_to(Index index);
  void flush_appends();
  void replicate_to(MemberId to, Progress& peer);
  bool send_append(MemberId to, Progress& peer, bool with_entries);
  void broadcast_heartbeats();

  // abstention.cpp
  void hear_abstention(Progress& peer, const Message& message);
  bool may_release(const Progress& peer) const;
  void take_release(const Message& message, Index last_new);
  void end_abstention();
  void ask_members();
  bool ask_named(const std::vector<Membership::Version>& versions);
  void on_tail_inquiry(const Message& message);
  void on_tail_answer(const Message& message);
  void conclude_inquiry();
  void check_vote_floor();

  // requests.cpp
  void confirm_reads();
  void open_reads();
  bool committed_in_own_term() const;
  void drive_transfer();
  void hand_over_removed();

  const Config config_;
  const GroupId group_;
  const MemberId self_;
  Random random_;
  Log log_;
  Membership membership_;
  Reads reads_;

  HardState hard_;  // commit is filled in when it is written
  Role role_ = Role::follower;
  MemberId leader_;
  std::map<MemberId, Progress> peers_;  // leader only; all members but self
  std::map<MemberId, bool> votes_;      // of this campaign
  std::optional<Transfer> transfer_;    // leader only

  std::uint32_t elapsed_ticks_ = 0;  // since the leader was heard; leader: in this quorum check
  std::uint32_t heartbeat_elapsed_ = 0;
  std::uint32_t election_timeout_ = 0;
  std::optional<std::uint32_t> campaign_in_;  // after a reset stream
  bool lease_lost_ = false;                   // the leader's process seems gone
  bool eager_ = false;                        // until somebody has led

  bool restoring_ = false;
  bool abstaining_ = false;
  std::optional<Index> release_at_;  // abstaining: durable up to here ends it

  std::optional<TailInquiry> inquiry_;
  // After a torn tail: the log that this member may have acknowledged; no lesser one gets its vote.
  std::optional<LogEnd> vote_floor_;

  HardState written_;  // newest handed out
  HardState durable_;
  std::uint64_t last_number_ = 0;
  std::deque<Writing> writing_;
  bool status_changed_ = true;

  std::vector<Message> messages_;
  std::vector<Message> promises_;
  std::vector<MemberId> snapshots_;
};

}  // namespace warren::raft
