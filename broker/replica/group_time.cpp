#include "broker/replica/group_time.h"

#include <algorithm>

#include "raft/quorum.h"

namespace warren::replica {
namespace {

// Faster than any two quartzes part, slow enough that a heartbeat from before an outage costs
// little of it.
constexpr int slew = 32;
constexpr std::uint64_t worth_keeping_ms = 100;

std::uint64_t distance(Stamp a, Stamp b) {
  return a > b ? a.value - b.value : b.value - a.value;
}

Stamp later(Stamp stamp, BootTime at, BootTime now) {
  return queue::StampClock{at, stamp}.stamp(now);
}

}  // namespace

GroupTime::GroupTime(Stamp last, const std::optional<KeptTime>& kept, const std::string& boot_id,
                     BootTime now)
    : clock_{now, last} {
  if (!kept || boot_id.empty() || kept->boot_id != boot_id || kept->at > now) return;
  kept_ = kept;
  clock_ = {kept->at, kept->stamp};
  known_ = true;
  on_applied(last, now);
}

TimeAnswer GroupTime::answer(Now now) const {
  const Stamp own = stamp(now.boot);
  return known_ ? TimeAnswer{own, false} : TimeAnswer{std::max(own, now.wall), true};
}

void GroupTime::on_applied(Stamp applied, BootTime now) {
#ifdef WARREN_MUTATION_TAKE_OLD_STAMP
  clock_ = {now, applied};
  return;
#endif
  if (applied > stamp(now)) clock_ = {now, applied};
}

void GroupTime::on_leader(Stamp leader, BootTime now) {
  const Stamp own = stamp(now);
  const auto passed =
      std::chrono::duration_cast<Milliseconds>((now - heard_at_.value_or(now)) / slew).count();
  const auto most = static_cast<std::uint64_t>(std::max<std::int64_t>(passed, 0));
  if (leader >= own)
    clock_ = {now, leader};
  else if (most > 0)
    clock_ = {now, Stamp(own.value - std::min(distance(own, leader), most))};
  heard_at_ = now;
  known_ = true;
}

void GroupTime::lead(Stamp stamp, BootTime now) {
  clock_ = {now, stamp};
  known_ = true;
}

std::optional<KeptTime> GroupTime::to_keep(const std::string& boot_id, BootTime now) {
  if (!known_ || boot_id.empty()) return std::nullopt;
  const Stamp own = stamp(now);
  if (kept_ && distance(later(kept_->stamp, kept_->at, now), own) < worth_keeping_ms)
    return std::nullopt;
  return kept_ = KeptTime{boot_id, now, own};
}

std::optional<Stamp> TimeInquiry::conclude(const GroupTime& own, raft::MemberId self,
                                           const std::vector<raft::MemberId>& voters, Now now,
                                           Milliseconds patience) const {
  std::optional<Stamp> known;
  std::vector<Stamp> guesses;
  for (const raft::MemberId& voter : voters) {
    const auto found = answers_.find(voter);
    if (voter == self || found == answers_.end()) continue;
    const Stamp told = later(found->second.answer.stamp, found->second.at, now.boot);
    if (found->second.answer.guess)
      guesses.push_back(told);
    else
      known = std::max(known.value_or(Stamp()), told);
  }
  if (known) return known;
  guesses.push_back(own.answer(now).stamp);
  // Where nothing was ever stamped, no time can have been missed.
  const std::size_t wanted = own.stamp(now.boot) ? voters.size() : raft::majority(voters.size());
  if (guesses.size() < wanted && now.boot - begun_ < patience) return std::nullopt;
  std::sort(guesses.begin(), guesses.end());
  return guesses[(guesses.size() - 1) / 2];
}

}  // namespace warren::replica
