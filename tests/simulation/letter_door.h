// LetterDoor: what the production worker of dead letters wants of a node's front end, over a
// simulated node. Whatever its node does not survive is told to have failed, as the node would.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "broker/cluster/dead_letter_worker.h"
#include "broker/cluster/door.h"
#include "tests/simulation/cluster.h"

namespace warren::simulation {

class LetterDoor final : public cluster::Door {
 public:
  explicit LetterDoor(Process& process);

  void take(GroupId source, std::vector<replica::DeadLetterJob> letters);
  // False: it is nobody's of this door.
  bool on_outcome(const queue::CommandOutcome& outcome);
  // The node's incarnation has ended.
  void on_lost();

  // Door
  NodeId self() const override { return NodeId(); }
  std::shared_ptr<const catalog::Snapshot> catalog() const override;
  bool may_route() const override { return true; }
  void when_routable(std::function<void()>) override {}
  std::uint64_t open_channel(cluster::ChannelSink* sink) override;
  void submit(GroupId group, std::vector<queue::ClientCommand> commands) override;
  bool writable(GroupId) const override { return true; }
  void when_writable(GroupId, std::function<void()>) override {}
  void fetch(GroupId group, MessageId part,
             std::function<void(Result<std::optional<Bytes>>)> done) override;
  // Not a worker's business.
  void close_channel(std::uint64_t, std::function<void()>) override {}
  void submit_whole(GroupId, std::vector<queue::ClientCommand>) override {}
  void consume(GroupId, queue::Consumer, std::function<void(Result<ConsumerNumber>)>) override {}
  void cancel(GroupId, ConsumerNumber, std::function<void()>) override {}
  void taken(GroupId, ConsumerNumber, std::uint64_t) override {}
  void set_prefetch(GroupId, ConsumerNumber, std::uint32_t) override {}
  void acknowledge(GroupId, ConsumerNumber, std::vector<Ordinal>) override {}
  void get(GroupId, queue::GetRequest, std::function<void(Result<queue::GetReply>)>) override {}
  void counts(GroupId, QueueId, std::function<void(Result<queue::QueueCounts>)>) override {}
  void browse(GroupId, QueueId, Ordinal, std::function<void(Result<queue::BrowsedPage>)>) override {
  }
  void reply(cluster::DirectReply, std::function<void(bool)>) override {}
  void define(catalog::Command, std::function<void(Result<catalog::Outcome>)>) override {}
  void delete_queue(QueueId, bool, bool, std::function<void(Result<std::uint64_t>)>) override {}

 private:
  using Fetched = std::function<void(Result<std::optional<Bytes>>)>;

  Process& process_;
  cluster::ChannelSink* sink_ = nullptr;
  std::multiset<std::uint64_t> undecided_;  // tags, one a command
  std::map<std::uint64_t, Fetched> fetching_;
  std::uint64_t last_fetch_ = 0;
  cluster::DeadLetterWorker worker_;
};

}  // namespace warren::simulation
