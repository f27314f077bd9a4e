// GroupClient: a node's front end towards one group: its session, what its consumers hold, and the
// requests that wait for an answer. Hides leaders and streams: after every reset it re-sends,
// attaches and goes on. One for each (node incarnation, group); the owner
// (cluster's Door) carries its messages, connects it to leaders and turns it. Pure: one reactor.
// Architecture §8. When the session ends, the object is of no use any more: make another.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/ids.h"
#include "broker/base/result.h"
#include "broker/queue/client_command.h"
#include "broker/queue/delivery.h"
#include "broker/replica/client_consumer.h"
#include "broker/replica/group_client_config.h"
#include "broker/replica/holdings.h"
#include "broker/replica/stream_codec.h"
#include "broker/session/client_stream.h"

namespace warren::replica {

using queue::CommandOutcome;

// Whom it tells; called from inside turn() only, never from the calls that ask.
class GroupClientSink {
 public:
  virtual ~GroupClientSink() = default;
  virtual void send(session::ToHost message) = 0;
  // Find the group's leader (`hint`: who may know or be it; 0 nobody) and call connect().
  virtual void seek_leader(NodeId hint) = 0;
  virtual void on_outcomes(std::vector<CommandOutcome> outcomes) = 0;
  // All for one channel.
  virtual void on_deliveries(std::uint64_t channel, std::vector<queue::Delivery> deliveries) = 0;
  virtual void on_consumer_cancelled(std::uint64_t channel, ConsumerNumber number) = 0;
  virtual void on_holdings_refused(std::uint64_t channel, QueueId queue,
                                   std::vector<queue::Held> refused) = 0;
  virtual void on_writable() = 0;
  // The group ended this incarnation of the node. Every command has got its outcome.
  virtual void on_session_ended() = 0;
};

class GroupClient {
 public:
  // `host`: a local group's life (session::Open::host).
  GroupClient(SessionId session, GroupClientConfig config, GroupClientSink& sink,
              Incarnation host = {});
  ~GroupClient();

  // The owner's catalog, named by the batches from now on. Never falls.
  void set_catalog_index(CatalogIndex index);

  void submit(std::vector<queue::ClientCommand> commands, BootTime now);
  // All of them in one batch, and so in one log entry.
  void submit_whole(std::vector<queue::ClientCommand> commands, BootTime now);
  // False: publishers are to wait for on_writable().
  bool writable() const;

  // As Door has them. `consumer.number` is given by the owner, rising. Answers come from turn().
  template <typename T>
  using Answer = std::function<void(Result<T>)>;
  void consume(queue::Consumer consumer, Answer<ConsumerNumber> done, BootTime now);
  void cancel(ConsumerNumber number, std::function<void()> done, BootTime now);
  void taken(ConsumerNumber number, std::uint64_t messages, BootTime now);
  void set_prefetch(ConsumerNumber number, std::uint32_t prefetch, BootTime now);
  // Of a stream's consumer. What is not its own, or was acknowledged before, is passed over.
  void acknowledge(ConsumerNumber number, std::span<const Ordinal> offsets, BootTime now);
  void get(queue::GetRequest request, Answer<queue::GetReply> done, BootTime now);
  void counts(QueueId queue, Answer<queue::QueueCounts> done, BootTime now);
  void browse(QueueId queue, Ordinal from, Answer<queue::BrowsedPage> done, BootTime now);
  // Octets of a large body; nothing: they are gone. An error: no leader, ask again.
  void fetch(MessageId part, Answer<std::optional<Bytes>> done, BootTime now);
  // Cancels the channel's consumers, drops its uploads, returns what it holds, and calls `done`
  // when everything that was submitted before is decided, or the request timeout has passed.
  void close_channel(std::uint64_t channel, std::function<void()> done, BootTime now);

  // The path to a leader, found by the owner after seek_leader().
  void connect(BootTime now);
  void disconnect(NodeId hint);
  void on_message(session::ToClient message, BootTime now);

  // Sends what the calls made due and tells the sink what happened. Call after each bout of inputs,
  // and every 10 to 100 ms for the deadlines.
  void turn(BootTime now);
  bool has_work() const;

  session::ClientStream::Phase phase() const { return stream_.phase(); }
  // The group died with its node. Every command gets its outcome, every consumer is cancelled.
  void abandon() { stream_.abandon(); }
  bool idle() const;  // nothing held, nothing undecided, no consumer: may be dropped

