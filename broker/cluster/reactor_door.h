// ReactorDoor: the Door of one reactor's front end. Turns its calls into calls of the lane that the
// group lives on, and brings the answers back to this reactor. Lives on its reactor.
#pragma once

#include <boost/container/flat_set.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "broker/base/ids.h"
#include "broker/cluster/door.h"
#include "broker/cluster/lane.h"
#include "broker/cluster/reply_sender.h"
#include "broker/replica/catalog_client.h"
#include "broker/runtime/reactor.h"
#include "broker/runtime/timer.h"

namespace warren::cluster {

// The node around the doors. Any thread.
class DoorWorld {
 public:
  virtual ~DoorWorld() = default;
  virtual NodeId self() const = 0;
  virtual Lane& lane_of(GroupId group) = 0;
  virtual bool may_route() const = 0;
  virtual ConsumerNumber next_consumer() = 0;
  // `done` comes on the catalog's reactor.
  virtual void define(catalog::Command command, replica::CatalogClient::Done done) = 0;
  virtual Milliseconds operation_timeout() const = 0;
  // Where a new queue is hosted best: a group that this node leads and that has room, if any.
  virtual std::optional<GroupId> preferred_group() const = 0;
  // To the doors of that node, which may be this one.
  virtual void carry_replies(NodeId node, std::vector<DirectReply> replies, RepliesTaken taken) = 0;
};

class ReactorDoor final : public Door {
 public:
  // `index` of `count` doors: channel keys tell which door they belong to.
  ReactorDoor(runtime::Reactor& reactor, std::size_t index, std::size_t count, DoorWorld& world);
  ~ReactorDoor() override;
  static std::size_t index_of(std::uint64_t channel, std::size_t count) { return channel % count; }
  runtime::Reactor& reactor() { return reactor_; }

  NodeId self() const override { return world_.self(); }
  std::shared_ptr<const catalog::Snapshot> catalog() const override { return catalog_; }
  bool may_route() const override { return world_.may_route(); }
  void when_routable(std::function<void()> resume) override;
  std::uint64_t open_channel(ChannelSink* sink) override;
  void close_channel(std::uint64_t channel, std::function<void()> done) override;
  void submit(GroupId group, std::vector<queue::ClientCommand> commands) override;
  void submit_whole(GroupId group, std::vector<queue::ClientCommand> commands) override;
  bool writable(GroupId group) const override;
  void when_writable(GroupId group, std::function<void()> resume) override;
  void consume(GroupId group, queue::Consumer consumer,
               std::function<void(Result<ConsumerNumber>)> done) override;
  void cancel(GroupId group, ConsumerNumber consumer, std::function<void()> done) override;
  void taken(GroupId group, ConsumerNumber consumer, std::uint64_t messages) override;
  void set_prefetch(GroupId group, ConsumerNumber consumer, std::uint32_t prefetch) override;
  void acknowledge(GroupId group, ConsumerNumber consumer, std::vector<Ordinal> offsets) override;
  void get(GroupId group, queue::GetRequest request,
           std::function<void(Result<queue::GetReply>)> done) override;
  void counts(GroupId group, QueueId queue,
              std::function<void(Result<queue::QueueCounts>)> done) override;
  void browse(GroupId group, QueueId queue, Ordinal from,
              std::function<void(Result<queue::BrowsedPage>)> done) override;
  void fetch(GroupId group, MessageId part,
             std::function<void(Result<std::optional<Bytes>>)> done) override;
  void reply(DirectReply reply, std::function<void(bool taken)> done) override;
  void define(catalog::Command command,
              std::function<void(Result<catalog::Outcome>)> done) override;
  void delete_queue(QueueId queue, bool if_unused, bool if_empty,
                    std::function<void(Result<std::uint64_t>)> done) override;

  // --- From the lanes, on this reactor.
  void start();
  void stop();
  void set_catalog(std::shared_ptr<const catalog::Snapshot> catalog);
  void on_routable();
  void on_writable(GroupId group);
  void on_outcomes(std::vector<CommandOutcome> outcomes);
  void on_deliveries(std::uint64_t channel, std::vector<queue::Delivery> deliveries);
  void on_consumer_cancelled(std::uint64_t channel, ConsumerNumber number);
  void on_holdings_refused(std::uint64_t channel, QueueId queue, std::vector<queue::Held> refused);
  bool on_reply(const DirectReply& reply);
  void on_incarnation_lost();

 private:
  struct Channel {
    ChannelSink* sink = nullptr;
    boost::container::flat_set<GroupId> groups;  // where it may hold or have asked something
  };
  struct Deletion {
    QueueId queue;
    std::string vhost, name;
    BootTime deadline{};
    std::function<void(Result<std::uint64_t>)> done;
  };

  // Runs on the group's lane, with its client; `absent` when this node has no session now.
  void with_client(GroupId group,
                   std::move_only_function<void(replica::GroupClient&, BootTime)> use,
                   std::move_only_function<void()> absent);
  // Wraps an answer so that it is given on this reactor.
  template <typename... Args>
  std::function<void(Args...)> back(std::function<void(Args...)> done);
  using Submit = void (replica::GroupClient::*)(std::vector<queue::ClientCommand>, BootTime);
  void submit_by(Submit how, GroupId group, std::vector<queue::ClientCommand> commands);
  void on_arrived(GroupId group, std::size_t octets, bool full);
  void resume_writers(GroupId group);
  void note_group(std::uint64_t channel, GroupId group);
  void once_applied(CatalogIndex index, BootTime deadline, std::function<void(bool applied)> then);
  void on_sealed(std::uint64_t tag, const queue::Outcome& outcome);
  void expire_deletions();
  void expire_catalog_waiters();

  runtime::Reactor& reactor_;
  const std::size_t index_;
  const std::size_t count_;
  DoorWorld& world_;
  runtime::Timer timer_;
  std::shared_ptr<const catalog::Snapshot> catalog_;
  std::uint64_t last_channel_ = 0;
  std::map<std::uint64_t, Channel> channels_;
  std::vector<std::function<void()>> routable_waiters_;
  std::set<GroupId> full_;
  std::map<GroupId, std::size_t> in_transit_;  // octets that their lane has not taken over yet
  std::map<GroupId, std::vector<std::function<void()>>> writable_waiters_;
  struct CatalogWaiter {
    BootTime deadline;
    std::function<void(bool applied)> then;
  };
  std::multimap<CatalogIndex, CatalogWaiter> catalog_waiters_;
  ReplySender replies_;
  std::uint64_t seal_channel_ = 0;  // the door's own, for deletions
  std::uint64_t last_deletion_ = 0;
  std::map<std::uint64_t, Deletion> deletions_;
};

}  // namespace warren::cluster
