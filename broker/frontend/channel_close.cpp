#include <utility>

#include "broker/frontend/channel_inline.h"
#include "broker/frontend/history_replay.h"

namespace warren::frontend {

namespace {

// Auto-delete queues that this channel has consumed from go when nobody else consumes.
void delete_abandoned(cluster::Door& door, const std::set<QueueId>& queues,
                      std::function<void()> done) {
  auto last = std::make_shared<std::function<void()>>(std::move(done));
  auto left = std::make_shared<std::size_t>(1);
  auto one_done = [left, last] {
    if (--*left == 0) (*last)();
  };
  const std::shared_ptr<const catalog::Snapshot> catalog = door.catalog();
  for (QueueId queue : queues) {
    if (catalog->queue(queue) == nullptr) continue;
    ++*left;
    door.delete_queue(queue, true, false, [one_done](const Result<std::uint64_t>&) { one_done(); });
  }
  one_done();
}

}  // namespace

template <>
Channel::Done Channel::on(const amqp::ChannelClose&) {
  deaf_ = true;
  drop_backlog();
  finish([weak = connection_.weak_from_this(), number = number_] {
    std::shared_ptr<Connection> connection = weak.lock();
    if (connection == nullptr) return;
    // Forgotten first: the client may use the number as soon as it reads close-ok.
    connection->forget(number);
    connection->out(number).method(number, amqp::ChannelCloseOk{});
    connection->touch();
  });
  return {};
}

void Channel::finish(std::function<void()> done) {
  if (state_ != State::open && state_ != State::returning) return done();
  if (finished_)
    finished_ = [before = std::move(finished_), done = std::move(done)] {
      before();
      done();
    };
  else
    finished_ = std::move(done);
  try_release();
}

// What was read before the close is done first, publishes that wait for a routing lease included.
void Channel::try_release() {
  if (state_ != State::open || !finished_ || waiting_ || running_backlog_) return;
  if ((!backlog_.empty() && !deaf_) || !held_.empty()) return;
  if (connection_.sends_body(number_)) return;  // its close-ok comes behind it anyway
  release(std::exchange(finished_, nullptr));
}

void Channel::abort() {
  auto finished = std::exchange(finished_, nullptr);
  if (state_ == State::open) return release(finished ? std::move(finished) : [] {});
  if (state_ == State::returning) state_ = State::released;
  if (finished) finished();
}

// As with RabbitMQ, whoever reads channel.close finds in the queues what the channel held.
void Channel::returned(const amqp::ChannelClose& close) {
  if (state_ != State::returning) return;
  state_ = State::closing;
  if (connection_.can_send()) {
    write(close);
    if (deaf_) write(amqp::ChannelCloseOk{});
  }
  if (finished_) std::exchange(finished_, nullptr)();
}

void Channel::release(std::function<void()> done) {
  const std::shared_ptr<Channel> self = shared_from_this();
  state_ = State::released;
  waiting_ = false;
  when_decided_ = when_sent_ = when_routed_ = nullptr;
  purged_ = nullptr;
  history_.reset();
  drop_backlog();
  drop_held();
  content_.reset();
  drop_upload();
  // What is still on its way to a living socket arrives before our close; a dead socket took none.
  if (connection_.can_send())
    for (const AutoAck& ack : auto_acks_)
      settle_one(ack.group, ack.queue, queue::SettleKind::ack, ack.held);
  auto_acks_.clear();
  // Nobody was sent it: that is no failed delivery.
  withheld_.take_all([this](const queue::Delivery& delivery) { give_back(nullptr, delivery); });
  connection_.submit_commands();
  write_answers();
  by_number_.clear();
  consumers_.clear();
  reply_consumer_.reset();
  tx_.reset();
  unacked_ = UnackedTable();
  cluster::Door& door = connection_.hub().door;
  door.close_channel(key_, [&door, queues = std::exchange(consumed_, {}), done = std::move(done)] {
    delete_abandoned(door, queues, done);
  });
}

void Channel::write_answers() {
  if (!confirms_.has_answers() || !connection_.can_send()) return;
  std::vector<Confirms::Answer> answers;
  confirms_.take_answers(answers);
  for (const Confirms::Answer& answer : answers) {
    if (answer.ack)
      connection_.out(number_).method(number_, amqp::BasicAck{answer.tag, answer.multiple});
    else
      connection_.out(number_).method(number_, amqp::BasicNack{answer.tag, answer.multiple, true});
  }
  connection_.touch();
}

ChannelListing Channel::listing() const {
  ChannelListing out;
  out.name = connection_.name() + " (" + std::to_string(number_.value) + ")";
  out.number = number_;
  out.user = connection_.user().name;
  out.vhost = connection_.vhost();
  out.state = state_ == State::open && !finished_ ? "running" : "closing";
  out.confirm = confirms_.selected();
  out.transactional = tx_.has_value();
  out.unacknowledged = unacked_.size();
  out.unconfirmed = confirms_.unanswered();
  out.held_publishes = held_.size();
  out.prefetch = prefetch_;
  out.global_prefetch = global_prefetch_;
  const std::shared_ptr<const catalog::Snapshot> catalog = connection_.hub().door.catalog();
  for (const auto& [tag, consumer] : consumers_) {
    const catalog::QueueInfo* queue = catalog->queue(consumer.queue);
    out.consumers.push_back({queue == nullptr ? "" : queue->name, tag, out.name, consumer.number,
                             !consumer.no_ack, consumer.exclusive, consumer.prefetch,
                             consumer.priority, consumer.arguments});
  }
  return out;
}

}  // namespace warren::frontend