 private:
  struct Waiting {  // a command whose outcome is owed
    queue::Origin origin;
    BootTime deadline{};  // publishes; zero: none
    std::uint32_t bytes = 0;
    bool told = false;       // timed out, or nobody waits: its true outcome is dropped
    bool with_next = false;  // goes in the batch of the one behind it
  };
  struct SentBatch {
    BatchNumber number;
    BootTime made{};
    std::vector<Waiting> commands;
    std::size_t undue = 0;  // commands before have timed out or have no deadline
  };
  // A request on the stream. Abandoned ones are still answered, so that what the leader gave can
  // be given back.
  struct Asked {
    BootTime deadline{};
    std::uint64_t channel = 0;  // of a get or a consume
    bool abandoned = false;
    std::function<void(Result<StreamReply>, bool abandoned)> done;
  };
  struct Closing {
    std::size_t cancels = 0;  // unanswered; what the leader had sent before returns behind them
    std::uint64_t after = 0;  // so many commands must be decided
    BootTime deadline{};
    std::function<void()> done;
  };

  // group_client.cpp
  void take(queue::ClientCommand command, Waiting waiting);
  void note_full();
  void make_batches();
  void make_batch();
  Waiting waiting_for(const queue::ClientCommand& command, BootTime now) const;
  void translate(queue::Settle& settle);
  void submit_silently(queue::ClientCommand command);
  void settle_silently(QueueId queue, queue::SettleKind kind, std::vector<queue::Held> held);
  void drain();
  void handle(session::Decided decided);
  void handle(session::Attached attached);
  void handle(session::Reply reply);
  void handle(session::Event event);
  void handle(session::SeekLeader seek);
  void handle(session::SessionEnded ended);
  void count(std::int64_t bytes);
  void decide(const Waiting& command, queue::Outcome outcome);
  void finish_closings(BootTime now);
  void expire(BootTime now);
  void expire_commands(std::vector<Waiting>& commands, std::size_t& undue, BootTime now);
  void tell();

  // group_client_requests.cpp
  void ask(StreamRequest request, session::ClientStream::RequestOrder order, std::uint64_t channel,
           std::function<void(Result<StreamReply>, bool)> done, BootTime now);
  void expire_requests(BootTime now);
  void fail_requests();
  void finish_consume(ConsumerNumber number, Result<StreamReply> reply, bool abandoned,
                      const std::function<void(Result<ConsumerNumber>)>& done);
  void finish_get(std::uint64_t channel, Result<StreamReply> reply, bool abandoned,
                  const std::function<void(Result<queue::GetReply>)>& done);
  bool may_cancel_at_leader() const;
  void cancelled_for(std::uint64_t closing);
  ClientConsumer* reader(ConsumerNumber number);
  void tell_reading(ConsumerNumber number);
  void forget_consumer(ConsumerNumber number);
  void cancel_at_leader(ConsumerNumber number, std::function<void()> done, BootTime now);
  void take_deliveries(std::vector<queue::Delivery> deliveries);
  void consumer_gone(ConsumerNumber number);
  Bytes claims() const;

  const SessionId session_;
  const GroupClientConfig config_;
  GroupClientSink& sink_;
  session::ClientStream stream_;
  CatalogIndex catalog_index_;
  BootTime now_{};
  bool ended_ = false;

  std::vector<queue::ClientCommand> unsent_;  // not yet in a batch
  std::vector<Waiting> unsent_waiting_;       // beside it
  std::size_t unsent_undue_ = 0;
  std::deque<SentBatch> sent_;
  std::uint64_t undecided_bytes_ = 0;
  std::uint64_t submitted_ = 0;  // commands, ever
  std::uint64_t decided_ = 0;
  bool was_full_ = false;

  std::set<queue::UploadId> uploads_;  // begun, and no message has named them yet
  std::map<ConsumerNumber, ClientConsumer> consumers_;
  std::map<ConsumerNumber, ClientConsumer> leaving_;  // cancelled, and tracked readers
  Holdings holdings_;
  std::map<session::RequestId, Asked> asked_;
  std::map<std::uint64_t, Closing> closings_;
  std::uint64_t last_closing_ = 0;
  // What the sink and the callers are to be told by turn().
  std::vector<CommandOutcome> outcomes_;
  std::vector<std::function<void()>> to_tell_;
};

}  // namespace warren::replica
