// FakeQueues: the simplest queues that keep the contract of the Door, for FakeDoor. Its reactor.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "broker/cluster/door.h"
#include "broker/runtime/reactor.h"
#include "tests/support/fake_queue.h"

namespace warren::tests {

class FakeQueues {
 public:
  explicit FakeQueues(runtime::Reactor& reactor) : reactor_(reactor) {}

  queue::OutcomeCode publish_outcome = queue::OutcomeCode::ok;
  std::vector<queue::Publish> publishes;
  std::vector<queue::Settle> settles;
  std::uint64_t taken_messages = 0;
  std::map<ConsumerNumber, std::vector<Ordinal>> acknowledged;  // of streams
  std::size_t acknowledge_calls = 0;
  std::optional<queue::StreamReading> last_reading;  // what the last consumer asked for
  std::map<queue::UploadId, std::vector<queue::BodyPart>> uploads;
  bool no_leader = false;      // for fetches
  bool hold_outcomes = false;  // keep them until release_outcomes()
  bool stall = false;          // synchronous calls keep their callbacks until unstall()

  // Oldest first; or newest first, as outcomes of several groups may come.
  void release_outcomes(bool backwards = false) {
    auto held = std::exchange(held_outcomes_, {});
    if (backwards) std::reverse(held.begin(), held.end());
    for (const cluster::CommandOutcome& outcome : held)
      send_outcomes({outcome});
  }
  void forget_parts() { part_octets_.clear(); }
  void lose_incarnation() {
    for (const auto& [key, sink] : std::map(sinks_))
      sink->on_incarnation_lost();
  }
  void unstall() {
    stall = false;
    for (auto& call : std::exchange(stalled_, {}))
      call();
  }

 protected:
  void later(std::function<void()> call) {
    if (stall)
      stalled_.push_back(std::move(call));
    else
      reactor_.post(std::move(call));
  }
  void send_outcomes(const std::vector<cluster::CommandOutcome>& outcomes) {
    for (const cluster::CommandOutcome& outcome : outcomes)
      if (auto sink = sinks_.find(outcome.origin.channel); sink != sinks_.end())
        sink->second->on_outcomes({&outcome, 1});
  }

  using Message = FakeMessage;
  using Held = FakeHeld;
  using Member = FakeMember;
  using Queue = FakeQueue;

  static void give_back(Queue& queue, Message message) {
    message.redelivered = true;
    auto before = [&](const Message& other) { return other.id < message.id; };
    queue.ready.insert(std::find_if_not(queue.ready.begin(), queue.ready.end(), before), message);
  }

  cluster::CommandOutcome decide(queue::Publish& publish) {
    publishes.push_back(publish);
    std::vector<queue::BodyPart> parts;
    if (publish.upload) parts = std::move(uploads.extract(publish.upload).mapped());
    for (QueueId id : publish.queues) {
      if (!queues_.contains(id)) continue;
      queues_[id].ready.push_back(
          {{EntryIndex{++last_entry_}, Slot{0}}, publish.content, parts, false, 0});
      reactor_.post([this, id] { dispatch(id); });
    }
    return {publish.origin, {publish_outcome, 0}};
  }
  cluster::CommandOutcome decide(queue::Settle& settle) {
    settles.push_back(settle);
    auto found = queues_.find(settle.queue);
    if (found == queues_.end()) return {settle.origin, {queue::OutcomeCode::queue_gone, 0}};
    for (const queue::Held& one : settle.messages) {
      auto held = found->second.held.find(one.message);
      if (held == found->second.held.end() || held->second.checkout != one.checkout) continue;
      for (Member& member : found->second.consumers)
        if (member.consumer.number == held->second.consumer) --member.holding;
      Message message = held->second.message;
      found->second.held.erase(held);
      if (settle.kind == queue::SettleKind::requeue_reject) ++message.failed;
      if (settle.kind >= queue::SettleKind::requeue_nack) give_back(found->second, message);
    }
    reactor_.post([this, id = settle.queue] { dispatch(id); });
    return {settle.origin, {}};
  }
  cluster::CommandOutcome decide(queue::Purge& purge) {
    Queue& queue = queues_[purge.queue];
    return {purge.origin, {queue::OutcomeCode::ok, std::exchange(queue.ready, {}).size()}};
  }
  cluster::CommandOutcome decide(queue::Seal& seal) { return {seal.origin, {}}; }
  cluster::CommandOutcome decide(queue::Part& part) {
    const MessageId at{EntryIndex{++last_entry_}, Slot{0}};
    part_octets_[at] = std::string(part.octets.body);
    uploads[part.upload].push_back({at, static_cast<std::uint32_t>(part.octets.body.size())});
    return {part.origin, {}};
  }
  Result<std::optional<Bytes>> octets_of(MessageId part) const {
    if (no_leader) return fail(ReplyCode::internal_error, "no leader");
    auto found = part_octets_.find(part);
    if (found == part_octets_.end()) return std::nullopt;
    return Bytes(found->second);
  }
  Result<queue::BrowsedPage> browsed(QueueId id, Ordinal from) {
    if (no_leader) return fail(ReplyCode::internal_error, "no leader");
    if (!queues_.contains(id)) return fail(ReplyCode::not_found, "gone");
    return page_of(id, queues_[id], from);
  }
  cluster::CommandOutcome decide(queue::DropUpload& drop) {
    uploads.erase(drop.upload);
    return {drop.origin, {}};
  }

