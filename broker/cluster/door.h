// Door: all that the front end may ask of the cluster. One Door a reactor; every call is made and
// every callback comes on that reactor. Implemented by cluster; the front end never sees leaders,
// sessions, streams or other nodes. Lifetime: the node's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/ids.h"
#include "broker/base/result.h"
#include "broker/catalog/command.h"
#include "broker/catalog/snapshot.h"
#include "broker/cluster/direct_reply.h"
#include "broker/queue/client_command.h"
#include "broker/queue/delivery.h"

namespace warren::cluster {

using queue::CommandOutcome;

// Implemented by a front-end channel. After close_channel nothing is called any more.
class ChannelSink {
 public:
  virtual ~ChannelSink() = default;
  // One for each submitted command, as they are decided; across groups in any order.
  virtual void on_outcomes(std::span<const CommandOutcome> outcomes) = 0;
  // In the order of the leader's dispatch per consumer. The sink owns them until it settles them.
  virtual void on_deliveries(std::vector<queue::Delivery> deliveries) = 0;
  virtual void on_consumer_cancelled(ConsumerNumber consumer) = 0;
  // These holdings are no longer the channel's: its later settles of them are to be dropped
  // silently.
  virtual void on_holdings_refused(QueueId queue, std::span<const queue::Held> refused) = 0;
  // A direct reply to its consumer of that secret; null: only asked whether it would be taken.
  // False: nobody takes it.
  virtual bool on_reply(std::uint64_t secret, const queue::Content* content) = 0;
  // The node was declared dead and lives after all: close the connection (320) when it owned
  // exclusive queues. Its address for replies is void.
  virtual void on_incarnation_lost() = 0;
};

class Door {
 public:
  virtual ~Door() = default;

  virtual NodeId self() const = 0;
  // The newest applied definitions; immutable, shared by all reactors. Never null once serving.
  virtual std::shared_ptr<const catalog::Snapshot> catalog() const = 0;
  // May publishes be routed on catalog() now (routing lease, architecture §8)? While false, hold
  // them; `when_routable` is called once when it becomes true again.
  virtual bool may_route() const = 0;
  virtual void when_routable(std::function<void()> resume) = 0;

  // A key for Origin::channel and Consumer::channel, never reused.
  virtual std::uint64_t open_channel(ChannelSink* sink) = 0;
  // Cancels its consumers, drops its uploads (queue::upload_of its key) unless a publish has named
  // them, returns what it holds (kind requeue_lost), drops its outcomes. `done` when the settles
  // that went before are committed and the returns proposed.
  virtual void close_channel(std::uint64_t channel, std::function<void()> done) = 0;

  // The group that hosts the queue is catalog()->queue(id)->group. Commands to one group keep their
  // order. Each gets one outcome, by the publish timeout at the latest for publishes.
  virtual void submit(GroupId group, std::vector<queue::ClientCommand> commands) = 0;
  // The same, and all of them in one entry of the group's log: all are applied together, or none.
  virtual void submit_whole(GroupId group, std::vector<queue::ClientCommand> commands) = 0;
  // False: the group's bound of undecided bytes is reached; stop reading from publishers until
  // when_writable's callback.
  virtual bool writable(GroupId group) const = 0;
  virtual void when_writable(GroupId group, std::function<void()> resume) = 0;

  // Synchronous methods: answered, or 541 when there was no leader within the time limit.
  // `consumer.number` is filled in by the door. Deliveries may come only after the callback.
  virtual void consume(GroupId group, queue::Consumer consumer,
                       std::function<void(Result<ConsumerNumber>)> done) = 0;
  virtual void cancel(GroupId group, ConsumerNumber consumer, std::function<void()> done) = 0;
  // The consumer's socket has taken so many of its deliveries: more may come. Not told of consumers
  // without acks, whose settles say so.
  virtual void taken(GroupId group, ConsumerNumber consumer, std::uint64_t messages) = 0;
  // Of a consumer that is there; it keeps what it holds above a lower one.
  virtual void set_prefetch(GroupId group, ConsumerNumber consumer, std::uint32_t prefetch) = 0;
  // The consumer of a stream is done with these: as many more may come, and where its reading is
  // tracked, they count as read. No outcome; nothing waits for it.
  virtual void acknowledge(GroupId group, ConsumerNumber consumer,
                           std::vector<Ordinal> offsets) = 0;
  virtual void get(GroupId group, queue::GetRequest request,
                   std::function<void(Result<queue::GetReply>)> done) = 0;
  virtual void counts(GroupId group, QueueId queue,
                      std::function<void(Result<queue::QueueCounts>)> done) = 0;
  // Messages of a stream from there on, some hundred KiB at most, or one; nothing is held. What was
  // decided before of this node's commands is in it. 404: it is gone.
  virtual void browse(GroupId group, QueueId queue, Ordinal from,
                      std::function<void(Result<queue::BrowsedPage>)> done) = 0;

  // Octets of a body that goes ahead of its message (queue::Delivery::parts); nothing: they are
  // gone. An error: no leader within the time limit; ask again.
  virtual void fetch(GroupId group, MessageId part,
                     std::function<void(Result<std::optional<Bytes>>)> done) = 0;

  // A direct reply, to a channel of any node; without content: is somebody there? Replies of one
  // door to one node keep their order. `done` says whether it was taken, within some seconds.
  virtual void reply(DirectReply reply, std::function<void(bool taken)> done) = 0;

  // Definitions. The callback comes when the command is committed and every node that routes has
  // applied it (architecture §8), with its outcome.
  virtual void define(catalog::Command command,
                      std::function<void(Result<catalog::Outcome>)> done) = 0;
  // Seal in the group, then delete from the catalog: the whole of queue.delete.
  virtual void delete_queue(QueueId queue, bool if_unused, bool if_empty,
                            std::function<void(Result<std::uint64_t>)> done) = 0;
};

}  // namespace warren::cluster
