// GroupTime: what one member takes its group's replicated time to be, and how a leader that cannot
// know it asks the others. Pure values of a Group, on its reactor. Architecture §7,
// docs/decisions/0010-replicated-time.md.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/ids.h"
#include "broker/queue/stamp_clock.h"
#include "raft/types.h"

namespace warren::replica {

// The time, read by the owner.
struct Now {
  BootTime boot{};
  Stamp wall;
};

// Beside the log: what the replicated time was at a moment of a boot, so that a restart within that
// boot knows how long it was away.
struct KeptTime {
  std::string boot_id;
  BootTime at{};
  Stamp stamp;
  bool operator==(const KeptTime&) const = default;
};

// What a member tells a leader that asks.
struct TimeAnswer {
  Stamp stamp;
  bool guess = false;  // by the wall clock, which may be wrong
};

class GroupTime {
 public:
  // Of a replica that begins empty.
  GroupTime() = default;
  // Of one that is found on disk. `last`: the newest stamp of its snapshot.
  GroupTime(Stamp last, const std::optional<KeptTime>& kept, const std::string& boot_id,
            BootTime now);

  // While it is not, the group's time may be later by all the time that this node was down.
  bool known() const { return known_; }
  // Never falls, but for the slewing of on_leader.
  Stamp stamp(BootTime now) const { return clock_.at ? clock_.stamp(now) : Stamp(); }
  TimeAnswer answer(Now now) const;

  // An entry, old or new: the group's time is not before it.
  void on_applied(Stamp stamp, BootTime now);
  // The leader's time, as a heartbeat brought it. Where this node is ahead, because its clock is
  // faster or the heartbeat was long on its way, it gives way by a thirty-second of what passed.
  void on_leader(Stamp stamp, BootTime now);
  // This node leads from here.
  void lead(Stamp stamp, BootTime now);

  // What is to be written, if what was written last is not good enough any more.
  std::optional<KeptTime> to_keep(const std::string& boot_id, BootTime now);

 private:
  queue::StampClock clock_;
  bool known_ = false;
  std::optional<BootTime> heard_at_;
  std::optional<KeptTime> kept_;  // of this boot
};

// A new leader's question, which its heartbeats put: those who know the time say so; where nobody
// does, all have been booted since, the members' median wall clock tells how long that was.
class TimeInquiry {
 public:
  explicit TimeInquiry(BootTime begun = {}) : begun_(begun) {}

  void add(raft::MemberId from, TimeAnswer answer, BootTime now) { answers_[from] = {answer, now}; }
  // Nothing: others may answer yet. Of two the lower, of one its own.
  std::optional<Stamp> conclude(const GroupTime& own, raft::MemberId self,
                                const std::vector<raft::MemberId>& voters, Now now,
                                Milliseconds patience) const;

 private:
  struct Answer {
    TimeAnswer answer;
    BootTime at{};
  };
  BootTime begun_;
  std::map<raft::MemberId, Answer> answers_;  // the newest of each
};

}  // namespace warren::replica
