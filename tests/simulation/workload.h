// Workload: simulated AMQP clients: publishers that count confirms, consumers that ack, requeue,
// reject, get, close their channels, and go elsewhere when their node dies.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/cluster.h"
#include "tests/simulation/queue_kinds.h"

namespace warren::simulation {

class Workload final : public Users {
 public:
  Workload(Cluster& cluster, std::uint32_t queues, std::uint32_t publishers);

  void start();
  void stop_publishing() { publishing_ = false; }
  void drain() { draining_ = true; }
  // Of a stream: has everybody who reads it come to that end?
  bool all_read(QueueId queue, Ordinal end) const;
  // Consumers go, and come again.
  void rest(bool resting) { resting_ = resting; }
  // To queues that let nothing else happen to them: some later, some for a while. False: there is
  // no such queue.
  bool publish_timed();
  bool declared() const { return queues_.size() == queue_count_; }
  std::map<QueueId, GroupId> queues() const { return queues_; }
  std::uint64_t published() const { return published_; }

  void on_outcome(std::uint64_t channel, std::uint64_t tag, queue::Outcome outcome) override;
  void on_delivery(std::uint64_t channel, GroupId group, queue::Delivery delivery) override;
  void on_consumer_cancelled(std::uint64_t channel) override;
  void on_refused(std::uint64_t channel, QueueId queue, std::span<const queue::Held> held) override;
  void on_node_lost(NodeId node) override;

 private:
  // A message whose body goes ahead of it, step by step.
  struct Upload {
    Key key;
    std::map<GroupId, std::vector<QueueId>> targets;
    std::uint64_t parts = 0;  // so far
    std::uint64_t wanted = 0;
    std::uint64_t octets = 0;
  };
  struct Publisher {
    std::uint64_t id = 0;
    std::uint64_t channel = 0;  // 0: not connected
    NodeId node;
    std::uint64_t next_sequence = 1;
    std::uint64_t next_tag = 1;
    std::map<std::uint64_t, std::pair<Key, std::vector<QueueId>>> unconfirmed;  // by tag
    std::optional<Upload> upload;
  };
  struct Consumer {
    QueueId queue;
    std::uint64_t channel = 0;  // 0: not connected
    NodeId node;
    bool asked = false;
    bool gets = false;                 // basic.get instead of basic.consume
    std::optional<std::string> reads;  // a stream, by that name; "": from the first message
    ConsumerNumber number;             // as it was asked for last
    std::uint32_t prefetch = 0;
    std::map<queue::Held, BootTime> held;  // since when
    struct Acking {
      queue::Held held;
      BootTime since{};
    };
    std::map<std::uint64_t, Acking> acking;  // by tag
  };

  void declare(std::uint32_t number);
  void publish(Publisher& publisher);
  void publish_one(Publisher& publisher, Process& process);
  void upload_step(Publisher& publisher, Process& process);
  void send_part(Publisher& publisher, Process& process);
  void end_upload(Publisher& publisher, Process& process);
  std::uint64_t delay(const Key& key, const std::map<GroupId, std::vector<QueueId>>& targets);
  void publish_later(QueueId queue, GroupId group, Milliseconds delay, Milliseconds ttl);
  void submit_publish(Publisher& publisher, Process& process, GroupId group,
                      queue::Publish publish);
  void publisher_step(std::size_t index);
  using LargeDelivery = std::shared_ptr<const queue::Delivery>;
  void read_part(std::uint64_t channel, GroupId group, LargeDelivery delivery, std::size_t part);
  void check_part(const LargeDelivery& delivery, GroupId group, std::size_t part,
                  const std::optional<Bytes>& octets);
  void settle_later(std::uint64_t channel, GroupId group, QueueId queue, queue::Held held);
  void acknowledge_later(std::uint64_t channel, GroupId group, Ordinal offset, queue::Held held);
  void acknowledge(std::uint64_t channel, GroupId group, Ordinal offset, queue::Held held);
  void consumer_step(std::size_t index);
  void consume(Consumer& consumer);
  void get(Consumer& consumer);
  void settle(std::uint64_t channel, GroupId group, QueueId queue, queue::Held held);
  void close(Consumer& consumer);
  Process* connect(std::uint64_t& channel, NodeId& node);
  Consumer* consumer_of(std::uint64_t channel);

  Cluster& cluster_;
  World& world_;
  const std::uint32_t queue_count_;
  const std::uint64_t first_kind_;  // of the first queue; the others follow in turn
  std::map<QueueId, GroupId> queues_;
  std::map<std::uint32_t, NodeId> declaring_;  // queue's number -> the node that was asked
  std::vector<Publisher> publishers_;
  std::vector<Consumer> consumers_;
  std::uint64_t next_channel_ = 1;
  std::uint64_t published_ = 0;
  std::uint64_t next_settle_ = 1;
  bool publishing_ = true;
  bool draining_ = false;
  bool resting_ = false;
};

}  // namespace warren::simulation
