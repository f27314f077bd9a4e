// Checkers: what a run must never show, watched apart from what produces it. Sees every applied
// entry of every node and everything that clients see. One for a run.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "broker/queue/delivery.h"
#include "broker/replica/queue_state.h"
#include "raft/invariants.h"
#include "raft/ports.h"
#include "tests/simulation/queue_kinds.h"
#include "tests/simulation/stream_checker.h"
#include "tests/simulation/timed.h"
#include "tests/simulation/world.h"

namespace warren::simulation {

class Checkers {
 public:
  Checkers(World& world, std::uint64_t mark_stride)
      : streams(world), timed(world), world_(world), stride_(mark_stride) {}

  StreamChecker streams;

  // Raft's five safety properties.
  void on_append(GroupId group, const raft::Entry& entry, raft::Term previous);
  void on_entry(NodeId node, GroupId group, const raft::Entry& entry, raft::Term current);
  void on_leader(GroupId group, raft::Term term, raft::MemberId member, raft::Index last,
                 const std::function<std::optional<raft::Term>(raft::Index)>& term_at);

  // `before`: that node's replicated time of the group before these entries.
  void on_applied(GroupId group, const replica::QueueApplied& applied, Stamp before);
  void on_declared(QueueId queue, QueueKind kind) { kinds_[queue] = kind; }
  QueueKind kind_of(QueueId queue) const { return kinds_.at(queue); }
  // Published with that delay.
  void on_delayed(const Key& key, QueueId queue, std::uint64_t delay_ms) {
    delays_[{key, queue}] = delay_ms;
  }
  // Is to come, or to go, in its time, whatever becomes of the nodes.
  Timed timed;
  void on_confirm(const Key& key, QueueId queue);
  void on_delivery(GroupId group, const queue::Delivery& delivery);
  // Put on its way by a leader, whether or not it arrives; at that replicated time.
  void on_handout(GroupId group, const queue::Delivery& delivery, Stamp now);
  // A consumer whose session was never long out of reach was told that its ack is committed.
  void on_acked(GroupId group, QueueId queue, MessageId message);
  bool was_settled(GroupId group, QueueId queue, MessageId message) const {
    return settled_.contains({group, queue, message});
  }
  // After the drain.
  void at_end();

  std::uint64_t confirmed() const { return confirmed_.size(); }
  std::uint64_t deliveries() const { return deliveries_; }

 private:
  using Place = std::tuple<GroupId, QueueId, MessageId>;
  void check_raft(GroupId group);
  void note_contents(GroupId group, const replica::QueueApplied& applied, Stamp before);
  bool is_letter(GroupId group, MessageId message) const {
    return letters_.contains({group, message});
  }
  void on_gone(GroupId group, const Key& key, MessageId message);
  void check_delay(GroupId group, const queue::Delivery& delivery, Stamp now);
  void check_death(GroupId group, const queue::Death& death);
  void check_stream(GroupId group, const Key& key, const queue::Delivery& delivery);
  void check_redelivered(const Place& place, const queue::Delivery& delivery);
  void check_first(const Place& place, const Key& key, const queue::Delivery& delivery);
  void check_order(const Place& place, const Key& key, const queue::Delivery& delivery);

  World& world_;
  const std::uint64_t stride_;
  std::map<GroupId, raft::Invariants> raft_;
  std::set<std::pair<Key, QueueId>> confirmed_;
  std::map<QueueId, QueueKind> kinds_;
  std::map<std::pair<GroupId, MessageId>, Key> keys_;  // as the log has them
  std::set<std::pair<GroupId, MessageId>> letters_;    // those of them that are dead letters
  std::set<Key> buried_;                               // became a dead letter
  std::set<Key> arrived_;                              // and was there as one, to be settled
  std::map<std::pair<GroupId, MessageId>, Stamp> not_before_;  // it was committed
  std::map<std::pair<Key, QueueId>, std::uint64_t> delays_;
  std::set<Place> settled_;
  std::set<Place> died_;  // those that nobody settled
  std::set<Place> acked_;
  std::map<Place, std::uint64_t> delivered_;          // how often
  std::map<Place, CheckoutId> handed_out_;            // by which checkout last
  std::map<std::pair<Key, QueueId>, MessageId> ids_;  // as delivered
  struct First {
    std::uint64_t sequence;
    CheckoutId checkout;
  };
  // By queue, publisher, and priority where it counts.
  std::map<std::tuple<QueueId, std::uint64_t, std::uint8_t>, First> firsts_;
  std::map<std::pair<QueueId, Term>, std::uint64_t> needless_;  // flags, by queue and term
  std::uint64_t deliveries_ = 0;
};

}  // namespace warren::simulation
