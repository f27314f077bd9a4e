// Channel: one AMQP channel of a connection: runs its methods in order. While a synchronous one
// waits for the cluster, later frames of this channel wait too; other channels go on. Owned by its
// connection; its reactor. Source: AMQP 0-9-1 §1.5 to §1.8, and RabbitMQ's extensions.
#pragma once

#include <boost/container/flat_map.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/amqp/frame.h"
#include "broker/amqp/methods.h"
#include "broker/cluster/door.h"
#include "broker/frontend/confirms.h"
#include "broker/frontend/consumer.h"
#include "broker/frontend/content.h"
#include "broker/frontend/delivery.h"
#include "broker/frontend/listing.h"
#include "broker/frontend/permissions.h"
#include "broker/frontend/transaction.h"
#include "broker/frontend/upload.h"
#include "broker/frontend/withheld.h"

namespace warren::frontend {

class Connection;

class Channel final : public cluster::ChannelSink, public std::enable_shared_from_this<Channel> {
 public:
  Channel(Connection& connection, ChannelNumber number);
  ~Channel() override;

  void on_frame(const amqp::Frame& frame);
  // Does what was read so far, then lets go of everything; `done` when the cluster has it.
  void finish(std::function<void()> done);
  // Lets go at once. What it holds goes back to its queues.
  void abort();
  ChannelListing listing() const;

  bool has_answers() const { return confirms_.has_answers(); }
  void write_answers();
  void on_sent();      // more output has reached the socket
  void on_routable();  // publishes may be routed again
  void run_backlog();  // what waits behind synchronous methods, if there is room for answers
  void on_tick(BootTime now);
  // Cancels the consumers whose queue the user may no longer read.
  void cancel_unreadable();

  void on_outcomes(std::span<const cluster::CommandOutcome> outcomes) override;
  void on_deliveries(std::vector<queue::Delivery> deliveries) override;
  void on_consumer_cancelled(ConsumerNumber consumer) override;
  void on_holdings_refused(QueueId queue, std::span<const queue::Held> refused) override;
  bool on_reply(std::uint64_t secret, const queue::Content* content) override;
  void on_incarnation_lost() override;

