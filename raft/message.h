// What members of a group tell each other. Pure values; the transport encodes them
// (proto/raft.proto). Raft thesis figures 3.1, 3.13; pre-vote §9.6; ReadIndex §6.4; TimeoutNow
// §3.10.
#pragma once

#include <cstdint>
#include <vector>

#include "raft/types.h"

namespace warren::raft {

enum class MessageKind : std::uint8_t {
  pre_vote_request,
  pre_vote_reply,
  vote_request,
  vote_reply,
  append_request,
  append_reply,
  heartbeat_request,
  heartbeat_reply,
  timeout_now,
  snapshot_installed,  // follower to leader: the streamed snapshot is in, `index` is its last
  tail_inquiry,        // of one that lost its tail and hears no leader: what does everybody have?
  tail_answer,
};

// Fields beyond the first four are used by the kinds named beside them and zero elsewhere.
struct Message {
  MessageKind kind = MessageKind::heartbeat_request;
  GroupId group;
  MemberId from;
  MemberId to;
  Term term;

  Index index;    // votes: last log index; append: index before the entries; append_reply: last
                  // index that is durable and matches, or on reject the index that failed;
                  // snapshot_installed; tail_answer: the last that is durable
  Term log_term;  // term of the entry at `index`; append_reply on reject: the follower's term at
                  // hint
  Index commit;   // append: the leader's commit; heartbeat: at most what the follower matches;
                  // tail_answer
  Index hint;     // append_reply on reject: where to try next
  bool reject = false;    // votes, append_reply; tail_answer: there is a leader, wait for it
  bool transfer = false;  // vote_request: asked for by TimeoutNow; skips leader stickiness
  bool abstain = false;   // append_reply, heartbeat_reply: the sender lost its tail, what
                          // it acknowledged before is void (StoredGroup::abstain)
  bool release = false;   // append_request: the above may end once `commit` is durable
  bool binding = false;   // tail_inquiry: enter `term` before answering; and its answer
  // heartbeat and its answer: what the sender's host tells the other's of the group's time. Raft
  // passes it by.
  std::uint64_t stamp_ms = 0;
  bool stamp_guessed = false;
  std::uint64_t round = 0;     // heartbeat and its reply: HeartbeatRounds, 0: none; tail_inquiry
                               // and its answer: never the same twice, in whatever life
  std::vector<Entry> entries;  // append_request; tail_answer: Membership::versions()
};

}  // namespace warren::raft