  queue::Delivery hand_out(QueueId id, Queue& queue, std::uint64_t channel,
                           ConsumerNumber consumer) {
    Message message = queue.ready.front();
    queue.ready.pop_front();
    const CheckoutId checkout{Term{1}, ++last_checkout_};
    queue.held[message.id] = {message, checkout, channel, consumer};
    return {
        consumer, id, {message.id, checkout}, Term{1},        message.redelivered, message.failed,
        {},       0,  message.parts,          message.content};
  }
  void join(std::vector<Member>& members, queue::Consumer& consumer, ConsumerNumber number) {
    consumer.number = number;
    last_reading = consumer.reading;
    members.push_back({consumer, 0, 0});
  }
  void finish_reading(ConsumerNumber number, const std::vector<Ordinal>& offsets) {
    ++acknowledge_calls;
    auto& all = acknowledged[number];
    all.insert(all.end(), offsets.begin(), offsets.end());
    for (auto& [id, queue] : queues_)
      for (Member& member : queue.consumers)
        if (member.consumer.number == number) {
          member.holding -= static_cast<std::uint32_t>(offsets.size());
          reactor_.post([this, id = id] { dispatch(id); });
        }
  }
  void change_prefetch(ConsumerNumber number, std::uint32_t prefetch) {
    for (auto& [id, queue] : queues_)
      for (Member& member : queue.consumers)
        if (member.consumer.number == number) {
          member.consumer.prefetch = prefetch;
          reactor_.post([this, id = id] { dispatch(id); });
        }
  }
  void dispatch(QueueId id) {
    auto found = queues_.find(id);
    if (found == queues_.end()) return;
    Queue& queue = found->second;
    for (std::size_t passed = 0; !queue.ready.empty() && passed < queue.consumers.size();) {
      Member& member = queue.consumers[queue.turn++ % queue.consumers.size()];
      const std::uint32_t prefetch = member.consumer.no_ack ? 0 : member.consumer.prefetch;
      const bool at_end = member.consumer.reading && member.read == queue.ready.size();
      if (at_end || (prefetch != 0 && member.holding >= prefetch)) {
        ++passed;
        continue;
      }
      passed = 0;
      ++member.holding;
      const std::uint64_t channel = member.consumer.channel;
      std::vector<queue::Delivery> one{member.consumer.reading
                                           ? next_of_stream(id, queue, member)
                                           : hand_out(id, queue, channel, member.consumer.number)};
      if (auto sink = sinks_.find(channel); sink != sinks_.end())
        sink->second->on_deliveries(std::move(one));
    }
  }

  runtime::Reactor& reactor_;
  std::vector<std::function<void()>> stalled_;
  std::vector<cluster::CommandOutcome> held_outcomes_;
  std::map<QueueId, Queue> queues_;
  std::map<std::uint64_t, cluster::ChannelSink*> sinks_;
  std::map<MessageId, std::string> part_octets_;
  std::uint64_t last_entry_ = 0, last_checkout_ = 0;
};

}  // namespace warren::tests
