// NodeInspector: answers listings: definitions from the newest catalog, what only their node knows
// (connections, counts, memory) from every node that answers. Owned by Node; any thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/cluster/cluster.h"
#include "broker/config/settings.h"
#include "broker/frontend/listener.h"
#include "broker/inspect/inspector.h"

namespace warren {

// What a queue's leader knows of it.
struct QueueTally {
  QueueId queue;
  std::string node;
  std::uint64_t ready = 0, unacknowledged = 0, consumers = 0, bytes = 0, delayed = 0;
};

// Whom a queue with a single active consumer serves, as its leader knows.
struct ActiveConsumer {
  std::string vhost, queue;
  std::string node;  // the consumer's
  ConsumerNumber number;
  auto operator<=>(const ActiveConsumer&) const = default;
};

class NodeInspector final : public inspect::Inspector {
 public:
  NodeInspector(const config::Settings& settings, cluster::Cluster& cluster);
  // Once the front end listens; null again before it goes.
  void set_front_end(std::shared_ptr<frontend::ListenerGroup> front_end);
  // What this node tells of itself; and all alarms of the cluster, in words.
  void set_own_alarms(bool memory, bool disk) {
    memory_alarm_ = memory;
    disk_alarm_ = disk;
  }
  void set_alarm_texts(std::vector<std::string> texts) {
    std::lock_guard lock(mutex_);
    alarm_texts_ = std::move(texts);
  }
  NodeId self_id() const { return cluster_.self(); }

  void collect(const std::string& vhost, inspect::Done<inspect::Queue> done) override;
  void collect(const std::string& vhost, inspect::Done<inspect::Exchange> done) override;
  void collect(const std::string& vhost, inspect::Done<inspect::Binding> done) override;
  void collect(const std::string& vhost, inspect::Done<inspect::Connection> done) override;
  void collect(const std::string& vhost, inspect::Done<inspect::Channel> done) override;
  void collect(const std::string& vhost, inspect::Done<inspect::Consumer> done) override;
  void collect(const std::string& vhost, inspect::Done<inspect::Permission> done) override;
  void collect(const std::string& vhost, inspect::Done<inspect::Vhost> done) override;
  void collect(const std::string& vhost, inspect::Done<inspect::User> done) override;
  void collect(const std::string& vhost, inspect::Done<inspect::Node> done) override;
  void collect(const std::string& vhost, inspect::Done<inspect::Group> done) override;
  void collect(const std::string& vhost, inspect::Done<inspect::GroupDigest> done) override;
  void status(std::move_only_function<void(inspect::Status)> done) override;
  std::optional<inspect::Login> login(const std::string& user, const std::string& password,
                                      bool loopback) override;

 private:
  // What other nodes ask this one for; see Cluster::set_local_rows.
  void local_rows(const std::string& kind, std::function<void(std::string)> done);
  void local_clients(const std::string& kind, std::function<void(std::string)> done);
  std::vector<inspect::Group> groups_of(cluster::Lane& lane) const;
  std::vector<inspect::GroupDigest> digests_of(cluster::Lane& lane) const;
  std::vector<QueueTally> tallies_of(cluster::Lane& lane) const;
  std::vector<ActiveConsumer> active_consumers_of(cluster::Lane& lane) const;
  inspect::Node self() const;
  std::shared_ptr<frontend::ListenerGroup> front_end() const;
  std::vector<std::string> alarm_texts() const {
    std::lock_guard lock(mutex_);
    return alarm_texts_;
  }

  template <typename Row>
  void gather(const std::string& kind, std::function<void(std::vector<Row>)> done);

  const config::Settings& settings_;
  cluster::Cluster& cluster_;
  const std::uint64_t started_ms_;
  std::atomic<bool> memory_alarm_{false}, disk_alarm_{false};
  mutable std::mutex mutex_;
  std::vector<std::string> alarm_texts_;
  std::shared_ptr<frontend::ListenerGroup> front_end_;
};

}  // namespace warren
