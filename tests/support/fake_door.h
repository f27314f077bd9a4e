// FakeDoor: a Door over the real catalog and the simplest queues: no groups, no log, no failover.
// Answers come in later turns of its reactor, as the cluster's would. Any thread may call run().
#pragma once

#include <algorithm>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "broker/cluster/door.h"
#include "broker/runtime/reactor.h"
#include "tests/support/fake_catalog.h"
#include "tests/support/fake_queues.h"

namespace warren::tests {

class FakeDoor final : public cluster::Door, public FakeQueues, public FakeCatalog {
 public:
  explicit FakeDoor(runtime::Reactor& reactor) : FakeQueues(reactor) {}

  // What a test may turn, on the reactor (see run()).
  bool routable = true, writable_now = true;
  std::vector<std::uint64_t> submit_sizes;
  std::vector<std::pair<GroupId, std::uint64_t>> whole;  // what was to stay together: how many
  // Any thread but the reactor: runs `act` there and waits.
  void run(std::function<void()> act) {
    std::promise<void> done;
    reactor_.post([&] {
      act();
      done.set_value();
    });
    done.get_future().wait();
  }
  void set_routable(bool value) {
    routable = value;
    if (value)
      for (auto& resume : std::exchange(routable_waiters_, {}))
        resume();
  }
  void set_writable(bool value) {
    writable_now = value;
    if (value)
      for (auto& resume : std::exchange(writable_waiters_, {}))
        resume();
  }
  std::size_t ready(std::string_view name) { return of(name).ready.size(); }
  std::size_t held(std::string_view name) { return of(name).held.size(); }
  std::size_t consumers(std::string_view name) { return of(name).consumers.size(); }
  std::size_t open_channels() const { return sinks_.size(); }
  void refuse_holdings(std::string_view name) {
    for (auto& [id, held] : of(name).held) {
      const queue::Held one{id, held.checkout};
      sinks_.at(held.channel)->on_holdings_refused(snapshot_->queue("/", name)->id, {&one, 1});
    }
  }

