#include "broker/cluster/group_link.h"

#include <algorithm>
#include <utility>

namespace warren::cluster {

namespace {
// Between two tries while nobody is known to lead: an election takes longer, a table look-up less.
constexpr BootTime retry_interval = Milliseconds(20);
}  // namespace

void LeaderPath::lost(NodeId hint, BootTime now) {
  // A leader that just said "not me" is not asked again at once.
  retry_at_ = hint && hint != node_ ? now : now + retry_interval;
  hint_ = hint;
  node_ = NodeId();
  seeking_ = true;
}

std::optional<NodeId> LeaderPath::next(BootTime now) {
  if (!seeking_ || now < retry_at_) return std::nullopt;
  retry_at_ = now + retry_interval;
  NodeId chosen = host_.leader_of(group_);
  if (!chosen) chosen = std::exchange(hint_, NodeId());
  if (!chosen) {
    auto candidates = host_.candidates(group_);
    if (!candidates.empty()) chosen = candidates[turn_++ % candidates.size()];
  }
  if (!chosen || !host_.reachable(chosen)) return std::nullopt;
  node_ = chosen;
  seeking_ = false;
  return chosen;
}

GroupLink::GroupLink(GroupId group, Incarnation life, SessionId session,
                     const replica::GroupClientConfig& config, LinkHost& host)
    : group_(group),
      life_(life),
      host_(host),
      path_(group, host),
      client_(session, config, *this, life) {}

void GroupLink::on_message(NodeId from, session::ToClient message, BootTime now) {
  if (from == path_.node()) client_.on_message(std::move(message), now);
}

void GroupLink::on_node_lost(NodeId node, BootTime now) {
  if (node != path_.node()) return;
  client_.disconnect(NodeId());
  path_.lost(NodeId(), now);
}

void GroupLink::on_node_up(NodeId node) {
  if (path_.seeking() && (host_.leader_of(group_) == node || is_local(group_))) path_.expedite();
}

void GroupLink::on_leader_known(NodeId leader, BootTime now) {
  if (!leader || leader == path_.node()) return;
  if (!path_.seeking()) {
    client_.disconnect(leader);
    path_.lost(leader, now);
  }
  path_.expedite();
}

void GroupLink::turn(BootTime now) {
  now_ = now;
  if (path_.next(now)) client_.connect(now);
  client_.turn(now);
}

void GroupLink::send(session::ToHost message) {
  if (path_.node()) host_.send_to_host(path_.node(), group_, std::move(message));
}

void GroupLink::seek_leader(NodeId hint) {
  // Told late: the path was given up before, and another is being tried.
  if (client_.phase() == session::ClientStream::Phase::opening) return;
  path_.lost(hint, now_);
}

void GroupLink::on_outcomes(std::vector<replica::CommandOutcome> outcomes) {
  host_.on_outcomes(std::move(outcomes));
}
void GroupLink::on_deliveries(std::uint64_t channel, std::vector<queue::Delivery> deliveries) {
  host_.on_deliveries(channel, std::move(deliveries));
}
void GroupLink::on_consumer_cancelled(std::uint64_t channel, ConsumerNumber number) {
  host_.on_consumer_cancelled(channel, number);
}
void GroupLink::on_holdings_refused(std::uint64_t channel, QueueId queue,
                                    std::vector<queue::Held> refused) {
  host_.on_holdings_refused(channel, queue, std::move(refused));
}
void GroupLink::on_writable() {
  host_.on_writable(group_);
}
void GroupLink::on_session_ended() {
  host_.on_session_ended(group_);
}

}  // namespace warren::cluster
