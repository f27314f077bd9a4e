// The limits and timeouts of one group. A plain value, the same on every member but for `seed`.
// Times are in ticks; the host gives a tick every 10 ms, which the defaults assume.
#pragma once

#include <cstdint>

namespace warren::raft {

struct Config {
  // 100 ms: a tenth of the shortest election timeout, so nine in a row may be lost.
  std::uint32_t heartbeat_ticks = 10;
  // Uniform within [min, max]: 1 to 1.5 s. Long enough that a busy host is not taken for dead; a
  // killed process is found much sooner by its reset stream.
  std::uint32_t election_min_ticks = 100;
  std::uint32_t election_max_ticks = 150;
  // After a reset stream to the leader: 10 to 50 ms, so that members seldom campaign at once.
  std::uint32_t reset_jitter_min_ticks = 1;
  std::uint32_t reset_jitter_max_ticks = 5;

  // Proposals beyond this, uncommitted, are answered `full`: a group without a quorum must not
  // eat the leader's memory.
  std::uint64_t max_uncommitted_bytes = 64ULL << 20;
  // Payload of one append message; a single larger entry travels alone.
  std::uint64_t max_append_bytes = 1ULL << 20;
  // Sent to one follower and not acknowledged.
  std::uint64_t max_inflight_bytes = 8ULL << 20;
  std::uint32_t max_inflight_messages = 256;
  // Handed to the state machine in one turn.
  std::uint64_t max_apply_bytes = 4ULL << 20;
  // Recent entries kept in memory once durable and applied, for followers that keep up.
  std::uint64_t max_cached_bytes = 4ULL << 20;
  // ReadIndex requests waiting for a quorum.
  std::uint32_t max_pending_reads = 65536;

  // Of this member's random timeouts and of the rounds of its inquiries. Must differ between
  // members and between the lives of one.
  std::uint64_t seed = 1;
};

}  // namespace warren::raft