  NodeId self() const override { return NodeId{1}; }
  std::shared_ptr<const catalog::Snapshot> catalog() const override { return snapshot_; }
  bool may_route() const override { return routable; }
  void when_routable(std::function<void()> resume) override {
    routable_waiters_.push_back(std::move(resume));
  }
  std::uint64_t open_channel(cluster::ChannelSink* sink) override {
    sinks_[++last_channel_] = sink;
    return last_channel_;
  }
  void close_channel(std::uint64_t channel, std::function<void()> done) override {
    sinks_.erase(channel);
    std::erase_if(uploads,
                  [&](const auto& entry) { return queue::channel_of(entry.first) == channel; });
    for (auto& [id, queue] : queues_) {
      std::erase_if(queue.consumers,
                    [&](const Member& m) { return m.consumer.channel == channel; });
      for (auto held = queue.held.rbegin(); held != queue.held.rend();)
        if (held->second.channel == channel) {
          give_back(queue, held->second.message);
          held = decltype(held)(queue.held.erase(std::next(held).base()));
        } else {
          ++held;
        }
      dispatch(id);
    }
    later([done] { done(); });
  }
  void submit(GroupId, std::vector<queue::ClientCommand> commands) override {
    submit_sizes.push_back(commands.size());
    std::vector<cluster::CommandOutcome> outcomes;
    for (queue::ClientCommand& command : commands)
      outcomes.push_back(std::visit([this](auto& c) { return decide(c); }, command));
    if (hold_outcomes)
      held_outcomes_.insert(held_outcomes_.end(), outcomes.begin(), outcomes.end());
    else
      reactor_.post([this, outcomes] { send_outcomes(outcomes); });
  }
  void submit_whole(GroupId group, std::vector<queue::ClientCommand> commands) override {
    whole.push_back({group, commands.size()});
    submit(group, std::move(commands));
  }
  bool writable(GroupId) const override { return writable_now; }
  void when_writable(GroupId, std::function<void()> resume) override {
    writable_waiters_.push_back(std::move(resume));
  }
  void consume(GroupId, queue::Consumer consumer,
               std::function<void(Result<ConsumerNumber>)> done) override {
    later([this, consumer, done]() mutable {
      auto found = queues_.find(consumer.queue);
      if (found == queues_.end()) return done(fail(ReplyCode::not_found, "gone"));
      auto& members = found->second.consumers;
      if (!members.empty() && (consumer.exclusive || members[0].consumer.exclusive))
        return done(fail(ReplyCode::access_refused, "exclusive"));
      join(members, consumer, ConsumerNumber{++last_consumer_});
      done(consumer.number);
      dispatch(consumer.queue);
    });
  }
  void cancel(GroupId, ConsumerNumber number, std::function<void()> done) override {
    later([this, number, done] {
      for (auto& [id, queue] : queues_)
        std::erase_if(queue.consumers,
                      [&](const Member& m) { return m.consumer.number == number; });
      done();
    });
  }
  void taken(GroupId, ConsumerNumber, std::uint64_t count) override { taken_messages += count; }
  void set_prefetch(GroupId, ConsumerNumber number, std::uint32_t prefetch) override {
    change_prefetch(number, prefetch);
  }
  void acknowledge(GroupId, ConsumerNumber number, std::vector<Ordinal> offsets) override {
    finish_reading(number, offsets);
  }
  void get(GroupId, queue::GetRequest request,
           std::function<void(Result<queue::GetReply>)> done) override {
    later([this, request, done] {
      Queue& queue = queues_[request.queue];
      queue::GetReply reply;
      reply.origin = request.origin;
      if (!queue.ready.empty())
        reply.delivery = hand_out(request.queue, queue, request.origin.channel, {});
      reply.ready_left = queue.ready.size();
      done(reply);
    });
  }
  void counts(GroupId, QueueId id, std::function<void(Result<queue::QueueCounts>)> done) override {
    later([this, id, done] { done(counts_of(id, queues_[id])); });
  }
  void browse(GroupId, QueueId id, Ordinal from,
              std::function<void(Result<queue::BrowsedPage>)> done) override {
    later([this, id, from, done] { done(browsed(id, from)); });
  }
  void fetch(GroupId, MessageId part,
             std::function<void(Result<std::optional<Bytes>>)> done) override {
    later([this, part, done] { done(octets_of(part)); });
  }
  void reply(cluster::DirectReply reply, std::function<void(bool taken)> done) override {
    later([this, reply, done] {
      auto sink = sinks_.find(reply.to.channel);
      done(sink != sinks_.end() &&
           sink->second->on_reply(reply.to.secret, reply.content ? &*reply.content : nullptr));
    });
  }
  void define(catalog::Command command,
              std::function<void(Result<catalog::Outcome>)> done) override {
    later([this, command, done] {
      const catalog::Outcome outcome = apply(command);
      if (outcome.queue) queues_[outcome.queue];
      if (outcome.created) queues_[QueueId{outcome.index.value}];  // of a history
      done(outcome);
    });
  }
  void delete_queue(QueueId id, bool if_unused, bool if_empty,
                    std::function<void(Result<std::uint64_t>)> done) override {
    later([this, id, if_unused, if_empty, done] {
      auto found = queues_.find(id);
      if (found == queues_.end()) return done(fail(ReplyCode::not_found, "gone"));
      Queue& queue = found->second;
      if (if_unused && !queue.consumers.empty())
        return done(fail(ReplyCode::precondition_failed, "in use"));
      if (if_empty && !queue.ready.empty())
        return done(fail(ReplyCode::precondition_failed, "not empty"));
      const std::uint64_t ready = queue.ready.size();
      const std::vector<Member> members = std::move(queue.consumers);
      queues_.erase(found);
      apply(catalog::DeleteQueue{id});
      for (const Member& member : members)
        if (auto sink = sinks_.find(member.consumer.channel); sink != sinks_.end())
          sink->second->on_consumer_cancelled(member.consumer.number);
      done(ready);
    });
  }

 private:
  Queue& of(std::string_view name) { return queues_[snapshot_->queue("/", name)->id]; }
  std::vector<std::function<void()>> routable_waiters_, writable_waiters_;
  std::uint64_t last_channel_ = 0, last_consumer_ = 0;
};

}  // namespace warren::tests