 private:
  enum class State : std::uint8_t { open, returning, closing, released };
  using Done = Result<void>;
  // What a client may send, each where its concern is; channel_inline.h lists them.
  template <typename M>
  Done on(const M& method);
  // channel.cpp: methods in order
  void run(const amqp::Frame& frame);
  void run_method(std::string_view payload);
  void run_content(const amqp::Frame& frame);
  void run_closing(amqp::FrameType type, std::string_view payload);
  void raise(const Error& error, const amqp::MethodInfo& method);
  template <typename M>
  void write(const M& method);
  std::uint64_t begin_wait(const amqp::MethodInfo& method);
  bool end_wait(std::uint64_t wait);
  void after_wait(const Done& result);
  template <typename T, typename Then>
  std::function<void(Result<T>)> answer(const amqp::MethodInfo& method, Then then);
  template <typename Then>
  Done after_commands(const amqp::MethodInfo& method, Then then);
  template <typename Then>
  Done after_held(const amqp::MethodInfo& method, Then then);
  // channel_close.cpp
  void try_release();
  void release(std::function<void()> done);
  void returned(const amqp::ChannelClose& close);
  void drop_backlog();
  // channel_exchange.cpp
  template <typename Ok, typename Command>
  Done define_binding(const amqp::MethodInfo& method, Command command, bool no_wait);
  Done give_history(const amqp::MethodInfo&, catalog::Bind bound, std::function<Done()> then);
  // channel_queue.cpp, and what the methods share
  Result<std::string> name_of_queue(const std::string& given);
  Result<const catalog::QueueInfo*> find_queue(std::string_view name);
  bool is_mine(const catalog::QueueInfo& queue) const;
  Result<void> may(Access access, Resource resource, std::string_view name);
  catalog::Bind make_bind(const amqp::FieldTable& arguments) const;
  Done declare(const amqp::QueueDeclare& method, std::string name);
  Done declared(const catalog::Outcome& outcome, std::string name, bool exclusive, bool no_wait);
  Done answer_declare(GroupId group, QueueId queue, std::string name, bool no_wait);
  template <typename Method, typename Command>
  Done bind_queue(const Method& method, Command command);
  // channel_publish.cpp
  Done on_message(amqp::PublishedMessage message);
  Done check_message(const amqp::PublishedMessage& message);
  Done route(const amqp::PublishedMessage& message, std::uint64_t confirm_tag,
             const queue::Content* kept);
  Done find_queues(const amqp::PublishedMessage& message);
  Destinations destinations();
  queue::Publish make_command(const amqp::PublishedMessage& message, const queue::Content* kept,
                              const Upload* upload);
  Done enqueue(const amqp::PublishedMessage& message, std::uint64_t confirm_tag,
               const queue::Content* kept, const Destinations& to, const Upload* upload);
  void hold(const amqp::PublishedMessage& message, std::uint64_t tag, std::vector<Bytes> pieces);
  void drop_held();
  void return_message(const amqp::PublishedMessage& message, const std::vector<Bytes>& pieces);
  void return_content(const queue::Content& content);
  void resolve(std::uint64_t confirm_tag, bool ack);
  // channel_upload.cpp
  Done on_pieces();
  Done route_upload(Upload& upload, amqp::PublishedMessage head);
  Done route_held(const HeldPublish& held);
  void add_piece(Upload& upload, Bytes piece);
  Done end_upload(Upload upload, const amqp::PublishedMessage& last, const queue::Content* kept);
  void drop_upload();
  void count_uploading(std::int64_t octets);
  // channel_reply.cpp
  Done consume_replies(const amqp::BasicConsume& method);
  Done declare_reply_queue(const amqp::QueueDeclare& method);
  void address_reply(amqp::PublishedMessage& message, std::string& edited) const;
  void send_replies(const Destinations& to, const queue::Content& content, bool mandatory,
                    std::optional<std::uint64_t> confirm_tag);
  // channel_tx.cpp
  Done keep(const amqp::PublishedMessage& message, const queue::Content* kept,
            const Destinations& to, const Upload* upload);
  void commit_publishes();
  void commit_settles();
  void tx_decided(bool accepted);
  bool breaks_into_commit(const amqp::Frame& frame) const;
  // channel_consume.cpp
  void cancelled(const std::string& tag, bool no_wait);
  void got(queue::GetReply reply, GroupId group, bool no_ack);
  // channel_deliver.cpp
  Done settle(DeliveryTag tag, bool multiple, queue::SettleKind kind);
  void recover();
  void settle_handed(const Handed& handed, queue::SettleKind kind);
  void settle_one(GroupId group, QueueId queue, queue::SettleKind kind, const queue::Held& held);
  bool may_deliver(bool counted) const;
  void deliver(const Consumer& consumer, const queue::Delivery& delivery);
  void deliver_withheld();
  void write_content(const queue::Delivery& delivery, GroupId group, bool no_ack);
  void body_sent(std::optional<AutoAck> ack);
  void give_back(const Consumer* consumer, const queue::Delivery& delivery);
  void account(const queue::Delivery& delivery, GroupId group, ConsumerNumber to, bool no_ack);
  void end_consumer(ConsumerNumber number);
  // channel_timeout.cpp
  Milliseconds ack_timeout(QueueId queue, ConsumerNumber number) const;
  void check_acks(BootTime now);

  Connection& connection_;
  const ChannelNumber number_;
  const std::uint64_t key_;  // at the door
  State state_ = State::open;
  bool deaf_ = false;  // the client has closed it: what still comes does not count
  std::function<void()> finished_;

  // One synchronous method at a time.
  std::uint64_t wait_ = 0;  // number of the wait that is on, or of the last one
  bool waiting_ = false, running_backlog_ = false;
  amqp::MethodInfo wait_method_;
  BootTime wait_deadline_{0};
  std::function<void()> when_decided_, when_sent_, when_routed_;
  std::function<void(Result<queue::Outcome>)> purged_;
  std::shared_ptr<class HistoryReplay> history_;  // of the bind that waits
  std::deque<WaitingFrame> backlog_;
  std::string last_declared_;
  amqp::ContentAssembler content_;
  Confirms confirms_;
  std::deque<HeldPublish> held_;
  std::optional<Upload> upload_;
  std::uint32_t last_upload_ = 0;                // number
  std::optional<Transaction> tx_;                // none: the channel is not transactional
  std::uint64_t uploading_ = 0, undecided_ = 0;  // octets of parts; publishes and returns
  std::vector<QueueId> routed_;                  // scratch, as is the next
  std::vector<cluster::ReplyAddress> replies_;   // that find_queues found
  std::optional<ReplyConsumer> reply_consumer_;
  std::map<std::string, Consumer> consumers_;
  boost::container::flat_map<ConsumerNumber, Consumer*> by_number_;
  std::set<QueueId> consumed_;  // auto-delete queues that it consumed from
  std::uint32_t prefetch_ = 0, global_prefetch_ = 0;
  std::size_t consumed_unacked_ = 0;  // what global_prefetch_ counts: gets do not
  DeliveryTag last_tag_;
  UnackedTable unacked_;
  Withheld withheld_;
  std::deque<AutoAck> auto_acks_;
  DeliveryReports reports_;
};

}  // namespace warren::frontend
